// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMOPS_MOETRANSFORMOPS_H
#define MOE_DIALECT_MOE_TRANSFORMOPS_MOETRANSFORMOPS_H

#include "mlir/Dialect/Transform/IR/TransformTypes.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"
#include "mlir/IR/OpImplementation.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/TransformOps/MoETransformOps.h.inc"

namespace mlir::moe {

/// Adds `transform.moe.*` to the transform dialect.
void registerTransformDialectExtension(DialectRegistry &registry);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_TRANSFORMOPS_MOETRANSFORMOPS_H
