// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SubsetOpInterface.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_ELIMINATEEMPTYTENSORSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

/// Whether a use cannot lead to a write to the tensor's memory.
static bool onlyReads(OpOperand &use) {
  if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return op.isDpsInput(&use);
  return isa<tensor::DimOp, tensor::ExtractOp>(use.getOwner());
}

/// The value whose memory is that of `use` after its owner has written; null
/// where that is not one result.
static Value getWritten(OpOperand &use) {
  if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return op->getNumResults() == 0 ? Value() : op.getTiedOpResult(&use);
  if (auto loop = dyn_cast<scf::ForOp>(use.getOwner()))
    return loop.getTiedLoopResult(&use);
  return use.getOwner()->getNumResults() == 1 ? use.getOwner()->getResult(0)
                                              : Value();
}

/// Upstream's replacement of an empty tensor by the memory it ends up in,
/// unless a value on the way there is changed in two ways: one of the two may
/// be made in that memory and the other one, ready later, overwrite it. The
/// analysis does not see that the memory is the same.
static Value buildUnlessShared(RewriterBase &rewriter,
                               SubsetInsertionOpInterface op,
                               tensor::EmptyOp empty, Operation *user) {
  if (user->getNumResults() != 1)
    return bufferization::buildSubsetExtraction(rewriter, op, empty, user);
  for (Value value = user->getResult(0); value;) {
    OpOperand *write = nullptr;
    for (OpOperand &use : value.getUses()) {
      if (onlyReads(use))
        continue;
      if (write)
        return nullptr;
      write = &use;
    }
    value = write ? getWritten(*write) : Value();
  }
  return bufferization::buildSubsetExtraction(rewriter, op, empty, user);
}

namespace {
struct EliminateEmptyTensorsPass
    : moe::impl::EliminateEmptyTensorsPassBase<EliminateEmptyTensorsPass> {
  using Base::Base;

  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    bufferization::OneShotAnalysisState state(getOperation(), options);
    IRRewriter rewriter(&getContext());
    if (failed(bufferization::analyzeOp(getOperation(), state)) ||
        failed(bufferization::eliminateEmptyTensors(rewriter, getOperation(),
                                                    state, buildUnlessShared)))
      signalPassFailure();
  }
};
} // namespace
