// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.route: scores by linalg, the choice of k by loops, weights by linalg.
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"

#include "RowMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// A candidate for a slot: its expert and the value it is chosen by.
struct Candidate {
  Value id;  ///< index
  Value key; ///< f32
};
} // namespace

static Value compare(ImplicitLocOpBuilder &b, arith::CmpFPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpFOp::create(b, predicate, lhs, rhs);
}

/// Whether `lhs` ranks before `rhs`: by larger key, NaN last, then by lower id.
/// This is a total order, so each slot's expert is the first one after the
/// previous slot's, and no set of taken experts is needed.
static Value ranksBefore(ImplicitLocOpBuilder &b, Candidate lhs,
                         Candidate rhs) {
  using P = arith::CmpFPredicate;
  Value larger = compare(b, P::OGT, lhs.key, rhs.key);
  Value equal = compare(b, P::OEQ, lhs.key, rhs.key);
  Value lhsNaN = compare(b, P::UNO, lhs.key, lhs.key);
  Value rhsNaN = compare(b, P::UNO, rhs.key, rhs.key);
  Value bothNaN = arith::AndIOp::create(b, lhsNaN, rhsNaN);
  Value onlyRhsNaN =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhsNaN, rhsNaN);
  Value lowerId =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs.id, rhs.id);
  Value tied = arith::OrIOp::create(b, equal, bothNaN);
  Value byId = arith::AndIOp::create(b, tied, lowerId);
  Value byKey = arith::OrIOp::create(b, larger, onlyRhsNaN);
  return arith::OrIOp::create(b, byKey, byId);
}

/// The first candidate in rank order among `keys[token, :]` that ranks after
/// `previous`; `isFirst` admits all.
static Candidate findNext(ImplicitLocOpBuilder &b, Value keys, int64_t experts,
                          Value token, Candidate previous, Value isFirst) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value end = arith::ConstantIndexOp::create(b, experts);
  Value none = end;
  Value nan = arith::ConstantOp::create(
      b, b.getF32FloatAttr(std::numeric_limits<float>::quiet_NaN()));
  // Id E with a NaN key ranks after every expert.
  auto loop = scf::ForOp::create(
      b, zero, end, one, ValueRange{none, nan},
      [&](OpBuilder &builder, Location loc, Value id, ValueRange best) {
        ImplicitLocOpBuilder b(loc, builder);
        Value key = tensor::ExtractOp::create(b, keys, ValueRange{token, id});
        Candidate candidate = {id, key};
        Value after = ranksBefore(b, previous, candidate);
        Value eligible = arith::OrIOp::create(b, isFirst, after);
        Value better = ranksBefore(b, candidate, {best[0], best[1]});
        Value take = arith::AndIOp::create(b, eligible, better);
        Value newId = arith::SelectOp::create(b, take, id, best[0]);
        Value newKey = arith::SelectOp::create(b, take, key, best[1]);
        scf::YieldOp::create(b, ValueRange{newId, newKey});
      });
  return {loop.getResult(0), loop.getResult(1)};
}

/// ids [T, k] of the largest `keys`, and `scores` at these ids.
static std::pair<Value, Value> chooseTopK(ImplicitLocOpBuilder &b, Value keys,
                                          Value scores, int64_t topK) {
  Location loc = b.getLoc();
  int64_t experts = cast<ShapedType>(keys.getType()).getDimSize(1);
  OpFoldResult tokens = tensor::getMixedSize(b, loc, keys, 0);
  OpFoldResult sizes[] = {tokens, b.getIndexAttr(topK)};
  Value weights = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  Value ids = tensor::EmptyOp::create(b, loc, sizes, b.getI32Type());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value slots = arith::ConstantIndexOp::create(b, topK);
  Value numTokens = getValueOrCreateConstantIndexOp(b, loc, tokens);
  Value anyKey = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));

  auto chooseSlot = [&](OpBuilder &builder, Location loc, Value token,
                        Value slot, ValueRange carried) {
    ImplicitLocOpBuilder b(loc, builder);
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, slot, zero);
    Candidate chosen =
        findNext(b, keys, experts, token, {carried[2], carried[3]}, isFirst);
    Value weight =
        tensor::ExtractOp::create(b, scores, ValueRange{token, chosen.id});
    Value id = arith::IndexCastOp::create(b, b.getI32Type(), chosen.id);
    Value at[] = {token, slot};
    Value newWeights = tensor::InsertOp::create(b, weight, carried[0], at);
    Value newIds = tensor::InsertOp::create(b, id, carried[1], at);
    scf::YieldOp::create(b,
                         ValueRange{newWeights, newIds, chosen.id, chosen.key});
  };
  auto chooseToken = [&](OpBuilder &b, Location loc, Value token,
                         ValueRange carried) {
    auto loop = scf::ForOp::create(
        b, loc, zero, slots, one,
        ValueRange{carried[0], carried[1], zero, anyKey},
        [&](OpBuilder &b, Location loc, Value slot, ValueRange carried) {
          chooseSlot(b, loc, token, slot, carried);
        });
    scf::YieldOp::create(b, loc, loop.getResults().take_front(2));
  };
  auto loop = scf::ForOp::create(b, zero, numTokens, one,
                                 ValueRange{weights, ids}, chooseToken);
  return {loop.getResult(1), loop.getResult(0)};
}

namespace {
struct RouteToLinalg : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    Location loc = op.getLoc();
    ImplicitLocOpBuilder b(loc, rewriter);
    Value scores = op.getLogits();
    if (op.getScore() == ScoreFunction::Softmax)
      scores = buildSoftmax(b, loc, scores);
    else if (op.getScore() == ScoreFunction::Sigmoid)
      scores = buildSigmoid(b, loc, scores);
    Value keys =
        op.getBias() ? buildAddVector(b, loc, scores, op.getBias()) : scores;
    auto [ids, weights] = chooseTopK(b, keys, scores, op.getTopK());
    if (op.getScore() == ScoreFunction::SoftmaxTopK)
      weights = buildSoftmax(b, loc, weights);
    if (std::optional<APFloat> eps = op.getNormalize())
      weights = buildDivideBySum(b, loc, weights, *eps);
    if (!op.getScale().isExactlyValue(1.0))
      weights = buildScale(b, loc, weights, op.getScale());
    rewriter.replaceOp(op, {castTo(b, loc, weights, op.getResult(0).getType()),
                            castTo(b, loc, ids, op.getResult(1).getType())});
    return success();
  }
};
} // namespace

void moe::populateRouteToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<RouteToLinalg>(patterns.getContext());
}
