// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 5 to 8 and 10 of moe.route: weights of the columns that were chosen,
// and the ids of their experts.
#include "RouteKernel.h"

using namespace mlir;
using namespace mlir::moe;

static constexpr float infinity = std::numeric_limits<float>::infinity();

void RouteKernel::emitWeights(Value token) {
  // Shared experts with a column each are like experts chosen last.
  for (int64_t slot = topK; slot < scoredSlots; ++slot)
    b.store(b.i32(choices + slot - topK), ids, {token, b.index(slot)});
  if (op.getScore() == ScoreFunction::SparseMixer)
    return emitSparseMixer(token);
  bool softmax = op.getScore() == ScoreFunction::SoftmaxTopK;
  const RouteRow &row = softmax ? logits : scores;
  forEachSlot(scoredSlots, [&](Value slot) {
    storeWeight(row.load(b.loadIndex(ids, {token, slot})), token, slot);
  });
  if (softmax)
    emitChosenSoftmax(token);
}

/// The weights of the token, so far logits, become their softmax.
void RouteKernel::emitChosenSoftmax(Value token) {
  BuilderOps ops(b);
  Math math(ops);
  Value maximum =
      foldWeights(token, -infinity, [&](Value largest, Value z, Value) {
        return b.maxF32(largest, z);
      });
  updateWeights(token,
                [&](Value z, Value) { return math.exp(ops.sub(z, maximum)); });
  Value sum = foldWeights(token, 0.0f, [&](Value partial, Value e, Value) {
    return ops.add(partial, e);
  });
  updateWeights(token, [&](Value e, Value) { return ops.div(e, sum); });
}

/// Each slot's weight is its share among the experts not yet chosen and not
/// far below the best of them.
void RouteKernel::emitSparseMixer(Value token) {
  RouteRow rest(b, columns, b.getF32Type());
  rest.copyFrom(logits);
  float limit = 2.0f * op.getJitter()->convertToFloat();
  // e^(z - maximum), or 0 of experts far below it.
  auto share = [&](BuilderOps &ops, Value z, Value maximum) {
    Math math(ops);
    Value distance =
        ops.div(ops.sub(maximum, z), b.maxF32(math.abs(z), maximum));
    Value isFar = ops.less(ops.constant(limit), distance);
    return ops.select(isFar, ops.constant(0.0f), math.exp(ops.sub(z, maximum)));
  };
  forEachSlot(topK, [&](Value slot) {
    Value maximum = rest.maximum();
    BuilderOps vectors(b, routeBlock), scalars(b);
    Value maxima = b.splat(maximum, routeBlock);
    Value sums = rest.forEachBlock(
        vectors.constant(0.0f), [&](Value e, ValueRange carried) {
          return SmallVector<Value>{vectors.add(
              carried[0], share(vectors, rest.loadBlock(e), maxima))};
        })[0];
    Value column = b.loadIndex(ids, {token, slot});
    Value own = share(scalars, rest.load(column), maximum);
    storeWeight(scalars.div(own, addLanes(b, sums)), token, slot);
    rest.store(b.f32(-infinity), column);
  });
}

/// The column that a slot's id names, and whether capacity took it away: then
/// the id is -1 - column.
static Value columnOf(KernelBuilder &b, Value id) {
  Value negative = b.isLess(id, b.i32(0));
  return arith::SelectOp::create(b, negative, b.sub(b.i32(-1), id), id);
}

void RouteKernel::emitNormalize(Value token) {
  if (!op.getNormalize())
    return;
  BuilderOps ops(b);
  Math math(ops);
  bool skipsDropped = op.getCapacity() && op.getCapacity()->getRenormalize();
  float order = op.getNormOrder() ? op.getNormOrder()->convertToFloat() : 0.0f;
  Value sum =
      foldWeights(token, 0.0f, [&](Value partial, Value weight, Value slot) {
        if (skipsDropped) {
          Value isDropped = b.isLess(b.load(ids, {token, slot}), b.i32(0));
          weight = ops.select(isDropped, ops.constant(0.0f), weight);
        }
        if (order == 0.0f)
          return ops.add(partial, weight);
        if (order == 2.0f)
          return ops.fma(weight, weight, partial);
        Value magnitude = math.abs(weight);
        return ops.add(partial,
                       order == 1.0f ? magnitude : math.pow(magnitude, order));
      });
  if (order == 2.0f)
    sum = ops.sqrt(sum);
  else if (order != 0.0f && order != 1.0f)
    sum = math.pow(sum, 1.0f / order);
  Value epsilon = ops.constant(op.getNormalize()->convertToFloat());
  sum = op.getDivisor() == Divisor::Add
            ? ops.add(sum, epsilon)
            : ops.select(ops.less(sum, epsilon), epsilon, sum);
  updateWeights(token,
                [&](Value weight, Value) { return ops.div(weight, sum); });
}

void RouteKernel::emitScale(Value token) {
  float scale = op.getScale().convertToFloat();
  if (scale == 1.0f && !op.getExpertScale())
    return;
  BuilderOps ops(b);
  updateWeights(token, [&](Value weight, Value slot) {
    if (scale != 1.0f)
      weight = ops.mul(weight, ops.constant(scale));
    if (!op.getExpertScale())
      return weight;
    Value column = columnOf(b, b.load(ids, {token, slot}));
    return ops.mul(weight, b.load(op.getExpertScale(), b.toIndex(column)));
  });
}

/// Ids of experts for columns: N for null experts and pairs beyond a capacity.
void RouteKernel::emitIds(Value token) {
  if (!op.isPartial())
    return;
  bool dropsWeight =
      op.getCapacity() && op.getCapacity()->getOverflow() == Overflow::Drop;
  bool skipsWeight = op.getNullExperts() &&
                     op.getNullExperts()->getWeight() == NullWeight::Skip;
  Value skipped = b.i32(op.getNumExperts()), zero = b.f32(0.0f);
  forEachSlot(topK, [&](Value slot) {
    Value id = b.load(ids, {token, slot});
    Value isDropped = b.isLess(id, b.i32(0));
    Value isNull = b.isLess(b.i32(experts - 1), id);
    Value isSkipped = arith::OrIOp::create(b, isDropped, isNull);
    b.store(arith::SelectOp::create(b, isSkipped, skipped, id), ids,
            {token, slot});
    if (!dropsWeight && !skipsWeight)
      return;
    Value isZero = dropsWeight && skipsWeight ? isSkipped
                   : dropsWeight              ? isDropped
                                              : isNull;
    Value weight = loadWeight(token, slot);
    storeWeight(arith::SelectOp::create(b, isZero, zero, weight), token, slot);
  });
}

void RouteKernel::emitShared(Value token) {
  for (int64_t i = 0, e = op.getNumShared(); i < e; ++i) {
    Value slot = b.index(topK + i);
    b.store(b.i32(experts + i), ids, {token, slot});
    if (op.getSharedExperts()->getWeight() == SharedWeight::One)
      storeWeight(b.f32(1.0f), token, slot);
    if (op.getSharedWeights())
      storeWeight(b.load(op.getSharedWeights(), {token, b.index(i)}), token,
                  slot);
  }
}
