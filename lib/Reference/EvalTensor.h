// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_REFERENCE_EVALTENSOR_H
#define MOE_LIB_REFERENCE_EVALTENSOR_H

#include "Frame.h"

namespace mlir::moe::reference {

/// "op expected indices within <shape>, got (..)".
LogicalResult emitOutOfRange(Operation *op, ArrayRef<int64_t> indices,
                             const Tensor &tensor);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_EVALTENSOR_H
