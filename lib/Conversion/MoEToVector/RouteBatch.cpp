// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What needs all tokens of a moe.route: capacity, expert choice, counts. A pair
// (token, slot) that is taken away keeps its column c as the id -1 - c, so that
// later stages can tell and still find the column.
#include "RouteKernel.h"

#include "moe/Dialect/MoE/Utils/RouteCapacity.h"

using namespace mlir;
using namespace mlir::moe;

/// Keys as unsigned integers of the same order.
static Value toUnsigned(KernelBuilder &b, Value key) {
  return arith::XOrIOp::create(b, key,
                               b.i32(std::numeric_limits<int32_t>::min()));
}

static Value compare(KernelBuilder &b, arith::CmpIPredicate predicate,
                     Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, predicate, lhs, rhs);
}

static Value both(KernelBuilder &b, Value lhs, Value rhs) {
  return arith::AndIOp::create(b, lhs, rhs);
}

void RouteKernel::selectTokens(Value tokens, Value wanted,
                               llvm::function_ref<Value(Value)> isMember,
                               llvm::function_ref<Value(Value)> keyOf,
                               llvm::function_ref<void(Value, Value)> mark) {
  using P = arith::CmpIPredicate;
  Value zero = b.index(0);
  auto count = [&](P predicate, Value bound) {
    return b.loop(zero, tokens, 1, zero, [&](Value token, ValueRange carried) {
      Value key = toUnsigned(b, keyOf(token));
      Value counts =
          both(b, isMember(token), compare(b, predicate, key, bound));
      Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), counts);
      return SmallVector<Value>{b.add(carried[0], one)};
    })[0];
  };
  // The key of the last one: the largest number, bit by bit from the top, that
  // at least as many keys reach as are wanted.
  Value threshold =
      b.loop(zero, b.index(32), 1, b.i32(0), [&](Value i, ValueRange carried) {
        Value bit = arith::ShRUIOp::create(
            b, b.i32(std::numeric_limits<int32_t>::min()), b.toI32(i));
        Value next = arith::OrIOp::create(b, carried[0], bit);
        Value isReached = compare(b, P::uge, count(P::uge, next), wanted);
        return SmallVector<Value>{
            arith::SelectOp::create(b, isReached, next, carried[0])
                .getResult()};
      })[0];
  // All above it are taken, and of its equals the first ones.
  Value room = b.sub(wanted, count(P::ugt, threshold));
  b.loop(zero, tokens, 1, zero, [&](Value token, ValueRange carried) {
    Value key = toUnsigned(b, keyOf(token));
    Value member = isMember(token);
    Value isEqual = both(b, member, b.isEqual(key, threshold));
    Value fits = both(b, isEqual, compare(b, P::ult, carried[0], room));
    Value isAbove = compare(b, P::ugt, key, threshold);
    Value isTaken = arith::OrIOp::create(b, fits, isAbove);
    b.when(member, [&] { mark(token, isTaken); });
    Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), isEqual);
    return SmallVector<Value>{b.add(carried[0], one)};
  });
}

/// The token's scores as weights, and its keys in place of ids.
void RouteKernel::emitExpertKeys(Value token) {
  emitKeys();
  for (int64_t slot = topK; slot < scoredSlots; ++slot)
    b.store(b.i32(choices + slot - topK), ids, {token, b.index(slot)});
  forEachSlot(scoredSlots,
              [&](Value e) { storeWeight(scores.load(e), token, e); });
  forEachSlot(topK, [&](Value e) { b.store(keys.load(e), ids, {token, e}); });
}

void RouteKernel::emitExpertChoice(Value tokens) {
  Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
  Value wanted = b.min(buildCapacity(b, op, tokens), tokens);
  forEachSlot(topK, [&](Value expert) {
    Value id = b.toI32(expert), left = b.sub(b.i32(-1), id);
    selectTokens(
        tokens, wanted, [&](Value) { return always; },
        [&](Value token) { return b.load(ids, {token, expert}); },
        [&](Value token, Value isTaken) {
          b.store(arith::SelectOp::create(b, isTaken, id, left), ids,
                  {token, expert});
        });
  });
}

void RouteKernel::emitCapacity(Value tokens) {
  Value capacity = buildCapacity(b, op, tokens);
  if (op.getCapacity()->getFirst() == Precedence::Weight)
    return emitCapacityByWeight(capacity, tokens);
  RouteRow used(b, experts, b.getIndexType());
  used.fill(b.index(0));
  auto visit = [&](Value token, Value slot) {
    Value id = b.load(ids, {token, slot});
    b.when(b.isLess(id, b.i32(experts)), [&] {
      Value expert = b.toIndex(id);
      Value count = used.load(expert);
      b.when(
          b.isLess(count, capacity),
          [&] { used.store(b.add(count, 1), expert); },
          [&] { b.store(b.sub(b.i32(-1), id), ids, {token, slot}); });
    });
  };
  auto forEachToken = [&](llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), tokens, 1, body);
  };
  if (op.getCapacity()->getFirst() == Precedence::Token)
    forEachToken([&](Value token) {
      forEachSlot(topK, [&](Value slot) { visit(token, slot); });
    });
  else
    forEachSlot(topK, [&](Value slot) {
      forEachToken([&](Value token) { visit(token, slot); });
    });
}

/// Slot after slot; an expert that a slot asks for more often than it has room
/// takes the tokens of largest first weight.
void RouteKernel::emitCapacityByWeight(Value capacity, Value tokens) {
  Value zero = b.index(0);
  RouteRow used(b, experts, b.getIndexType());
  RouteRow asked(b, experts, b.getIndexType());
  used.fill(zero);
  forEachSlot(topK, [&](Value slot) {
    asked.fill(zero);
    b.loop(zero, tokens, 1, [&](Value token) {
      Value id = b.load(ids, {token, slot});
      b.when(b.isLess(id, b.i32(experts)), [&] {
        Value expert = b.toIndex(id);
        asked.store(b.add(asked.load(expert), 1), expert);
      });
    });
    b.loop(zero, b.index(experts), 1, [&](Value expert) {
      Value room = b.sub(capacity, used.load(expert));
      Value count = asked.load(expert);
      used.store(b.add(used.load(expert), b.min(count, room)), expert);
      Value id = b.toI32(expert), left = b.sub(b.i32(-1), id);
      b.when(b.isLess(room, count), [&] {
        selectTokens(
            tokens, room,
            [&](Value token) {
              return b.isEqual(b.load(ids, {token, slot}), id);
            },
            [&](Value token) { return toKeys(b, loadWeight(token, zero)); },
            [&](Value token, Value isTaken) {
              b.store(arith::SelectOp::create(b, isTaken, id, left), ids,
                      {token, slot});
            });
      });
    });
  });
}

void RouteKernel::emitCounts(Value token) {
  Value counts = op.getOuts()[op.getCountsIndex()];
  forEachSlot(op.getNumSlots(), [&](Value slot) {
    Value id = b.load(ids, {token, slot});
    b.when(b.isLess(id, b.i32(op.getNumExperts())), [&] {
      Value expert = b.toIndex(id);
      Value count = b.load(counts, expert);
      b.store(b.add(count, b.i32(1)), counts, expert);
    });
  });
}
