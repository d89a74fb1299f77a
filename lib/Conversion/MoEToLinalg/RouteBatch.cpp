// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What needs all tokens of a moe.route, on tensors: capacity, expert choice,
// counts. These are loops that carry the columns of the slots.
#include "RouteBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/Dialect/MoE/Utils/RouteCapacity.h"

using namespace mlir;
using namespace mlir::moe;

using Values = ScalarBuilder::Values;

static Value whereTaken(ScalarBuilder &b, Value isTaken, Value id) {
  return b.select(isTaken, id, b.sub(b.i32(-1), id));
}

static Value zeros(ScalarBuilder &b, int64_t count, Value zero) {
  Value init = tensor::EmptyOp::create(b, ArrayRef(count), zero.getType());
  return linalg::FillOp::create(b, zero, init).getResult(0);
}

/// Tokens that an expert takes; at most as many as there are pairs, which i32
/// holds.
Value RouteBuilder::buildCapacity() {
  Value pairs = arith::MulIOp::create(b, tokens, b.index(topK));
  return b.toI32(b.min(moe::buildCapacity(b, op, tokens), pairs));
}

/// Of the tokens whose id in `slot` is `id` (or of all), the `wanted` of
/// largest key keep it, of equal keys the first ones; the others' becomes
/// negative.
Value RouteBuilder::selectTokens(
    ScalarBuilder &b, Value wanted, Value columns, Value slot, Value id,
    function_ref<Value(ScalarBuilder &, Value)> key, bool all) {
  using P = arith::CmpIPredicate;
  // Keys as unsigned integers of the same order.
  auto unsignedKey = [&](ScalarBuilder &b, Value t) -> Value {
    return b.ops.xorBits(key(b, t), b.i32(std::numeric_limits<int32_t>::min()));
  };
  auto isMember = [&](ScalarBuilder &b, Value t, Value columns) -> Value {
    if (all)
      return arith::ConstantOp::create(b, b.getBoolAttr(true));
    return b.isEqual(b.load(columns, {t, slot}), id);
  };
  auto increase = [&](ScalarBuilder &b, Value count, Value condition) {
    return b.add(count, arith::ExtUIOp::create(b, b.getI32Type(), condition));
  };
  auto count = [&](ScalarBuilder &b, P predicate, Value bound) {
    return b.loop(
        tokens, b.i32(0), [&](ScalarBuilder &b, Value t, ValueRange carried) {
          Value counts =
              arith::CmpIOp::create(b, predicate, unsignedKey(b, t), bound);
          return Values{
              increase(b, carried[0], b.both(isMember(b, t, columns), counts))};
        })[0];
  };
  // The key of the last one: the largest number, bit by bit from the top, that
  // at least as many keys reach as are wanted.
  Value threshold =
      b.loop(b.index(32), b.i32(0),
             [&](ScalarBuilder &b, Value i, ValueRange carried) {
               Value bit = arith::ShRUIOp::create(
                   b, b.i32(std::numeric_limits<int32_t>::min()), b.toI32(i));
               Value next = arith::OrIOp::create(b, carried[0], bit);
               Value isMissed = b.isLess(count(b, P::uge, next), wanted);
               return Values{b.select(isMissed, carried[0], next)};
             })[0];
  // All above it are taken, and of its equals the first ones.
  Value room = b.sub(wanted, count(b, P::ugt, threshold));
  return b.loop(tokens, {columns, b.i32(0)},
                [&](ScalarBuilder &b, Value t, ValueRange carried) {
                  Value own = unsignedKey(b, t);
                  Value member = isMember(b, t, carried[0]);
                  Value isEqual = b.both(member, b.isEqual(own, threshold));
                  Value fits = b.both(isEqual, b.isLess(carried[1], room));
                  Value isAbove =
                      arith::CmpIOp::create(b, P::ugt, own, threshold);
                  Value taken = whereTaken(b, b.either(fits, isAbove), id);
                  Value old = b.load(carried[0], {t, slot});
                  return Values{b.store(b.select(member, taken, old),
                                        carried[0], {t, slot}),
                                increase(b, carried[1], isEqual)};
                })[0];
}

/// Each expert takes its tokens; slot e is expert e.
void RouteBuilder::buildExpertChoice(Value keys) {
  Value wanted = b.min(buildCapacity(), b.toI32(tokens));
  Value chosen = generate(topK, b.getI32Type(), {},
                          [&](ScalarBuilder &b, Value, Value slot, ValueRange) {
                            return b.toI32(slot);
                          });
  chosen = b.loop(
      b.index(topK), chosen,
      [&](ScalarBuilder &b, Value e, ValueRange carried) {
        return Values{selectTokens(
            b, wanted, carried[0], e, b.toI32(e),
            [&](ScalarBuilder &b, Value t) { return b.load(keys, {t, e}); },
            /*all=*/true)};
      })[0];
  columns = buildColumns(chosen);
}

/// Pairs in the order of tokens or slots.
void RouteBuilder::buildCapacityInOrder(Value capacity) {
  auto visit = [&](ScalarBuilder &b, Value t, Value slot, ValueRange carried) {
    // A null expert takes part in no count.
    Value id = b.load(carried[0], {t, slot});
    Value isExpert = b.isLess(id, b.i32(experts));
    Value expert = b.toIndex(b.min(id, b.i32(experts - 1)));
    Value used = b.load(carried[1], expert);
    Value isFull = b.both(isExpert, b.isLess(b.sub(capacity, b.i32(1)), used));
    Value isTaken = arith::XOrIOp::create(
        b, isFull, arith::ConstantOp::create(b, b.getBoolAttr(true)));
    Value one =
        arith::ExtUIOp::create(b, b.getI32Type(), b.both(isExpert, isTaken));
    return Values{b.store(whereTaken(b, isTaken, id), carried[0], {t, slot}),
                  b.store(b.add(used, one), carried[1], expert)};
  };
  Value slots = b.index(topK);
  bool byToken = op.getCapacity()->getFirst() == Precedence::Token;
  columns = b.loop(
      byToken ? tokens : slots, {columns, zeros(b, experts, b.i32(0))},
      [&](ScalarBuilder &b, Value outer, ValueRange carried) {
        return b.loop(byToken ? slots : tokens, carried,
                      [&](ScalarBuilder &b, Value inner, ValueRange carried) {
                        return byToken ? visit(b, outer, inner, carried)
                                       : visit(b, inner, outer, carried);
                      });
      })[0];
}

/// Slot after slot; an expert that a slot asks for more often than it has room
/// takes the tokens of largest first weight.
void RouteBuilder::buildCapacityByWeight(Value capacity) {
  auto countAsked = [&](ScalarBuilder &b, Value slot, Value id, Value columns) {
    return b.loop(
        tokens, b.i32(0), [&](ScalarBuilder &b, Value t, ValueRange carried) {
          Value asks = b.isEqual(b.load(columns, {t, slot}), id);
          return Values{b.add(carried[0],
                              arith::ExtUIOp::create(b, b.getI32Type(), asks))};
        })[0];
  };
  auto visit = [&](ScalarBuilder &b, Value slot, Value e, ValueRange carried) {
    Value id = b.toI32(e), used = b.load(carried[1], e);
    Value room = b.sub(capacity, used);
    Value asked = countAsked(b, slot, id, carried[0]);
    auto overflow = scf::IfOp::create(
        b, b.isLess(room, asked),
        [&](OpBuilder &builder, Location loc) {
          ScalarBuilder b(loc, builder);
          Value left = selectTokens(
              b, room, carried[0], slot, id,
              [&](ScalarBuilder &b, Value t) {
                return b.math.key(b.load(weights, {t, b.index(0)}));
              },
              /*all=*/false);
          scf::YieldOp::create(b, left);
        },
        [&](OpBuilder &builder, Location loc) {
          scf::YieldOp::create(builder, loc, carried[0]);
        });
    Value now = b.add(used, b.min(room, asked));
    return Values{overflow.getResult(0), b.store(now, carried[1], e)};
  };
  columns = b.loop(b.index(topK), {columns, zeros(b, experts, b.i32(0))},
                   [&](ScalarBuilder &b, Value slot, ValueRange carried) {
                     return b.loop(
                         b.index(experts), carried,
                         [&](ScalarBuilder &b, Value e, ValueRange carried) {
                           return visit(b, slot, e, carried);
                         });
                   })[0];
}

Value RouteBuilder::buildCounts(Value ids) {
  int64_t count = op.getNumExperts();
  return b.loop(
      tokens, zeros(b, count, b.i32(0)),
      [&](ScalarBuilder &b, Value t, ValueRange carried) {
        return b.loop(
            b.index(op.getNumSlots()), carried,
            [&](ScalarBuilder &b, Value slot, ValueRange carried) {
              Value id = b.load(ids, {t, slot});
              Value counts = b.isLess(id, b.i32(count));
              Value expert = b.toIndex(b.min(id, b.i32(count - 1)));
              Value one = arith::ExtUIOp::create(b, b.getI32Type(), counts);
              return Values{b.store(b.add(b.load(carried[0], expert), one),
                                    carried[0], expert)};
            });
      })[0];
}
