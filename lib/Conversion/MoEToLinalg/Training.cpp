// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts, win probabilities, the bias update, and the patterns of all training
// operations.
#include "Training.h"

#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Conversion/MoEToLinalg/TrainingMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

Value moe::f32(ImplicitLocOpBuilder &b, double value) {
  return createF32(b, b.getLoc(), static_cast<float>(value));
}

Value moe::keepCounted(ImplicitLocOpBuilder &b, Value value, Value mask) {
  if (!mask)
    return value;
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(mask.getType()));
  Value counts = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, mask, none);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
  return arith::SelectOp::create(b, counts, value, zero);
}

Value moe::build(MathBuilder &b, CountExpertsOp op) {
  unsigned rank = op.getIds().getType().getRank();
  // Loops: those of the ids, then the experts.
  unsigned expertLoop = rank;
  SmallVector<std::pair<Value, MathBuilder::Loops>> inputs = {
      {op.getIds(), MathBuilder::firstLoops(rank)}};
  if (op.getMask())
    inputs.push_back({op.getMask(), MathBuilder::firstLoops(rank - 1)});
  SmallVector<OpFoldResult> shape = b.shapeOf(op.getIds());
  shape.pop_back_n(2);
  MathBuilder::Loops result = MathBuilder::firstLoops(rank - 2);
  shape.push_back(b.getIndexAttr(op.getExperts()));
  result.push_back(expertLoop);
  Value init = createFilled(b, b.getLoc(), shape, b.getI32IntegerAttr(0));
  return b.generic(
      inputs, rank + 1, {init, result},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value index = linalg::IndexOp::create(b, expertLoop);
        Value expert = arith::IndexCastOp::create(b, b.getI32Type(), index);
        Value chosen =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[0], expert);
        Value unit = arith::ExtUIOp::create(b, b.getI32Type(), chosen);
        Value counted = keepCounted(b, unit, op.getMask() ? args[1] : nullptr);
        return arith::AddIOp::create(b, args.back(), counted);
      });
}

/// Whether element (value, expert) comes before another in the order of
/// moe.route: larger, then lower expert; NaN last.
static Value comesBefore(ImplicitLocOpBuilder &b, Value value, Value expert,
                         Value otherValue, Value otherExpert) {
  using P = arith::CmpFPredicate;
  auto compare = [&](P predicate, Value lhs, Value rhs) -> Value {
    return arith::CmpFOp::create(b, predicate, lhs, rhs);
  };
  // Not above and not below, in an order where NaN is the least.
  Value isNaN = compare(P::UNO, value, value);
  Value otherIsNaN = compare(P::UNO, otherValue, otherValue);
  Value onlyOtherNaN =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, isNaN, otherIsNaN);
  Value larger =
      arith::OrIOp::create(b, compare(P::OGT, value, otherValue), onlyOtherNaN);
  Value bothNaN = arith::AndIOp::create(b, isNaN, otherIsNaN);
  Value equal =
      arith::OrIOp::create(b, compare(P::OEQ, value, otherValue), bothNaN);
  Value lower =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, expert, otherExpert);
  Value tied = arith::AndIOp::create(b, equal, lower);
  return arith::OrIOp::create(b, larger, tied);
}

/// The k-th largest of each row: the element that k-1 come before.
static Value findThreshold(MathBuilder &b, Value noisy, int64_t topK) {
  SmallVector<OpFoldResult> shape = b.shapeOf(noisy);
  Value init = createFilled(b, b.getLoc(), shape, b.getI32IntegerAttr(0));
  Value ranks = b.generic(
      {{noisy, {0, 1}}, {noisy, {0, 2}}}, 3, {init, {0, 1}},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value expert = linalg::IndexOp::create(b, 1);
        Value other = linalg::IndexOp::create(b, 2);
        Value before = comesBefore(b, args[1], other, args[0], expert);
        Value unit = arith::ExtUIOp::create(b, b.getI32Type(), before);
        return arith::AddIOp::create(b, args[2], unit);
      });
  return b.generic(
      {{noisy, {0, 1}}, {ranks, {0, 1}}}, 2, {b.zeros(shape.front()), {0}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value last =
            arith::ConstantOp::create(b, b.getI32IntegerAttr(topK - 1));
        Value isThreshold =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[1], last);
        Value kept =
            arith::SelectOp::create(b, isThreshold, args[0], f32(b, 0.0));
        return arith::AddFOp::create(b, args[2], kept);
      });
}

Value moe::build(MathBuilder &b, WinProbabilityOp op) {
  Value threshold = findThreshold(b, op.getNoisy(), op.getTopK());
  Value empty = b.empty(b.shapeOf(op.getLogits()));
  return b.generic(
      {{op.getLogits(), {0, 1}}, {threshold, {0}}}, 2, {empty, {0, 1}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value margin = arith::SubFOp::create(b, args[0], args[1]);
        Value scaled = arith::MulFOp::create(b, margin, f32(b, op.getSlope()));
        Value erf = math::ErfOp::create(b, scaled);
        return math::FmaOp::create(b, f32(b, 0.5), erf, f32(b, 0.5));
      });
}

Value moe::build(MathBuilder &b, UpdateBiasOp op) {
  int64_t experts = op.getBias().getType().getDimSize(0);
  Type i64 = b.getI64Type();
  Value init = createFilled(b, b.getLoc(), {}, b.getI64IntegerAttr(0));
  Value total =
      b.generic({{op.getCounts(), {0}}}, 1, {init, {}},
                [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value count = arith::ExtSIOp::create(b, i64, args[0]);
                  return arith::AddIOp::create(b, args[1], count);
                });
  Value empty = b.empty(OpFoldResult(b.getIndexAttr(experts)));
  return b.generic(
      {{op.getBias(), {0}}, {op.getCounts(), {0}}, {total, {}}}, 1,
      {empty, {0}}, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value count = arith::ExtSIOp::create(b, i64, args[1]);
        Value factor =
            arith::ConstantOp::create(b, b.getI64IntegerAttr(experts));
        Value share = arith::MulIOp::create(b, count, factor);
        auto selectIf = [&](arith::CmpIPredicate predicate, double yes,
                            Value no) -> Value {
          Value holds = arith::CmpIOp::create(b, predicate, args[2], share);
          return arith::SelectOp::create(b, holds, f32(b, yes), no);
        };
        double rate = op.getRate().convertToFloat();
        Value step =
            selectIf(arith::CmpIPredicate::sgt, rate,
                     selectIf(arith::CmpIPredicate::slt, -rate, f32(b, 0.0)));
        return arith::AddFOp::create(b, args[0], step);
      });
}

Value moe::buildTrainingMath(OpBuilder &builder, Operation *op) {
  MathBuilder b(op->getLoc(), builder);
  Value result = llvm::TypeSwitch<Operation *, Value>(op)
                     .Case<CountExpertsOp, BalanceLossOp, VariationLossOp,
                           WinProbabilityOp, ZLossOp, UpdateBiasOp>(
                         [&](auto typed) { return build(b, typed); })
                     .Default([](Operation *) { return Value(); });
  return result ? castTo(b, b.getLoc(), result, op->getResult(0).getType())
                : Value();
}

namespace {
template <typename OpT>
struct TrainingToLinalg : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, buildTrainingMath(rewriter, op));
    return success();
  }
};
} // namespace

void moe::populateTrainingToLinalgPatterns(RewritePatternSet &patterns) {
  patterns
      .add<TrainingToLinalg<CountExpertsOp>, TrainingToLinalg<BalanceLossOp>,
           TrainingToLinalg<VariationLossOp>,
           TrainingToLinalg<WinProbabilityOp>, TrainingToLinalg<ZLossOp>,
           TrainingToLinalg<UpdateBiasOp>>(patterns.getContext());
}
