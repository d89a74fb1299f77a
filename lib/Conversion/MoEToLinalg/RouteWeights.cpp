// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 5 to 8 and 10 of moe.route on tensors: weights of the columns that were
// chosen, and the ids of their experts.
#include "RouteBuilder.h"

using namespace mlir;
using namespace mlir::moe;

using Values = ScalarBuilder::Values;

/// The columns of all scored slots: those chosen, then those of shared experts.
Value RouteBuilder::buildColumns(Value chosen) {
  if (scoredSlots == topK)
    return chosen;
  return generate(scoredSlots, b.getI32Type(), {},
                  [&](ScalarBuilder &b, Value t, Value slot, ValueRange) {
                    Value own =
                        b.load(chosen, {t, b.min(slot, b.index(topK - 1))});
                    Value shared =
                        b.toI32(b.add(slot, b.index(choices - topK)));
                    return b.select(b.isLess(slot, b.index(topK)), own, shared);
                  });
}

Value RouteBuilder::buildWeights() {
  if (op.getScore() == ScoreFunction::SparseMixer)
    return buildSparseMixer();
  bool softmax = op.getScore() == ScoreFunction::SoftmaxTopK;
  Value row = softmax ? logits : maskedScores;
  Value chosen =
      generate(scoredSlots, columns,
               [&](ScalarBuilder &b, Value t, Value, ValueRange column) {
                 return b.load(row, {t, b.toIndex(column[0])});
               });
  return softmax ? buildSoftmax(chosen, scoredSlots, /*inLanes=*/false)
                 : chosen;
}

/// Each slot's weight is its share among the experts not yet chosen and not
/// far below the best of them.
Value RouteBuilder::buildSparseMixer() {
  float limit = 2.0f * op.getJitter()->convertToFloat();
  return generate(
      topK, columns,
      [&](ScalarBuilder &b, Value t, Value slot, ValueRange column) {
        auto rest = [&](ScalarBuilder &b, Value e) {
          Value id = b.toI32(e);
          Value z = b.load(logits, {t, e});
          return b.loop(
              b.index(0), slot, z,
              [&](ScalarBuilder &b, Value earlier, ValueRange z) {
                Value taken = b.load(columns, {t, earlier});
                Value lowest = b.f32(-std::numeric_limits<float>::infinity());
                return Values{b.select(b.isEqual(taken, id), lowest, z[0])};
              })[0];
        };
        Value maximum = b.maxOf(numColumns, rest);
        auto share = [&](ScalarBuilder &b, Value e) -> Value {
          Value z = rest(b, e);
          Value divisor = b.maxF32(b.math.abs(z), maximum);
          Value distance = b.ops.div(b.ops.sub(maximum, z), divisor);
          return b.select(b.ops.less(b.f32(limit), distance), b.f32(0.0f),
                          b.math.exp(b.ops.sub(z, maximum)));
        };
        return b.ops.div(share(b, b.toIndex(column[0])),
                         b.sumOf(numColumns, share));
      });
}

Value RouteBuilder::buildNormalize() {
  bool skipsDropped = op.getCapacity() && op.getCapacity()->getRenormalize();
  float order = op.getNormOrder() ? op.getNormOrder()->convertToFloat() : 0.0f;
  float epsilon = op.getNormalize()->convertToFloat();
  auto part = [&](ScalarBuilder &b, Value t, Value slot, Value partial) {
    Value weight = b.load(weights, {t, slot});
    if (skipsDropped) {
      Value isDropped = b.isLess(b.load(columns, {t, slot}), b.i32(0));
      weight = b.select(isDropped, b.f32(0.0f), weight);
    }
    if (order == 0.0f)
      return b.ops.add(partial, weight);
    if (order == 2.0f)
      return b.ops.fma(weight, weight, partial);
    Value magnitude = b.math.abs(weight);
    return b.ops.add(partial,
                     order == 1.0f ? magnitude : b.math.pow(magnitude, order));
  };
  Value divisors = generateRows([&](ScalarBuilder &b, Value t) -> Value {
    Value sum = b.loop(b.index(scoredSlots), b.f32(0.0f),
                       [&](ScalarBuilder &b, Value slot, ValueRange carried) {
                         return Values{part(b, t, slot, carried[0])};
                       })[0];
    if (order == 2.0f)
      sum = b.ops.sqrt(sum);
    else if (order != 0.0f && order != 1.0f)
      sum = b.math.pow(sum, 1.0f / order);
    if (op.getDivisor() == Divisor::Add)
      return b.ops.add(sum, b.f32(epsilon));
    return b.select(b.ops.less(sum, b.f32(epsilon)), b.f32(epsilon), sum);
  });
  return generate(scoredSlots, weights,
                  [&](ScalarBuilder &b, Value t, Value, ValueRange weight) {
                    return b.ops.div(weight[0], b.load(divisors, t));
                  });
}

/// The column that a slot's id names, even if capacity took it away.
static Value columnOf(ScalarBuilder &b, Value id) {
  return b.select(b.isLess(id, b.i32(0)), b.sub(b.i32(-1), id), id);
}

Value RouteBuilder::buildScale() {
  float scale = op.getScale().convertToFloat();
  if (scale == 1.0f && !op.getExpertScale())
    return weights;
  return generate(scoredSlots, {weights, columns},
                  [&](ScalarBuilder &b, Value, Value, ValueRange elements) {
                    Value weight = elements[0];
                    if (scale != 1.0f)
                      weight = b.ops.mul(weight, b.f32(scale));
                    if (!op.getExpertScale())
                      return weight;
                    Value column = b.toIndex(columnOf(b, elements[1]));
                    return b.ops.mul(weight,
                                     b.load(op.getExpertScale(), column));
                  });
}

/// Weights of skipped pairs become 0 where they should, and the weights of
/// shared experts join.
Value RouteBuilder::buildFinalWeights() {
  bool dropsWeight =
      op.getCapacity() && op.getCapacity()->getOverflow() == Overflow::Drop;
  bool skipsWeight = op.getNullExperts() &&
                     op.getNullExperts()->getWeight() == NullWeight::Skip;
  int64_t slots = op.getNumSlots();
  if (!dropsWeight && !skipsWeight && slots == scoredSlots)
    return weights;
  return generate(slots, b.getF32Type(), {},
                  [&](ScalarBuilder &b, Value t, Value slot, ValueRange) {
                    Value own = b.min(slot, b.index(scoredSlots - 1));
                    Value weight = b.load(weights, {t, own});
                    Value column = b.load(columns, {t, own});
                    Value isChosen = b.isLess(slot, b.index(topK));
                    auto zeroIf = [&](Value condition) {
                      weight = b.select(b.both(isChosen, condition),
                                        b.f32(0.0f), weight);
                    };
                    if (dropsWeight)
                      zeroIf(b.isLess(column, b.i32(0)));
                    if (skipsWeight)
                      zeroIf(b.isLess(b.i32(experts - 1), column));
                    if (slots == scoredSlots)
                      return weight;
                    Value shared = b.f32(1.0f);
                    if (op.getSharedWeights()) {
                      Value i = b.max(b.sub(slot, b.index(topK)), b.index(0));
                      shared = b.load(op.getSharedWeights(), {t, i});
                    }
                    return b.select(isChosen, weight, shared);
                  });
}

/// Ids of experts for columns: N for null experts and pairs beyond a capacity.
Value RouteBuilder::buildFinalIds() {
  int64_t slots = op.getNumSlots();
  if (!op.isPartial() && slots == topK)
    return columns;
  return generate(
      slots, b.getI32Type(), {},
      [&](ScalarBuilder &b, Value t, Value slot, ValueRange) {
        Value own = b.min(slot, b.index(topK - 1));
        Value id = b.load(columns, {t, own});
        Value isSkipped =
            b.either(b.isLess(id, b.i32(0)), b.isLess(b.i32(experts - 1), id));
        id = b.select(isSkipped, b.i32(op.getNumExperts()), id);
        Value shared = b.toI32(b.add(slot, b.index(experts - topK)));
        return b.select(b.isLess(slot, b.index(topK)), id, shared);
      });
}
