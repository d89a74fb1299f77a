// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// linalg for functions of the rows of an f32 matrix [T, N]. Sums run in rising
// n.
#ifndef MOE_LIB_CONVERSION_MOETOLINALG_ROWMATH_H
#define MOE_LIB_CONVERSION_MOETOLINALG_ROWMATH_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// exp(x - max) / sum of these.
Value buildSoftmax(OpBuilder &b, Location loc, Value x);

/// 1 / (1 + exp(-x)).
Value buildSigmoid(OpBuilder &b, Location loc, Value x);

/// x + vector [N].
Value buildAddVector(OpBuilder &b, Location loc, Value x, Value vector);

/// x / (sum + epsilon).
Value buildDivideBySum(OpBuilder &b, Location loc, Value x,
                       const APFloat &epsilon);

/// x * factor.
Value buildScale(OpBuilder &b, Location loc, Value x, const APFloat &factor);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_ROWMATH_H
