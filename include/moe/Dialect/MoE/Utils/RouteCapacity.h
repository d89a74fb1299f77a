// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_UTILS_ROUTECAPACITY_H
#define MOE_DIALECT_MOE_UTILS_ROUTECAPACITY_H

#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

/// How many of `tokens` tokens (an index) one expert of a route with a
/// capacity takes, as an index.
Value buildCapacity(ImplicitLocOpBuilder &b, RouteOp op, Value tokens);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_ROUTECAPACITY_H
