// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_ANALYSIS_UPPERBOUND_H
#define MOE_ANALYSIS_UPPERBOUND_H

#include "mlir/IR/Value.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <optional>

namespace mlir::moe {

/// The largest value that a non-negative integer may take, derived from
/// constants, from `moe.max_shape` of the function's arguments and from
/// arithmetic on such values; none where it cannot be told.
std::optional<int64_t> getUpperBound(Value value);

/// The largest extent `dim` of a tensor or memref, by the same means.
std::optional<int64_t> getExtentUpperBound(Value shaped, int64_t dim);

/// Bytes of a tensor or memref of the largest extents; none as well where they
/// are more than an int64_t counts.
std::optional<int64_t> getByteSizeUpperBound(Value shaped);

} // namespace mlir::moe

#endif // MOE_ANALYSIS_UPPERBOUND_H
