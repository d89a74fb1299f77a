// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSECOMBINEPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-combine"

using namespace mlir;
using namespace mlir::moe;

/// Why the combination cannot be made by the product that makes its rows; empty
/// if it can.
static std::string whyNot(CombineRowsOp combine) {
  Operation *producer = combine.getRows().getDefiningOp();
  auto grouped = dyn_cast_if_present<GroupedMatmulOp>(producer);
  if (!producer)
    return "they come from outside";
  if (!grouped)
    return ("'" + producer->getName().getStringRef() + "' makes them").str();
  if (grouped.getCombine())
    return "they are combined already";
  if (grouped.getNumResults() != 1)
    return "the product makes other rows too";
  if (!combine.getRows().hasOneUse())
    return "they have more than one use";
  int64_t topK = cast<ShapedType>(combine.getWeights().getType()).getDimSize(1);
  if (!areRowsFoundBy(grouped, combine.getInverse(), topK))
    return "the product has them in another order";
  if (combine.getPartial() != grouped.getPartial())
    return "pairs are skipped by one of the two only";
  if (combine.getPartial() &&
      !areRowsGroupedBy(grouped, combine.getOffsets(), combine.getIds()))
    return "other pairs are skipped";
  return "";
}

static void fuse(RewriterBase &rewriter, CombineRowsOp combine) {
  auto grouped = combine.getRows().getDefiningOp<GroupedMatmulOp>();
  rewriter.setInsertionPoint(combine);
  GroupedParts parts(grouped);
  parts.combine = combine.getWeights();
  parts.inverse = combine.getInverse();
  parts.skipped = combine.getSkipped();
  parts.init = combine.getInit();
  parts.outs = combine.getOuts();
  GroupedMatmulOp fused = parts.create(rewriter, combine.getLoc());
  rewriter.inlineRegionBefore(grouped.getEpilogue(), fused.getEpilogue(),
                              fused.getEpilogue().end());
  rewriter.replaceOp(combine, fused);
  rewriter.eraseOp(grouped);
}

namespace {
struct FuseCombinePass : moe::impl::FuseCombinePassBase<FuseCombinePass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<CombineRowsOp> combines;
    getOperation()->walk([&](CombineRowsOp op) { combines.push_back(op); });
    auto opts = remark::RemarkOpts::name("combine").category(DEBUG_TYPE);
    for (CombineRowsOp combine : combines) {
      if (!combine.hasPureTensorSemantics())
        continue;
      if (std::string reason = whyNot(combine); !reason.empty()) {
        remark::missed(combine.getLoc(), opts)
            << remark::add("rows are combined on their own, since {0}", reason);
        continue;
      }
      remark::passed(combine.getLoc(), opts)
          << "rows are combined by the product that makes them";
      ++numFused;
      fuse(rewriter, combine);
    }
  }
};
} // namespace
