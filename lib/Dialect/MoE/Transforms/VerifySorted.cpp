// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_VERIFYSORTEDPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static LogicalResult verifySorted(Operation *op) {
  if (isa<DispatchOp, ExpertOp, CombineOp>(op))
    return op->emitOpError("is of the graph level; run moe-sort-tokens first");
  auto grouped = dyn_cast<GroupedMatmulOp>(op);
  if (!grouped || !grouped.getOffsets())
    return success();
  auto sort = grouped.getOffsets().getDefiningOp<SortTokensOp>();
  if (!sort || grouped.getOffsets() != sort.getResult(0))
    return op->emitOpError("expected offsets of a moe.sort_tokens");
  int64_t experts = grouped.getNumExperts();
  if (experts != int64_t(sort.getExperts()))
    return op->emitOpError("expected rows sorted for ")
           << experts << " experts, got " << sort.getExperts();
  return success();
}

namespace {
struct VerifySortedPass : moe::impl::VerifySortedPassBase<VerifySortedPass> {
  using Base::Base;

  void runOnOperation() override {
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(verifySorted(op)) ? WalkResult::interrupt()
                                      : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
