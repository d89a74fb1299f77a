// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 1 and 2 of moe.route on tensors: logits, and scores of them.
#include "RouteBuilder.h"

using namespace mlir;
using namespace mlir::moe;

/// One chain of fused multiply-adds for each logit.
Value RouteBuilder::buildProjection() {
  AffineExpr t = b.getAffineDimExpr(0), e = b.getAffineDimExpr(1),
             d = b.getAffineDimExpr(2);
  auto map = [&](AffineExpr i, AffineExpr j) {
    return AffineMap::get(3, 0, {i, j}, b.getContext());
  };
  using utils::IteratorType;
  Value zeros =
      linalg::FillOp::create(b, b.f32(0.0f), empty(numColumns, b.getF32Type()))
          .getResult(0);
  return linalg::GenericOp::create(
             b, zeros.getType(), ValueRange{op.getLogits(), op.getGate()},
             zeros, {map(t, d), map(e, d), map(t, e)},
             {IteratorType::parallel, IteratorType::parallel,
              IteratorType::reduction},
             [&](OpBuilder &builder, Location loc, ValueRange elements) {
               ScalarBuilder inner(loc, builder);
               Value weight = elements[1];
               if (!weight.getType().isF32())
                 weight =
                     arith::ExtFOp::create(inner, inner.getF32Type(), weight);
               linalg::YieldOp::create(
                   inner, inner.ops.fma(elements[0], weight, elements[2]));
             })
      .getResult(0);
}

/// z = fma(stddev, gaussian(bits of the logit's position), z).
Value RouteBuilder::buildNoise(Value z) {
  RouteNoiseAttr noise = *op.getNoise();
  Type i64 = b.getI64Type();
  Value seed =
      arith::ConstantOp::create(b, b.getI64IntegerAttr(noise.getSeed()));
  if (op.getNoiseStep()) {
    Value step = b.load(op.getNoiseStep(), b.index(0));
    seed = b.add(seed, arith::ExtSIOp::create(b, i64, step));
  }
  float stddev = noise.getStddev().convertToDouble();
  return generate(
      numColumns, z, [&](ScalarBuilder &b, Value t, Value e, ValueRange z) {
        auto constant = [&](uint64_t value) -> Value {
          return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
        };
        auto shiftXor = [&](Value x, uint64_t count) -> Value {
          return arith::XOrIOp::create(
              b, x, arith::ShRUIOp::create(b, x, constant(count)));
        };
        auto mul = [&](Value x, uint64_t factor) -> Value {
          return arith::MulIOp::create(b, x, constant(factor));
        };
        Value position =
            b.add(arith::MulIOp::create(b, t, b.index(numColumns)), e);
        // splitmix64 of the position.
        Value x = b.add(arith::ShLIOp::create(b, seed, constant(32)),
                        arith::IndexCastOp::create(b, i64, position));
        x = b.add(x, constant(0x9e3779b97f4a7c15));
        x = mul(shiftXor(x, 30), 0xbf58476d1ce4e5b9);
        x = mul(shiftXor(x, 27), 0x94d049bb133111eb);
        x = shiftXor(x, 31);
        Value bits = arith::TruncIOp::create(
            b, b.getI32Type(), arith::ShRUIOp::create(b, x, constant(41)));
        return b.ops.fma(b.f32(stddev), b.math.gaussian(bits), z[0]);
      });
}

Value RouteBuilder::buildLogits() {
  Value z = op.getGate() ? buildProjection() : op.getLogits();
  if (op.getNoise())
    z = buildNoise(z);
  if (std::optional<APFloat> cap = op.getSoftcap())
    z = generate(numColumns, z,
                 [&](ScalarBuilder &b, Value, Value, ValueRange z) {
                   Value bound = b.f32(cap->convertToFloat());
                   return b.ops.mul(bound, b.math.tanh(b.ops.div(z[0], bound)));
                 });
  return z;
}

Value RouteBuilder::buildScores() {
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
    return buildSoftmax(logits, numColumns, /*inLanes=*/true);
  case ScoreFunction::Sigmoid:
    return generate(numColumns, logits,
                    [](ScalarBuilder &b, Value, Value, ValueRange z) {
                      return b.math.sigmoid(z[0]);
                    });
  case ScoreFunction::SqrtSoftplus:
    return generate(numColumns, logits,
                    [](ScalarBuilder &b, Value, Value, ValueRange z) {
                      return b.ops.sqrt(b.math.softplus(z[0]));
                    });
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
  case ScoreFunction::None:
    return logits;
  }
  llvm_unreachable("unknown score function");
}

/// Of the rows of x [T, width]; sums in lanes or in rising order.
Value RouteBuilder::buildSoftmax(Value x, int64_t width, bool inLanes) {
  Value maxima = generateRows([&](ScalarBuilder &b, Value t) {
    return b.maxOf(
        width, [&](ScalarBuilder &b, Value i) { return b.load(x, {t, i}); });
  });
  Value exponentials =
      generate(width, x, [&](ScalarBuilder &b, Value t, Value, ValueRange x) {
        return b.math.exp(b.ops.sub(x[0], b.load(maxima, t)));
      });
  Value sums = generateRows([&](ScalarBuilder &b, Value t) {
    auto element = [&](ScalarBuilder &b, Value i) {
      return b.load(exponentials, {t, i});
    };
    if (inLanes)
      return b.sumOf(width, element);
    return b.loop(b.index(width), b.f32(0.0f),
                  [&](ScalarBuilder &b, Value i, ValueRange carried) {
                    return ScalarBuilder::Values{
                        b.ops.add(carried[0], element(b, i))};
                  })[0];
  });
  return generate(width, exponentials,
                  [&](ScalarBuilder &b, Value t, Value, ValueRange e) {
                    return b.ops.div(e[0], b.load(sums, t));
                  });
}
