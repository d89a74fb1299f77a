// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEGATHERPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-gather"

using namespace mlir;
using namespace mlir::moe;

/// Why `use` of the gathered rows cannot read the tokens instead; empty if it
/// can.
static std::string whyNot(GatherRowsOp gather, OpOperand &use) {
  auto grouped = dyn_cast<GroupedMatmulOp>(use.getOwner());
  if (!grouped || &use != &grouped.getInputMutable())
    return ("'" + use.getOwner()->getName().getStringRef() + "' reads them")
        .str();
  if (grouped.getBroadcast())
    return "they are gathered again";
  if (!areRowsOrderedBy(grouped, gather.getOrder(), gather.getTopK()))
    return "the product has its rows in another order";
  return "";
}

static std::string whyNot(GatherRowsOp gather) {
  if (gather.getScale())
    return "they are scaled";
  if (gather->use_empty())
    return "nothing reads them";
  for (OpOperand &use : gather->getUses())
    if (std::string reason = whyNot(gather, use); !reason.empty())
      return reason;
  return "";
}

static void fuse(RewriterBase &rewriter, GatherRowsOp gather) {
  for (OpOperand &use : llvm::make_early_inc_range(gather->getUses())) {
    auto grouped = cast<GroupedMatmulOp>(use.getOwner());
    rewriter.modifyOpInPlace(grouped, [&] {
      grouped.getInputMutable().assign(gather.getInput());
      grouped.setBroadcast(true);
      if (gather.getOrder()) {
        grouped.getOrderMutable().assign(gather.getOrder());
        grouped.setTopK(gather.getTopK());
      }
    });
  }
  rewriter.eraseOp(gather);
}

namespace {
struct FuseGatherPass : moe::impl::FuseGatherPassBase<FuseGatherPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<GatherRowsOp> gathers;
    getOperation()->walk([&](GatherRowsOp op) { gathers.push_back(op); });
    auto opts = remark::RemarkOpts::name("gather").category(DEBUG_TYPE);
    for (GatherRowsOp gather : gathers) {
      if (!gather.hasPureTensorSemantics())
        continue;
      if (std::string reason = whyNot(gather); !reason.empty()) {
        remark::missed(gather.getLoc(), opts)
            << remark::add("rows are copied, since {0}", reason);
        continue;
      }
      remark::passed(gather.getLoc(), opts)
          << remark::add("rows are read where they are by {0} products",
                         llvm::range_size(gather->getUses()));
      ++numFused;
      fuse(rewriter, gather);
    }
  }
};
} // namespace
