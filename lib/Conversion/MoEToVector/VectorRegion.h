// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOVECTOR_VECTORREGION_H
#define MOE_LIB_CONVERSION_MOETOVECTOR_VECTORREGION_H

#include "moe/Conversion/MoEToVector/KernelBuilder.h"

namespace mlir::moe {

/// The values that a region of scalar arithmetic yields, for `lanes` elements
/// at once: the same operations on vectors. `arguments` are vectors; what the
/// region uses from outside is the same for all lanes.
SmallVector<Value> emitRegionOnVectors(KernelBuilder &b, Region &region,
                                       ValueRange arguments, int64_t lanes);

/// The elements of `memref` at `map` applied to `dims`, where dimension
/// `lane` of the map is counted up from lane to lane. Lanes outside of `mask`
/// (all if null) are not read.
Value loadMapped(KernelBuilder &b, Value memref, AffineMap map,
                 ArrayRef<Value> dims, unsigned lane, Value mask,
                 int64_t lanes);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOVECTOR_VECTORREGION_H
