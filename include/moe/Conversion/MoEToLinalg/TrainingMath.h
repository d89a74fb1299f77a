// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of MoETrainingOps.td as linalg, for whoever lowers or
// differentiates them.
#ifndef MOE_CONVERSION_MOETOLINALG_TRAININGMATH_H
#define MOE_CONVERSION_MOETOLINALG_TRAININGMATH_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Builds the result of a training operation, of its type; null for any other
/// operation.
Value buildTrainingMath(OpBuilder &b, Operation *op);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOLINALG_TRAININGMATH_H
