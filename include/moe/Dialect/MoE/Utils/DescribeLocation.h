// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_UTILS_DESCRIBELOCATION_H
#define MOE_DIALECT_MOE_UTILS_DESCRIBELOCATION_H

#include "mlir/IR/Location.h"

namespace mlir::moe {

/// What a location says to a person who runs compiled code: the name of a
/// layer, or file, line and column.
std::string describeLocation(Location loc);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_DESCRIBELOCATION_H
