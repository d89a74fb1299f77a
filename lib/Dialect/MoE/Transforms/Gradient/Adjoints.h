// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reverse-mode differentiation of straight-line code on tensors. An *adjoint*
// of a value is the gradient, with respect to it, of some number that depends
// on the code's results; it has the value's type. Operations are visited from
// the last to the first, and each adds its share to the adjoints of its
// operands.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_ADJOINTS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_ADJOINTS_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::moe {

class Adjoints {
public:
  /// Marks a value to differentiate with respect to.
  void activate(Value value) { active.insert(value); }
  /// Marks the floating-point results that depend on such a value.
  void activateResults(ArrayRef<Operation *> operations);
  bool isActive(Value value) const { return active.contains(value); }

  /// The adjoint so far; null where nothing was added.
  Value lookup(Value value) const { return adjoints.lookup(value); }
  /// The same, zeros where nothing was added.
  Value lookupOrZeros(OpBuilder &b, Location loc, Value value) const;

  void add(OpBuilder &b, Location loc, Value value, Value gradient);
  /// Replaces the adjoint by one that contains it.
  void set(Value value, Value gradient) { adjoints[value] = gradient; }

private:
  llvm::DenseSet<Value> active;
  DenseMap<Value, Value> adjoints;
};

/// The operations of a block but its terminator.
SmallVector<Operation *> getOperations(Block &block);

/// Builds, at the insertion point, the adjoints of what `operations` read, from
/// those of their results. Fails with an error at an operation that is not
/// differentiable and on the way to an active value.
LogicalResult pullBack(OpBuilder &b, ArrayRef<Operation *> operations,
                       Adjoints &adjoints);

/// The adjoint of `argument` at one point of a scalar body: the body is rebuilt
/// at the insertion point on `arguments`, and `seed` is the adjoint of `value`.
/// Null where `value` does not depend on the argument; failure with an error at
/// what is not differentiable.
FailureOr<Value> pullBackScalar(OpBuilder &b, Block &body, ValueRange arguments,
                                Value value, BlockArgument argument,
                                Value seed);

/// "op cannot be differentiated: <reason>".
InFlightDiagnostic refuse(Operation *op);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_ADJOINTS_H
