// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps 3 and 4 of moe.route: keys, groups, and the k largest.
#include "RouteKernel.h"

using namespace mlir;
using namespace mlir::moe;

void RouteKernel::emitChoice(Value token) {
  if (op.hasGivenIds())
    return emitGivenIds(token);
  emitKeys();
  if (op.getGroups())
    emitGroupLimit();
  keys.pad(b.getI32IntegerAttr(keyOfNone));
  forEachSlot(topK, [&](Value slot) {
    Value column = keys.indexOfLargest();
    b.store(column, ids, {token, slot});
    keys.store(b.i32(keyOfNone), b.toIndex(column));
  });
}

void RouteKernel::emitGivenIds(Value token) {
  Value source = op.getForced(), row = token;
  if (op.getTable()) {
    source = op.getTable();
    row = b.loadIndex(op.getTokens(), token);
  }
  forEachSlot(topK, [&](Value slot) {
    b.store(b.load(source, {row, slot}), ids, {token, slot});
  });
}

void RouteKernel::emitKeys() {
  const RouteRow &chosenOn = op.isChosenOnLogits() ? logits : scores;
  std::optional<RouteRow> bias;
  if (op.getBias()) {
    bias.emplace(b, choices, b.getF32Type());
    bias->copyFrom(op.getBias(), {}, b.getF32FloatAttr(0.0f));
  }
  keys.forEachBlock([&](Value e) {
    Value selection = chosenOn.loadBlock(e);
    if (bias)
      selection = arith::AddFOp::create(b, selection, bias->loadBlock(e));
    keys.storeBlock(toKeys(b, selection), e);
  });
}

/// Masks the keys of all groups but the best ones.
void RouteKernel::emitGroupLimit() {
  RouteGroupsAttr groups = *op.getGroups();
  int64_t size = choices / groups.getCount();
  RouteRow groupKeys(b, groups.getCount(), b.getI32Type());
  emitGroupKeys(groupKeys);
  // A group that is kept has no key any more.
  b.loop(b.index(0), b.index(groups.getKeep()), 1, [&](Value) {
    groupKeys.store(b.i32(keyOfNone), b.toIndex(groupKeys.indexOfLargest()));
  });
  GroupMask mask = groups.getMask();
  Value masked = toKeys(b, b.f32(mask == GroupMask::Lowest
                                     ? -std::numeric_limits<float>::infinity()
                                     : 0.0f));
  b.loop(b.index(0), b.index(groups.getCount()), 1, [&](Value group) {
    Value isKept = b.isEqual(groupKeys.load(group), b.i32(keyOfNone));
    Value first = b.mul(group, size), end = b.add(first, size);
    // Of a group that is kept, no member.
    end = arith::SelectOp::create(b, isKept, first, end);
    b.loop(first, end, 1, [&](Value e) {
      keys.store(masked, e);
      if (mask == GroupMask::ZeroScore)
        scores.store(b.f32(0.0f), e);
    });
  });
}

/// The key of each group: of its best member without bias, or of the sum of its
/// two best ones with bias.
void RouteKernel::emitGroupKeys(const RouteRow &groupKeys) {
  RouteGroupsAttr groups = *op.getGroups();
  int64_t size = choices / groups.getCount();
  bool topTwo = groups.getBy() == GroupScore::Top2;
  const RouteRow &chosenOn = op.isChosenOnLogits() ? logits : scores;
  auto memberKey = [&](Value e) {
    if (!topTwo && op.getBias())
      return toKeys(b, chosenOn.load(e));
    return keys.load(e);
  };
  Value none = b.i32(keyOfNone);
  b.loop(b.index(0), b.index(groups.getCount()), 1, [&](Value group) {
    Value first = b.mul(group, size);
    SmallVector<Value> best =
        b.loop(first, b.add(first, size), 1, ValueRange{none, none},
               [&](Value e, ValueRange carried) {
                 Value key = memberKey(e);
                 Value loser = b.min(carried[0], key);
                 return SmallVector<Value>{b.max(carried[0], key),
                                           b.max(carried[1], loser)};
               });
    Value key = best[0];
    if (topTwo)
      key = toKeys(b, arith::AddFOp::create(b, fromKeys(b, best[0]),
                                            fromKeys(b, best[1])));
    groupKeys.store(key, group);
  });
  groupKeys.pad(b.getI32IntegerAttr(keyOfNone));
}
