// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weights and scores of moe.route as functions of the logits, the ids being
// constants.
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// linalg on the rows of matrices [T, N].
struct RowBuilder {
  OpBuilder &b;
  Location loc;

  AffineMap element() { return b.getMultiDimIdentityMap(2); }
  AffineMap row() { return selectLoops(b, 2, {0}); }

  /// Elementwise on x [T, N] and, if given, values [T] of its rows.
  Value map(Value x, Value rows, ElementBody body) {
    SmallVector<LinalgOperand> inputs = {{x, element()}};
    if (rows)
      inputs.push_back({rows, row()});
    Value empty =
        createEmpty(b, loc, tensor::getMixedSizes(b, loc, x), b.getF32Type());
    return buildGeneric(b, loc, inputs, {empty, element()}, body);
  }
  /// A reduction of each row, [T].
  Value reduce(Value x, float start, ElementBody body) {
    Value init = createFilled(b, loc, tensor::getMixedSize(b, loc, x, 0),
                              b.getF32FloatAttr(start));
    return buildGeneric(b, loc, {{x, element()}}, {init, row()}, body);
  }
  Value sum(Value x) {
    return reduce(x, 0.0f, [](OpBuilder &b, Location loc, ValueRange args) {
      return arith::AddFOp::create(b, loc, args[1], args[0]).getResult();
    });
  }
  Value softmax(Value x);
  Value sigmoid(Value x);
  Value sqrtSoftplus(Value x);
  Value softcap(Value x, const APFloat &cap);
  Value normalize(Value x, const APFloat &epsilon, Divisor divisor);
  Value multiply(Value x, Value y);
  Value scale(Value x, const APFloat &factor);
  Value gather(Value x, Value ids);
  Value gatherColumn(Value vector, Value ids);
};
} // namespace

Value RowBuilder::softmax(Value x) {
  Value max = reduce(
      x, -std::numeric_limits<float>::infinity(),
      [](OpBuilder &b, Location loc, ValueRange args) {
        return arith::MaximumFOp::create(b, loc, args[1], args[0]).getResult();
      });
  Value exp = map(x, max, [](OpBuilder &b, Location loc, ValueRange args) {
    Value shifted = arith::SubFOp::create(b, loc, args[0], args[1]);
    return math::ExpOp::create(b, loc, shifted).getResult();
  });
  return map(exp, sum(exp), [](OpBuilder &b, Location loc, ValueRange args) {
    return arith::DivFOp::create(b, loc, args[0], args[1]).getResult();
  });
}

Value RowBuilder::sigmoid(Value x) {
  return map(x, nullptr, [](OpBuilder &b, Location loc, ValueRange args) {
    Value one = createF32(b, loc, 1.0f);
    Value negated = arith::NegFOp::create(b, loc, args[0]);
    Value exp = math::ExpOp::create(b, loc, negated);
    Value divisor = arith::AddFOp::create(b, loc, one, exp);
    return arith::DivFOp::create(b, loc, one, divisor).getResult();
  });
}

Value RowBuilder::sqrtSoftplus(Value x) {
  // ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which does not overflow.
  return map(x, nullptr, [](OpBuilder &b, Location loc, ValueRange args) {
    Value zero = createF32(b, loc, 0.0f);
    Value isPositive =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, args[0], zero);
    Value negated = arith::NegFOp::create(b, loc, args[0]);
    Value least = arith::SelectOp::create(b, loc, isPositive, negated, args[0]);
    Value positive = arith::SelectOp::create(b, loc, isPositive, args[0], zero);
    Value exp = math::ExpOp::create(b, loc, least);
    Value log = math::Log1pOp::create(b, loc, exp);
    Value softplus = arith::AddFOp::create(b, loc, positive, log);
    return math::SqrtOp::create(b, loc, softplus).getResult();
  });
}

Value RowBuilder::softcap(Value x, const APFloat &cap) {
  return map(x, nullptr, [&](OpBuilder &b, Location loc, ValueRange args) {
    Value c = createF32(b, loc, cap.convertToFloat());
    Value ratio = arith::DivFOp::create(b, loc, args[0], c);
    Value tanh = math::TanhOp::create(b, loc, ratio);
    return arith::MulFOp::create(b, loc, c, tanh).getResult();
  });
}

Value RowBuilder::normalize(Value x, const APFloat &epsilon, Divisor divisor) {
  return map(x, sum(x), [&](OpBuilder &b, Location loc, ValueRange args) {
    Value term = createF32(b, loc, epsilon.convertToFloat());
    Value by = divisor == Divisor::Add
                   ? arith::AddFOp::create(b, loc, args[1], term).getResult()
                   : arith::MaximumFOp::create(b, loc, args[1], term);
    return arith::DivFOp::create(b, loc, args[0], by).getResult();
  });
}

Value RowBuilder::multiply(Value x, Value y) {
  Value empty =
      createEmpty(b, loc, tensor::getMixedSizes(b, loc, x), b.getF32Type());
  return buildGeneric(b, loc, {{x, element()}, {y, element()}},
                      {empty, element()},
                      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                        return arith::MulFOp::create(b, loc, args[0], args[1]);
                      });
}

Value RowBuilder::scale(Value x, const APFloat &factor) {
  return map(x, nullptr, [&](OpBuilder &b, Location loc, ValueRange args) {
    Value by = createF32(b, loc, factor.convertToFloat());
    return arith::MulFOp::create(b, loc, args[0], by).getResult();
  });
}

/// Body of a sum over columns, loop 2, that adds the chosen one.
static Value addChosen(OpBuilder &b, Location loc, ValueRange args) {
  Value index = linalg::IndexOp::create(b, loc, 2);
  Value column = arith::IndexCastOp::create(b, loc, b.getI32Type(), index);
  Value chosen =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, args[1], column);
  Value kept =
      arith::SelectOp::create(b, loc, chosen, args[0], createF32(b, loc, 0.0f));
  return arith::AddFOp::create(b, loc, args[2], kept);
}

/// x[t, ids[t, s]] as a sum over columns of which one is chosen, so that the
/// adjoint is a sum over slots: no two writes to one element.
Value RowBuilder::gather(Value x, Value ids) {
  AffineMap slot = selectLoops(b, 3, {0, 1});
  Value zeros = createFilled(b, loc, tensor::getMixedSizes(b, loc, ids),
                             b.getF32FloatAttr(0.0f));
  return buildGeneric(b, loc, {{x, selectLoops(b, 3, {0, 2})}, {ids, slot}},
                      {zeros, slot}, addChosen);
}

/// vector[ids[t, s]], by the same sum.
Value RowBuilder::gatherColumn(Value vector, Value ids) {
  Value zeros = createFilled(b, loc, tensor::getMixedSizes(b, loc, ids),
                             b.getF32FloatAttr(0.0f));
  AffineMap slot = selectLoops(b, 3, {0, 1});
  return buildGeneric(b, loc, {{vector, selectLoops(b, 3, {2})}, {ids, slot}},
                      {zeros, slot}, addChosen);
}

/// Steps 1 and 2 of the op's text, with the scores that `with_scores` gives.
static Value buildScores(RowBuilder &rows, RouteOp op, bool ofAllColumns) {
  Value z = op.getLogits();
  if (std::optional<APFloat> cap = op.getSoftcap())
    z = rows.softcap(z, *cap);
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
    return rows.softmax(z);
  case ScoreFunction::Sigmoid:
    return rows.sigmoid(z);
  case ScoreFunction::SqrtSoftplus:
    return rows.sqrtSoftplus(z);
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
    return ofAllColumns ? rows.softmax(z) : z;
  case ScoreFunction::None:
    return z;
  }
  llvm_unreachable("unknown score function");
}

/// Steps 5 to 7. An id of no column, that of a dropped pair, gives weight 0.
static Value buildWeights(RowBuilder &rows, RouteOp op) {
  Value ids = op.getResult(1);
  Value weights = rows.gather(buildScores(rows, op, false), ids);
  if (op.getScore() == ScoreFunction::SoftmaxTopK)
    weights = rows.softmax(weights);
  if (std::optional<APFloat> epsilon = op.getNormalize())
    weights = rows.normalize(weights, *epsilon, op.getDivisor());
  if (!op.getScale().isExactlyValue(1.0))
    weights = rows.scale(weights, op.getScale());
  if (op.getExpertScale())
    weights =
        rows.multiply(weights, rows.gatherColumn(op.getExpertScale(), ids));
  return weights;
}

/// What of the route makes its weights more than a function of logits and ids;
/// empty where nothing does.
static StringRef findObstacle(RouteOp op) {
  if (op.getNoise())
    return "noise";
  if (op.getScore() == ScoreFunction::SparseMixer)
    return "the masks of sparsemixer";
  if (op.getGroups() && op.getGroups()->getMask() == GroupMask::ZeroScore)
    return "scores that groups make 0";
  if (op.getNormOrder())
    return "a p-norm";
  if (op.getNullExperts())
    return "null experts";
  if (op.getSharedExperts())
    return "slots of shared experts";
  std::optional<RouteCapacityAttr> capacity = op.getCapacity();
  if (!capacity)
    return "";
  if (capacity->getOverflow() == Overflow::Residual)
    return "pairs beyond the capacity";
  bool dividesByAll = op.getScore() == ScoreFunction::SoftmaxTopK ||
                      (op.getNormalize() && !capacity->getRenormalize());
  return dividesByAll ? "a sum over dropped pairs" : "";
}

LogicalResult moe::pullBack(OpBuilder &b, RouteOp op, Adjoints &adjoints) {
  RowBuilder rows{b, op.getLoc()};
  Value weights = op.getResult(0);
  if (adjoints.lookup(weights)) {
    StringRef obstacle = findObstacle(op);
    if (!obstacle.empty())
      return refuse(op) << "its weights depend on " << obstacle;
    auto build = [&] {
      return castTo(b, op.getLoc(), buildWeights(rows, op), weights.getType());
    };
    if (failed(pullBackThrough(b, weights, build, adjoints)))
      return failure();
  }
  int scoresIndex = op.getScoresIndex();
  if (scoresIndex < 0 || !adjoints.lookup(op.getResult(scoresIndex)))
    return success();
  if (op.getNoise())
    return refuse(op) << "its scores depend on noise";
  Value scores = op.getResult(scoresIndex);
  auto build = [&] {
    return castTo(b, op.getLoc(), buildScores(rows, op, true),
                  scores.getType());
  };
  return pullBackThrough(b, scores, build, adjoints);
}
