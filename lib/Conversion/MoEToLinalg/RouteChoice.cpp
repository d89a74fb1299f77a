// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 3 and 4 of moe.route on tensors: keys, groups, and the k largest.
#include "RouteBuilder.h"

using namespace mlir;
using namespace mlir::moe;

using Values = ScalarBuilder::Values;

Value RouteBuilder::buildKeys() {
  Value row = op.isChosenOnLogits() ? logits : scores;
  return generate(choices, b.getI32Type(), {},
                  [&](ScalarBuilder &b, Value t, Value e, ValueRange) {
                    Value selection = b.load(row, {t, e});
                    if (op.getBias())
                      selection = b.ops.add(selection, b.load(op.getBias(), e));
                    return b.math.key(selection);
                  });
}

/// The key of each group: of its best member without bias, or of the sum of its
/// two best ones with bias.
Value RouteBuilder::buildGroupKeys(Value keys) {
  RouteGroupsAttr groups = *op.getGroups();
  int64_t size = choices / groups.getCount();
  bool topTwo = groups.getBy() == GroupScore::Top2;
  Value row = op.isChosenOnLogits() ? logits : scores;
  return generate(
      groups.getCount(), b.getI32Type(), {},
      [&](ScalarBuilder &b, Value t, Value group, ValueRange) {
        Value first = arith::MulIOp::create(b, group, b.index(size));
        Value none = b.i32(keyOfNone);
        Values best = b.loop(
            first, b.add(first, b.index(size)), {none, none},
            [&](ScalarBuilder &b, Value e, ValueRange carried) {
              Value key = !topTwo && op.getBias()
                              ? b.math.key(b.load(row, {t, e}))
                              : b.load(keys, {t, e});
              Value loser = b.min(carried[0], key);
              return Values{b.max(carried[0], key), b.max(carried[1], loser)};
            });
        if (!topTwo)
          return best[0];
        return b.math.key(
            b.ops.add(b.math.fromKey(best[0]), b.math.fromKey(best[1])));
      });
}

/// Masks the keys, and it may be the scores, of all groups but the best ones.
Value RouteBuilder::buildGroupLimit(Value keys) {
  RouteGroupsAttr groups = *op.getGroups();
  int64_t count = groups.getCount(), size = choices / count;
  Value groupKeys = buildGroupKeys(keys);
  // How many groups come before a group.
  Value ranks = generate(
      count, b.getI32Type(), groupKeys,
      [&](ScalarBuilder &b, Value t, Value group, ValueRange own) {
        return b.loop(
            b.index(count), b.i32(0),
            [&](ScalarBuilder &b, Value other, ValueRange carried) {
              Value key = b.load(groupKeys, {t, other});
              Value isTied =
                  b.both(b.isEqual(key, own[0]), b.isLess(other, group));
              Value isBefore = b.either(b.isLess(own[0], key), isTied);
              return Values{
                  b.add(carried[0],
                        arith::ExtUIOp::create(b, b.getI32Type(), isBefore))};
            })[0];
      });
  auto isKept = [&](ScalarBuilder &b, Value t, Value e) {
    Value group = arith::DivUIOp::create(b, e, b.index(size));
    return b.isLess(b.load(ranks, {t, group}), b.i32(groups.getKeep()));
  };
  GroupMask mask = groups.getMask();
  if (mask == GroupMask::ZeroScore)
    maskedScores =
        generate(numColumns, scores,
                 [&](ScalarBuilder &b, Value t, Value e, ValueRange score) {
                   // Columns of shared experts belong to no group.
                   Value member = b.min(e, b.index(choices - 1));
                   Value isShared = b.isLess(b.index(choices - 1), e);
                   return b.select(b.either(isShared, isKept(b, t, member)),
                                   score[0], b.f32(0.0f));
                 });
  float masked = mask == GroupMask::Lowest
                     ? -std::numeric_limits<float>::infinity()
                     : 0.0f;
  return generate(choices, b.getI32Type(), keys,
                  [&](ScalarBuilder &b, Value t, Value e, ValueRange key) {
                    return b.select(isKept(b, t, e), key[0],
                                    b.math.key(b.f32(masked)));
                  });
}

/// Each slot's column is the first one in rank order, by falling key and then
/// by rising column, after that of the slot before: a total order, so no set of
/// taken columns is needed.
Value RouteBuilder::buildChoice(Value keys) {
  auto nextColumn = [&](ScalarBuilder &b, Value t, Value key, Value column) {
    return b.loop(b.index(choices), {b.i32(keyOfNone), b.i32(0)},
                  [&](ScalarBuilder &b, Value e, ValueRange best) {
                    Value own = b.load(keys, {t, e}), id = b.toI32(e);
                    Value isTied =
                        b.both(b.isEqual(own, key), b.isLess(column, id));
                    Value isAfter = b.either(b.isLess(own, key), isTied);
                    Value isBetter = b.both(isAfter, b.isLess(best[0], own));
                    return Values{b.select(isBetter, own, best[0]),
                                  b.select(isBetter, id, best[1])};
                  });
  };
  Value none = b.i32(-1), above = b.i32(std::numeric_limits<int32_t>::max());
  return b.loop(tokens, empty(topK, b.getI32Type()),
                [&](ScalarBuilder &b, Value t, ValueRange carried) {
                  return Values{b.loop(
                      b.index(topK), {carried[0], above, none},
                      [&](ScalarBuilder &b, Value slot, ValueRange state) {
                        Values next = nextColumn(b, t, state[1], state[2]);
                        return Values{b.store(next[1], state[0], {t, slot}),
                                      next[0], next[1]};
                      })[0]};
                })[0];
}

Value RouteBuilder::buildGivenIds() {
  if (op.getForced())
    return op.getForced();
  return generate(topK, b.getI32Type(), {},
                  [&](ScalarBuilder &b, Value t, Value slot, ValueRange) {
                    Value row = b.toIndex(b.load(op.getTokens(), t));
                    return b.load(op.getTable(), {row, slot});
                  });
}
