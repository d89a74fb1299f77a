// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a kernel's captures become parameters that cuLaunchKernel can pass: a
// memref is its address and what its type does not say.
#ifndef MOE_LIB_CONVERSION_MOETOGPU_PARAMETERS_H
#define MOE_LIB_CONVERSION_MOETOGPU_PARAMETERS_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Appends the types of the parameters that a capture of `type` takes.
void appendParameterTypes(Type type, SmallVectorImpl<Type> &types);

/// Appends the parameters' values, made where the launch is.
void appendArguments(OpBuilder &b, Location loc, Value capture,
                     SmallVectorImpl<Value> &arguments);

/// The capture of `type`, remade in the kernel from its parameters, which are
/// taken from the front of `parameters`.
Value rebuildCapture(OpBuilder &b, Location loc, Type type,
                     ValueRange &parameters);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOGPU_PARAMETERS_H
