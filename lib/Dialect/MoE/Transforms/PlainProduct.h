// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_PLAINPRODUCT_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_PLAINPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::moe {

/// Why `matmul` is not the product of f32 rows [T, K] and a matrix of which
/// each row [N, K] makes a column of the result, summed in f32 from zero; null
/// if it is. Packed kernels and moe.route compute that and no other.
const char *whyNotPlainProduct(linalg::MatmulOp matmul);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_PLAINPRODUCT_H
