// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations on scalars (arith and math), resolved once and then run for every
// element.
#ifndef MOE_LIB_REFERENCE_SCALAROP_H
#define MOE_LIB_REFERENCE_SCALAROP_H

#include "moe/Reference/Tensor.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe::reference {

class Frame;

struct ScalarOp {
  /// Gives `Undefined` where the operation has no defined result.
  using Function = Scalar (*)(const ScalarOp &op, const Scalar *args);
  static constexpr unsigned maxOperands = 3;

  Function function = nullptr;
  ElementKind kind = ElementKind::Undefined; ///< Of the result.
  int64_t predicate = 0;                     ///< Of a comparison.

  /// What evaluates `op`, be its operands scalars or tensors; nothing if it is
  /// not elementwise arithmetic.
  static std::optional<ScalarOp> resolve(Operation *op);

  Scalar operator()(const Scalar *args) const { return function(*this, args); }
  Scalar number(float value) const { return Scalar::makeFloat(kind, value); }
  Scalar integer(int64_t value) const {
    return Scalar::makeInteger(kind, value);
  }
};

/// Applies a resolved operation to the operands of `op`, element by element.
LogicalResult evaluateElementwise(Operation *op, const ScalarOp &scalarOp,
                                  Frame &frame);

/// "op has no defined result for (a, b)".
LogicalResult emitUndefined(Operation *op, ArrayRef<Scalar> args);

using ScalarTable = llvm::StringMap<ScalarOp::Function>;
void addFloatOps(ScalarTable &table);
void addIntegerOps(ScalarTable &table);
void addMathOps(ScalarTable &table);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_SCALAROP_H
