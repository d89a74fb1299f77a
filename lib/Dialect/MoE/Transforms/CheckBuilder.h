// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that run with the code, as loops over elements and `cf.assert`.
#ifndef MOE_DIALECT_MOE_TRANSFORMS_CHECKBUILDER_H
#define MOE_DIALECT_MOE_TRANSFORMS_CHECKBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

/// Builds the checks of one operation, before it.
class CheckBuilder : public ImplicitLocOpBuilder {
public:
  explicit CheckBuilder(Operation *op)
      : ImplicitLocOpBuilder(op->getLoc(), op), op(op) {}

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value extent(Value tensor, int64_t dim);
  Value load(Value tensor, ValueRange indices);
  Value loadIndex(Value tensor, ValueRange indices);
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(*this, predicate, a, b);
  }
  Value both(Value a, Value b) { return arith::AndIOp::create(*this, a, b); }
  /// 0 <= value < end.
  Value isBelow(Value value, Value end) {
    return compare(arith::CmpIPredicate::ult, value, end);
  }
  Value orZero(Value condition, Value value) {
    return arith::SelectOp::create(*this, condition, value, index(0));
  }

  /// Folds [0, count) from `start` on; `body` gets the position and the value
  /// so far.
  Value fold(Value count, Value start,
             llvm::function_ref<Value(Value, Value)> body);
  /// How many of [0, count) are not `isGood`.
  Value countBad(Value count, llvm::function_ref<Value(Value)> isGood);
  /// What is furthest from being 0 or a bit above, of the i32 elements that
  /// `element` gives for [0, count); 0 if there is none.
  Value findWorst(Value count, llvm::function_ref<Value(Value)> element);

  /// Asserts a comparison, whose numbers complete the message: "<operation> of
  /// <layer>: expected <what>, got <numbers>".
  void expect(arith::CmpIPredicate predicate, Value a, Value b,
              const Twine &what);
  void expectNone(Value bad, const Twine &what) {
    expect(arith::CmpIPredicate::ule, bad, index(0), what);
  }

private:
  Operation *op;
};

/// Checks that the elements of `ids` [T, k] are 0 to `last`.
void checkIds(CheckBuilder &b, Value ids, int64_t last, const Twine &name);

/// Checks ids that come from where no operation vouches for them, before they
/// are used: those that a `moe.route` is given, and those of a `moe.dispatch`
/// that no `moe.route` made.
void checkGivenIds(Operation *op);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_TRANSFORMS_CHECKBUILDER_H
