// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "moe/Analysis/UpperBound.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_VERIFYBUFFERSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether the operation takes memory from the heap.
static bool allocates(Operation *op) {
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  if (!effects)
    return false;
  SmallVector<MemoryEffects::EffectInstance> allocations;
  effects.getEffects<MemoryEffects::Allocate>(allocations);
  return llvm::any_of(allocations, [](const auto &effect) {
    return !isa<SideEffects::AutomaticAllocationScopeResource>(
        effect.getResource());
  });
}

/// The argument of an entry that the memref is a view of; null if it is of
/// something else.
static BlockArgument getEntryArgument(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  auto argument = dyn_cast<BlockArgument>(memref);
  return argument && argument.getOwner()->getParentOp()->hasAttr(kEntryAttr)
             ? argument
             : BlockArgument();
}

static LogicalResult verifyCopy(memref::CopyOp copy, int64_t maxBytes) {
  BlockArgument source = getEntryArgument(copy.getSource());
  if (!source || source.getArgNumber() >= kArenaArgument)
    return success();
  BlockArgument target = getEntryArgument(copy.getTarget());
  if (target && target.getArgNumber() >= kFirstTensorArgument)
    return success();
  std::optional<int64_t> bytes = getByteSizeUpperBound(copy.getSource());
  if (bytes && *bytes <= maxBytes)
    return success();
  InFlightDiagnostic diagnostic = copy.emitOpError("copies ");
  if (bytes)
    diagnostic << *bytes << " bytes";
  else
    diagnostic << "any number of bytes";
  return diagnostic << " of "
                    << (source.getArgNumber() == kWeightsArgument ? "weights"
                                                                  : "a cache")
                    << "; expected " << maxBytes << " or less";
}

namespace {
struct VerifyBuffersPass : moe::impl::VerifyBuffersPassBase<VerifyBuffersPass> {
  using Base::Base;

  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (allocates(op)) {
        op->emitOpError("allocates memory when it runs; expected every buffer "
                        "in an entry's arena");
        return WalkResult::interrupt();
      }
      if (auto copy = dyn_cast<memref::CopyOp>(op);
          copy && failed(verifyCopy(copy, maxCopyBytes)))
        return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
