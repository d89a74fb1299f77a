// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Dialect/MoE/IR/DropRouteResults.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_REMOVEDEADRESULTSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

#define DEBUG_TYPE "moe-remove-dead-results"

using namespace mlir;
using namespace mlir::moe;

namespace {
struct RemoveDeadResultsPass
    : moe::impl::RemoveDeadResultsPassBase<RemoveDeadResultsPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Losses that nobody reads do not keep what they are computed from.
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
    SmallVector<RouteOp> routes;
    getOperation()->walk([&](RouteOp op) {
      if (op->getNumResults() != 0)
        routes.push_back(op);
    });
    for (RouteOp route : routes) {
      bool scores = isRead(route, route.getScoresIndex(), "scores");
      bool counts = isRead(route, route.getCountsIndex(), "counts");
      if (scores != route.getWithScores() || counts != route.getWithCounts())
        (void)dropUnreadResults(route, rewriter);
    }
  }

private:
  /// Whether the result is there and has a reader; a remark where it is there.
  bool isRead(RouteOp route, int index, StringRef name) {
    if (index < 0)
      return false;
    auto opts = remark::RemarkOpts::name("dead-result").category(DEBUG_TYPE);
    Value result = route->getResult(index);
    if (result.use_empty()) {
      remark::passed(route.getLoc(), opts)
          << remark::add("nothing reads the {0}, so they are gone", name);
      ++numRemoved;
      return false;
    }
    Operation *reader = *result.user_begin();
    remark::missed(route.getLoc(), opts)
        << remark::add("the {0} are computed, since '{1}' reads them", name,
                       reader->getName().getStringRef());
    return true;
  }
};
} // namespace
