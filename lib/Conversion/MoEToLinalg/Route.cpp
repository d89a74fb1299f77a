// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.route on tensors; see RouteBuilder.h.
#include "RouteBuilder.h"

#include "mlir/IR/PatternMatch.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

using namespace mlir;
using namespace mlir::moe;

SmallVector<Value> RouteBuilder::build() {
  logits = buildLogits();
  scores = maskedScores = buildScores();
  if (op.getExpertChoice()) {
    buildExpertChoice(buildKeys());
    weights = scores;
  } else if (op.hasGivenIds()) {
    columns = buildColumns(buildGivenIds());
  } else {
    Value keys = buildKeys();
    if (op.getGroups())
      keys = buildGroupLimit(keys);
    columns = buildColumns(buildChoice(keys));
  }
  if (!op.getExpertChoice())
    weights = buildWeights();
  if (op.getCapacity() && !op.getExpertChoice()) {
    Value capacity = buildCapacity();
    if (op.getCapacity()->getFirst() == Precedence::Weight)
      buildCapacityByWeight(capacity);
    else
      buildCapacityInOrder(capacity);
  }
  if (op.getNormalize())
    weights = buildNormalize();
  weights = buildScale();
  SmallVector<Value> results = {buildFinalWeights(), buildFinalIds()};
  if (op.getWithScores()) {
    bool ofChosen = op.getScore() == ScoreFunction::SoftmaxTopK ||
                    op.getScore() == ScoreFunction::SparseMixer;
    results.push_back(
        ofChosen ? buildSoftmax(logits, numColumns, /*inLanes=*/true) : scores);
  }
  if (op.getWithCounts())
    results.push_back(buildCounts(results[1]));
  for (auto [value, result] : llvm::zip_equal(results, op.getResults()))
    value = castTo(b, b.getLoc(), value, result.getType());
  return results;
}

namespace {
struct RouteToLinalg : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    if (op.getPanel())
      return rewriter.notifyMatchFailure(op, "packed weights");
    rewriter.replaceOp(op, RouteBuilder(rewriter, op).build());
    return success();
  }
};
} // namespace

void moe::populateRouteToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<RouteToLinalg>(patterns.getContext());
}
