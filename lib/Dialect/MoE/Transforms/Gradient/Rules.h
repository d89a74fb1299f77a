// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One rule an operation: adds to the adjoints of the active operands, given
// that of a result.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_RULES_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_RULES_H

#include "Adjoints.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

LogicalResult pullBack(OpBuilder &b, linalg::LinalgOp op, Adjoints &adjoints);

LogicalResult pullBack(OpBuilder &b, tensor::CastOp op, Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, tensor::CollapseShapeOp op,
                       Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, tensor::ExpandShapeOp op,
                       Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, tensor::ExtractSliceOp op,
                       Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, tensor::InsertSliceOp op,
                       Adjoints &adjoints);

LogicalResult pullBack(OpBuilder &b, RouteOp op, Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, DispatchOp op, Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, ExpertOp op, Adjoints &adjoints);
LogicalResult pullBack(OpBuilder &b, CombineOp op, Adjoints &adjoints);

/// The dispatch of the plan that `op` uses; an error where it is not visible.
FailureOr<DispatchOp> getDispatch(Operation *op, Value plan);

/// Differentiates `result` by what `build` computes it with: builds it anew,
/// then pulls the adjoint back through what was built.
LogicalResult pullBackThrough(OpBuilder &b, Value result,
                              function_ref<Value()> build, Adjoints &adjoints);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_GRADIENT_RULES_H
