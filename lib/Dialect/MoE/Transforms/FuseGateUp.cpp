// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEGATEUPPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-fuse-gate-up"

using namespace mlir;
using namespace mlir::moe;

/// One weight, and nothing done to the product.
static bool isPlain(GroupedMatmulOp op) {
  return op.getWeights().size() == 1 && op.getEpilogue().empty() &&
         !op.getCombine() && op.hasPureTensorSemantics();
}

/// Whether two plain products multiply the same rows.
static bool haveSameRows(GroupedMatmulOp a, GroupedMatmulOp b) {
  return a.getInput() == b.getInput() && a.getOffsets() == b.getOffsets() &&
         a.getIds() == b.getIds() && a.getOrder() == b.getOrder() &&
         a.getBroadcast() == b.getBroadcast() &&
         a.getPartial() == b.getPartial();
}

/// Why the later product cannot be made with the earlier one; empty if it can,
/// and then its operands stand before the earlier one.
static std::string whyNot(RewriterBase &rewriter, GroupedMatmulOp earlier,
                          GroupedMatmulOp later) {
  if (earlier.getWeights().front().getType() !=
          later.getWeights().front().getType() ||
      earlier.getPanelAttr() != later.getPanelAttr())
    return "their weights have different types";
  if (earlier->getBlock() != later->getBlock())
    return "they are in different blocks";
  if (failed(moveOperationDependencies(rewriter, later, earlier)))
    return "the second one needs what is made after the first one";
  return "";
}

static GroupedMatmulOp fuse(RewriterBase &rewriter, GroupedMatmulOp earlier,
                            GroupedMatmulOp later) {
  rewriter.setInsertionPoint(earlier);
  GroupedParts parts(earlier);
  llvm::append_range(parts.weights, later.getWeights());
  llvm::append_range(parts.outs, later.getOuts());
  GroupedMatmulOp fused = parts.create(
      rewriter, rewriter.getFusedLoc({earlier.getLoc(), later.getLoc()}));
  rewriter.replaceOp(earlier, fused.getResults().take_front());
  rewriter.replaceOp(later, fused.getResults().drop_front());
  return fused;
}

namespace {
struct FuseGateUpPass : moe::impl::FuseGateUpPassBase<FuseGateUpPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    auto opts = remark::RemarkOpts::name("gate-up").category(DEBUG_TYPE);
    // Plain products that wait for another one of their rows.
    SmallVector<GroupedMatmulOp> waiting;
    SmallVector<GroupedMatmulOp> products;
    getOperation()->walk([&](GroupedMatmulOp op) {
      if (isPlain(op))
        products.push_back(op);
    });
    for (GroupedMatmulOp later : products) {
      auto it = llvm::find_if(waiting, [&](GroupedMatmulOp earlier) {
        return haveSameRows(earlier, later);
      });
      if (it == waiting.end()) {
        waiting.push_back(later);
        continue;
      }
      GroupedMatmulOp earlier = *it;
      waiting.erase(it);
      if (std::string reason = whyNot(rewriter, earlier, later);
          !reason.empty()) {
        remark::missed(later.getLoc(), opts)
            << remark::add("rows are read once for each of two products, "
                           "since {0}",
                           reason);
        continue;
      }
      remark::passed(later.getLoc(), opts)
          << "rows are read once for two products";
      ++numFused;
      fuse(rewriter, earlier, later);
    }
  }
};
} // namespace
