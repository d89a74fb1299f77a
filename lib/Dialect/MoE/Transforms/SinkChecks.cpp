// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SINKCHECKSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether the operation, or one in it, reads an element of a tensor.
static bool readsData(Operation *op) {
  return op->walk([](tensor::ExtractOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// What the check's condition takes from data: operations that read elements,
/// and those that compute from what was read; in their order.
static SetVector<Operation *> getDataSlice(cf::AssertOp check) {
  SetVector<Operation *> slice, data;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  // Tensors are on the device, however they were made.
  options.filter = [&](Operation *op) {
    return op->getBlock() == check->getBlock() &&
           llvm::none_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
  };
  LogicalResult found = getBackwardSlice(check.getArg(), &slice, options);
  assert(succeeded(found) && "the filter keeps to one block");
  (void)found;
  auto isData = [&](Value value) {
    return data.contains(value.getDefiningOp());
  };
  for (Operation *op : topologicalSort(slice)) {
    SetVector<Value> uses(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), uses);
    if (readsData(op) || llvm::any_of(uses, isData))
      data.insert(op);
  }
  return data;
}

static void sink(cf::AssertOp check, const SetVector<Operation *> &data) {
  OpBuilder b(check);
  Location loc = check.getLoc();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  auto mapping =
      b.getArrayAttr(ArrayRef<Attribute>(RowsAttr::get(b.getContext())));
  scf::ForallOp::create(b, loc, ArrayRef(zero), ArrayRef(one), ArrayRef(one),
                        ValueRange(), mapping,
                        [&](OpBuilder &inner, Location loc, ValueRange) {
                          IRMapping known;
                          for (Operation *op : data)
                            inner.clone(*op, known);
                          inner.clone(*check, known);
                          scf::InParallelOp::create(inner, loc);
                        });
  check.erase();
}

namespace {
struct SinkChecksPass : moe::impl::SinkChecksPassBase<SinkChecksPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<cf::AssertOp> checks;
    for (auto check : getOperation().getFunctionBody().getOps<cf::AssertOp>())
      checks.push_back(check);
    for (cf::AssertOp check : checks) {
      SetVector<Operation *> data = getDataSlice(check);
      if (data.empty())
        continue;
      sink(check, data);
      ++numSunk;
    }
  }
};
} // namespace
