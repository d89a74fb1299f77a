// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lowerings of convert-moe-to-gpu: each puts code for the one unit
// `kernel.begin` before its operation; the pass then erases the operation.
#ifndef MOE_LIB_CONVERSION_MOETOGPU_LOWERING_H
#define MOE_LIB_CONVERSION_MOETOGPU_LOWERING_H

#include "moe/Conversion/MoEToVector/Lowering.h"

namespace mlir::moe {

LogicalResult lowerToThread(linalg::LinalgOp op, const KernelContext &kernel);
LogicalResult lowerToThread(memref::CopyOp op, const KernelContext &kernel);
LogicalResult lowerToThread(GroupedMatmulOp op, const KernelContext &kernel);
LogicalResult lowerToThread(AttentionOp op, const KernelContext &kernel);

/// The extents of the loops whose points are units, outermost first.
SmallVector<Value> getPointExtents(OpBuilder &b, linalg::LinalgOp op);
SmallVector<Value> getPointExtents(OpBuilder &b, memref::CopyOp op);

/// The coordinates of `unit` in a space of these extents, row-major.
SmallVector<Value> getPoint(KernelBuilder &b, Value unit,
                            ArrayRef<Value> extents);

/// An element, from bf16 extended to f32.
Value loadF32(KernelBuilder &b, Value memref, ValueRange indices);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOGPU_LOWERING_H
