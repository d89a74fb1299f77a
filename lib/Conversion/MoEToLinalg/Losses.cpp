// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.balance_loss, variation_loss and z_loss. A batch of sequences [B, S, ..]
// is worked on as it is; [T, ..] is the case without B.
#include "Training.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

static Value divideBy(ImplicitLocOpBuilder &b, Value value, Value count) {
  Value divisor = arith::SIToFPOp::create(b, b.getF32Type(), count);
  return arith::DivFOp::create(b, value, divisor);
}

/// max(count, 1) as i32, of an extent.
static Value atLeastOne(MathBuilder &b, OpFoldResult extent) {
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), extent);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value bounded = arith::MaxSIOp::create(b, count, one);
  return arith::IndexCastOp::create(b, b.getI32Type(), bounded);
}

/// The number of tokens that count in each sequence, at least 1: i32 [B], or []
/// for one sequence. `leading` is the number of dimensions before that of the
/// tokens.
static Value countTokens(MathBuilder &b, Value rows, Value mask,
                         unsigned leading) {
  SmallVector<OpFoldResult> shape = b.shapeOf(rows);
  ArrayRef<OpFoldResult> batch = ArrayRef(shape).take_front(leading);
  MathBuilder::Loops outer = MathBuilder::firstLoops(leading);
  Value init = createFilled(b, b.getLoc(), batch, b.getI32IntegerAttr(0));
  if (!mask) {
    Value count = atLeastOne(b, shape[leading]);
    return b.generic({}, leading, {init, outer},
                     [&](ImplicitLocOpBuilder &, ValueRange) { return count; });
  }
  Value counted = b.generic(
      {{mask, MathBuilder::firstLoops(leading + 1)}}, leading + 1,
      {init, outer}, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
        Value unit = keepCounted(b, one, args[0]);
        return arith::AddIOp::create(b, args[1], unit);
      });
  Value result = createEmpty(b, b.getLoc(), batch, b.getI32Type());
  return b.generic({{counted, outer}}, leading, {result, outer},
                   [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value one =
                         arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
                     return arith::MaxSIOp::create(b, args[0], one);
                   });
}

/// Sums over the tokens that count: [.., S, E] to [.., E].
static Value sumTokens(MathBuilder &b, Value values, Value mask) {
  SmallVector<OpFoldResult> shape = b.shapeOf(values);
  unsigned rank = shape.size();
  MathBuilder::Loops all = MathBuilder::firstLoops(rank), result = all;
  result.erase(result.end() - 2);
  shape.erase(shape.end() - 2);
  SmallVector<std::pair<Value, MathBuilder::Loops>> inputs = {{values, all}};
  if (mask)
    inputs.push_back({mask, MathBuilder::firstLoops(rank - 1)});
  return b.generic(inputs, rank, {b.zeros(shape), result},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value kept =
                         keepCounted(b, args[0], mask ? args[1] : nullptr);
                     return arith::AddFOp::create(b, args.back(), kept);
                   });
}

static Value scaleBy(MathBuilder &b, Value loss, const APFloat &scale) {
  if (scale.isExactlyValue(1.0))
    return loss;
  return b.map(loss, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
    return arith::MulFOp::create(b, args[0], f32(b, scale.convertToFloat()));
  });
}

Value moe::build(MathBuilder &b, BalanceLossOp op) {
  auto type = op.getScores().getType();
  bool batched = type.getRank() == 3;
  double ratio = double(type.getShape().back()) / op.getTopK();
  Value tokens = countTokens(b, op.getScores(), op.getMask(), batched);
  Value mass = sumTokens(b, op.getScores(), op.getMask());
  SmallVector<OpFoldResult> batch = b.shapeOf(tokens);
  MathBuilder::Loops outer = MathBuilder::firstLoops(batched);
  MathBuilder::Loops inner = MathBuilder::firstLoops(batched + 1);
  Value sums =
      b.generic({{op.getCounts(), inner}, {mass, inner}}, inner.size(),
                {b.zeros(batch), outer},
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value count =
                      arith::SIToFPOp::create(b, b.getF32Type(), args[0]);
                  return math::FmaOp::create(b, count, args[1], args[2]);
                });
  Value loss = b.generic(
      {{sums, outer}, {tokens, outer}}, outer.size(), {b.empty(batch), outer},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value scaled = arith::MulFOp::create(b, args[0], f32(b, ratio));
        return divideBy(b, divideBy(b, scaled, args[1]), args[1]);
      });
  if (batched) {
    Value count = atLeastOne(b, batch.front());
    Value sum =
        b.generic({{loss, {0}}}, 1, {b.zeros({}), {}},
                  [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                    return arith::AddFOp::create(b, args[1], args[0]);
                  });
    loss = b.map(sum, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
      return divideBy(b, args[0], count);
    });
  }
  return scaleBy(b, loss, op.getScale());
}

Value moe::build(MathBuilder &b, VariationLossOp op) {
  double experts = op.getValues().getType().getDimSize(1);
  auto divideByExperts = [&](ImplicitLocOpBuilder &b,
                             ValueRange args) -> Value {
    return arith::DivFOp::create(b, args[0], f32(b, experts));
  };
  Value mass = sumTokens(b, op.getValues(), op.getMask());
  Value total =
      b.generic({{mass, {0}}}, 1, {b.zeros({}), {}},
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return arith::AddFOp::create(b, args[1], args[0]);
                });
  Value mean = b.map(total, divideByExperts);
  Value squares =
      b.generic({{mass, {0}}, {mean, {}}}, 1, {b.zeros({}), {}},
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value distance = arith::SubFOp::create(b, args[0], args[1]);
                  return math::FmaOp::create(b, distance, distance, args[2]);
                });
  Value variance = b.map(squares, divideByExperts);
  Value loss = b.map(
      {variance, mean}, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                             args[1], f32(b, 0.0));
        Value divisor =
            arith::SelectOp::create(b, isZero, f32(b, 1.0), args[1]);
        Value once = arith::DivFOp::create(b, args[0], divisor);
        return arith::DivFOp::create(b, once, divisor);
      });
  return scaleBy(b, loss, op.getScale());
}

Value moe::build(MathBuilder &b, ZLossOp op) {
  Value logits = op.getLogits();
  OpFoldResult tokens = b.shapeOf(logits).front();
  // What a token that does not count holds must not reach the gradient either.
  if (op.getMask())
    logits = b.generic({{logits, {0, 1}}, {op.getMask(), {0}}}, 2,
                       {b.empty(b.shapeOf(logits)), {0, 1}},
                       [](ImplicitLocOpBuilder &b, ValueRange args) {
                         return keepCounted(b, args[0], args[1]);
                       });
  Value lowest =
      createFilled(b, b.getLoc(), tokens,
                   b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  Value max = b.generic({{logits, {0, 1}}}, 2, {lowest, {0}},
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return arith::MaximumFOp::create(b, args[1], args[0]);
                        });
  Value sum =
      b.generic({{logits, {0, 1}}, {max, {0}}}, 2, {b.zeros(tokens), {0}},
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value shifted = arith::SubFOp::create(b, args[0], args[1]);
                  Value exp = math::ExpOp::create(b, shifted);
                  return arith::AddFOp::create(b, args[2], exp);
                });
  Value z =
      b.map({max, sum}, [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value log = math::LogOp::create(b, args[1]);
        return arith::AddFOp::create(b, args[0], log);
      });
  SmallVector<std::pair<Value, MathBuilder::Loops>> inputs = {{z, {0}}};
  if (op.getMask())
    inputs.push_back({op.getMask(), {0}});
  Value squares =
      b.generic(inputs, 1, {b.zeros({}), {}},
                [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  Value kept =
                      keepCounted(b, args[0], op.getMask() ? args[1] : nullptr);
                  return math::FmaOp::create(b, kept, kept, args.back());
                });
  Value count = countTokens(b, logits, op.getMask(), 0);
  Value loss =
      b.map({squares, count}, [](ImplicitLocOpBuilder &b, ValueRange args) {
        return divideBy(b, args[0], args[1]);
      });
  return scaleBy(b, loss, op.getScale());
}
