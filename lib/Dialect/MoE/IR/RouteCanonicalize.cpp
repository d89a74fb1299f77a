// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Equal routers become one spelling.
#include "OpSupport.h"
#include "moe/Dialect/MoE/IR/DropRouteResults.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

/// Softmax, chosen from and divided by its plain sum, is softmax over the
/// chosen.
static LogicalResult cancelDivisor(RouteOp op, PatternRewriter &rewriter) {
  std::optional<APFloat> epsilon = op.getNormalize();
  if (!epsilon || !epsilon->isZero() || op.getDivisor() != Divisor::Add ||
      op.getNormOrder())
    return rewriter.notifyMatchFailure(op, "does not divide by the plain sum");
  if (op.getCapacity() && (op.getCapacity()->getRenormalize() ||
                           op.getCapacity()->getFirst() == Precedence::Weight))
    return rewriter.notifyMatchFailure(
        op, "the weights before the division matter");
  if (op.getScore() == ScoreFunction::SoftmaxTopK) {
    // The weights sum to 1 already.
    rewriter.modifyOpInPlace(op, [&] { op.removeNormalizeAttr(); });
    return success();
  }
  if (op.getScore() != ScoreFunction::Softmax)
    return rewriter.notifyMatchFailure(op, "the divisor does not cancel");
  if (!op.hasGivenIds() && !op.getOnLogits() &&
      (op.getBias() || op.getGroups()))
    return rewriter.notifyMatchFailure(op, "the choice needs the scores");
  // Softmax over the k chosen needs k exponentials instead of E, and no second
  // division. Both subtract the largest logit, which is chosen unless ids are
  // given, so the weights differ only by rounding.
  rewriter.modifyOpInPlace(op, [&] {
    op.setScore(ScoreFunction::SoftmaxTopK);
    op.removeNormalizeAttr();
  });
  return success();
}

/// Softmax over all experts, all of which are chosen, is softmax over the
/// chosen.
static LogicalResult chooseAll(RouteOp op, PatternRewriter &rewriter) {
  int64_t topK = op.getTopK();
  if (op.getScore() != ScoreFunction::Softmax || op.getExpertChoice() ||
      op.hasGivenIds() || topK != op.getNumChoices())
    return rewriter.notifyMatchFailure(op, "does not choose all experts");
  if (!op.getOnLogits() && (op.getBias() || op.getGroups()))
    return rewriter.notifyMatchFailure(op, "the order needs the scores");
  if (op.getCapacity() && op.getCapacity()->getFirst() == Precedence::Weight)
    return rewriter.notifyMatchFailure(op, "the last bits of weights matter");
  rewriter.modifyOpInPlace(op,
                           [&] { op.setScore(ScoreFunction::SoftmaxTopK); });
  return success();
}

/// Logits are chosen on where they are the scores.
static LogicalResult dropOnLogits(RouteOp op, PatternRewriter &rewriter) {
  if (!op.getOnLogits())
    return failure();
  if (op.getScore() != ScoreFunction::SoftmaxTopK &&
      op.getScore() != ScoreFunction::SparseMixer &&
      op.getScore() != ScoreFunction::None && !op.hasGivenIds())
    return rewriter.notifyMatchFailure(op, "scores are not logits");
  rewriter.modifyOpInPlace(op, [&] { op.setOnLogits(false); });
  return success();
}

/// Where ids are given nothing chooses.
static LogicalResult dropChoice(RouteOp op, PatternRewriter &rewriter) {
  // Masks of scores weigh too, but only where something is chosen.
  if (!op.hasGivenIds() || (!op.getBias() && !op.getGroups()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    op.getBiasMutable().clear();
    op.removeGroupsAttr();
  });
  return success();
}

/// Without bias and groups, softmax is chosen on logits, which differ where
/// scores may be rounded to one value.
static bool needsScores(RouteOp op) {
  return op.getScore() == ScoreFunction::Softmax && !op.getOnLogits() &&
         !op.getExpertChoice();
}

/// Groups that are all kept, one group included, limit nothing.
static LogicalResult dropGroups(RouteOp op, PatternRewriter &rewriter) {
  if (!op.getGroups() ||
      op.getGroups()->getKeep() != op.getGroups()->getCount())
    return failure();
  if (needsScores(op) && !op.getBias())
    return rewriter.notifyMatchFailure(op, "the choice needs the scores");
  rewriter.modifyOpInPlace(op, [&] { op.removeGroupsAttr(); });
  return success();
}

/// The values of a constant f32 operand are all `value`.
static bool isConstant(Value operand, float value) {
  DenseFPElementsAttr constant;
  return operand && matchPattern(operand, m_Constant(&constant)) &&
         llvm::all_of(constant.getValues<APFloat>(), [&](const APFloat &x) {
           return x.isExactlyValue(value);
         });
}

/// A bias of zeros chooses nothing. (-0 counts: equal keys stay equal.)
static LogicalResult dropZeroBias(RouteOp op, PatternRewriter &rewriter) {
  if (!isConstant(op.getBias(), 0.0f) && !isConstant(op.getBias(), -0.0f))
    return failure();
  if (needsScores(op) && !op.getGroups())
    return rewriter.notifyMatchFailure(op, "the choice needs the scores");
  rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
  return success();
}

static LogicalResult dropUnitExpertScale(RouteOp op,
                                         PatternRewriter &rewriter) {
  if (!isConstant(op.getExpertScale(), 1.0f))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getExpertScaleMutable().clear(); });
  return success();
}

static LogicalResult dropZeroNoise(RouteOp op, PatternRewriter &rewriter) {
  if (!op.getNoise() || !op.getNoise()->getStddev().isZero())
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    op.removeNoiseAttr();
    op.getNoiseStepMutable().clear();
  });
  return success();
}

/// Of weights that are not negative the norm of order 1 is the sum.
static LogicalResult dropNormOrder(RouteOp op, PatternRewriter &rewriter) {
  if (!op.getNormOrder() || !op.getNormOrder()->isExactlyValue(1.0))
    return failure();
  if (op.getScore() == ScoreFunction::None)
    return rewriter.notifyMatchFailure(op, "weights may be negative");
  rewriter.modifyOpInPlace(op, [&] { op.removeNormOrderAttr(); });
  return success();
}

/// max(sum, eps) and sum + eps are the sum for eps 0: weights are not negative.
static LogicalResult addZeroEpsilon(RouteOp op, PatternRewriter &rewriter) {
  if (op.getDivisor() != Divisor::Max || !op.getNormalize() ||
      !op.getNormalize()->isZero())
    return failure();
  if (op.getScore() == ScoreFunction::None && !op.getNormOrder())
    return rewriter.notifyMatchFailure(op, "the sum may be negative");
  rewriter.modifyOpInPlace(op, [&] { op.setDivisor(Divisor::Add); });
  return success();
}

/// No expert is chosen by more than T tokens.
static LogicalResult dropCapacity(RouteOp op, PatternRewriter &rewriter) {
  if (!op.getCapacity() || op.getExpertChoice())
    return failure();
  int64_t tokens = cast<ShapedType>(op.getLogits().getType()).getDimSize(0);
  int64_t times = op.hasGivenIds() ? static_cast<int64_t>(op.getTopK()) : 1;
  RouteCapacityAttr capacity = *op.getCapacity();
  if (ShapedType::isDynamic(tokens) ||
      capacity.getCapacity(tokens, op.getNumRouted()) < tokens * times)
    return rewriter.notifyMatchFailure(op, "the capacity may bind");
  rewriter.modifyOpInPlace(op, [&] { op.removeCapacityAttr(); });
  return success();
}

LogicalResult moe::dropUnreadResults(RouteOp op, RewriterBase &rewriter) {
  if (op.getNumResults() == 0)
    return rewriter.notifyMatchFailure(op, "buffer form");
  bool scores =
      op.getWithScores() && !op.getResult(op.getScoresIndex()).use_empty();
  bool counts =
      op.getWithCounts() && !op.getResult(op.getCountsIndex()).use_empty();
  if (scores == op.getWithScores() && counts == op.getWithCounts())
    return rewriter.notifyMatchFailure(op, "every result is used");
  SmallVector<Type> types;
  SmallVector<unsigned> kept;
  for (OpResult result : op->getResults()) {
    int i = result.getResultNumber();
    if ((i == op.getScoresIndex() && !scores) ||
        (i == op.getCountsIndex() && !counts))
      continue;
    kept.push_back(i);
    types.push_back(result.getType());
  }
  rewriter.setInsertionPoint(op);
  OperationState state(op.getLoc(), op->getName(), op->getOperands(), types,
                       llvm::to_vector(op->getDiscardableAttrs()));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  auto smaller = cast<RouteOp>(rewriter.create(state));
  smaller.setWithScores(scores);
  smaller.setWithCounts(counts);
  for (auto [i, result] : llvm::zip_equal(kept, smaller.getResults()))
    rewriter.replaceAllUsesWith(op.getResult(i), result);
  rewriter.eraseOp(op);
  return success();
}

/// Scores and counts that nobody reads.
static LogicalResult dropResults(RouteOp op, PatternRewriter &rewriter) {
  return dropUnreadResults(op, rewriter);
}

void RouteOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *) {
  patterns.add(cancelDivisor);
  patterns.add(chooseAll);
  patterns.add(dropOnLogits);
  patterns.add(dropChoice);
  patterns.add(dropGroups);
  patterns.add(dropZeroBias);
  patterns.add(dropUnitExpertScale);
  patterns.add(dropZeroNoise);
  patterns.add(dropNormOrder);
  patterns.add(addZeroEpsilon);
  patterns.add(dropCapacity);
  patterns.add(dropResults);
}
