// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 1 and 2 of moe.route: logits, and scores of them.
#include "RouteKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

void RouteKernel::mapRow(
    const RouteRow &row,
    llvm::function_ref<Value(BuilderOps &, Math &, Value)> body) {
  row.map([&](Value, Value block) {
    BuilderOps ops(b, routeBlock);
    Math math(ops);
    return body(ops, math, block);
  });
}

void RouteKernel::emitScores(Value token) {
  // The padding is of no weight in a softmax.
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  logits.copyFrom(source, sourceRow, b.getF32FloatAttr(lowest));
  if (op.getNoise())
    emitNoise(token);
  if (std::optional<APFloat> cap = op.getSoftcap()) {
    mapRow(logits, [&](BuilderOps &ops, Math &math, Value z) {
      Value bound = ops.constant(cap->convertToFloat());
      return ops.mul(bound, math.tanh(ops.div(z, bound)));
    });
    logits.pad(b.getF32FloatAttr(lowest));
  }
  if (scores.getMemory() != logits.getMemory())
    scores.copyFrom(logits);
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
    emitSoftmax(scores);
    break;
  case ScoreFunction::Sigmoid:
    mapRow(scores,
           [](BuilderOps &, Math &math, Value z) { return math.sigmoid(z); });
    break;
  case ScoreFunction::SqrtSoftplus:
    mapRow(scores, [](BuilderOps &ops, Math &math, Value z) {
      return ops.sqrt(math.softplus(z));
    });
    break;
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
    if (op.getWithScores())
      emitSoftmax(scores);
    break;
  case ScoreFunction::None:
    break;
  }
  if (op.getWithScores())
    scores.copyTo(op.getOuts()[op.getScoresIndex()], token);
}

/// z = fma(stddev, gaussian(bits of the logit's position), z).
void RouteKernel::emitNoise(Value token) {
  RouteNoiseAttr noise = *op.getNoise();
  Type i64 = b.getI64Type();
  VectorType longs = b.vectorOf(routeBlock, i64);
  auto constant = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(longs, APInt(64, value)));
  };
  auto shiftXor = [&](Value x, uint64_t count) -> Value {
    return arith::XOrIOp::create(b, x,
                                 arith::ShRUIOp::create(b, x, constant(count)));
  };
  auto mul = [&](Value x, uint64_t factor) -> Value {
    return arith::MulIOp::create(b, x, constant(factor));
  };
  auto toLong = [&](Value x) -> Value {
    return arith::IndexCastOp::create(b, i64, x);
  };

  Value seed =
      arith::ConstantOp::create(b, b.getI64IntegerAttr(noise.getSeed()));
  if (op.getNoiseStep())
    seed = b.add(seed, arith::ExtSIOp::create(
                           b, i64, b.load(op.getNoiseStep(), b.index(0))));
  Value start = arith::ShLIOp::create(
      b, seed, arith::ConstantOp::create(b, b.getI64IntegerAttr(32)));
  start = b.add(start, toLong(b.mul(token, columns)));
  Value iota = arith::ExtSIOp::create(b, longs, b.iota(routeBlock));
  float stddev = noise.getStddev().convertToDouble();

  logits.map([&](Value e, Value z) {
    // splitmix64 of the position.
    Value x = b.add(b.splat(b.add(start, toLong(e)), routeBlock), iota);
    x = b.add(x, constant(0x9e3779b97f4a7c15));
    x = mul(shiftXor(x, 30), 0xbf58476d1ce4e5b9);
    x = mul(shiftXor(x, 27), 0x94d049bb133111eb);
    x = shiftXor(x, 31);
    Value bits =
        arith::TruncIOp::create(b, b.vectorOf(routeBlock, b.getI32Type()),
                                arith::ShRUIOp::create(b, x, constant(41)));
    BuilderOps ops(b, routeBlock);
    return ops.fma(ops.constant(stddev), Math(ops).gaussian(bits), z);
  });
}

void RouteKernel::emitSoftmax(const RouteRow &row) {
  Value maximum = b.splat(row.maximum(), routeBlock);
  mapRow(row, [&](BuilderOps &ops, Math &math, Value z) {
    return math.exp(ops.sub(z, maximum));
  });
  Value sum = b.splat(row.sum(), routeBlock);
  mapRow(row, [&](BuilderOps &ops, Math &, Value exponential) {
    return ops.div(exponential, sum);
  });
}
