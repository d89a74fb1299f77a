// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds, built where the host can compute them, of numbers that come from data
// in the memory of a device.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_BOUNDBUILDER_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_BOUNDBUILDER_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Builds what the non-negative integer `value` never exceeds from values that
/// `isKnown`, all of which must be available at the builder's insertion point:
/// `value` itself if it is known. Null where nothing bounds it.
Value buildBound(OpBuilder &b, Location loc, Value value,
                 function_ref<bool(Value)> isKnown);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_BOUNDBUILDER_H
