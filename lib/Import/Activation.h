// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_IMPORT_ACTIVATION_H
#define MOE_LIB_IMPORT_ACTIVATION_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Import/Config.h"

namespace mlir::moe {

/// An f32 scalar constant.
Value createF32(ImplicitLocOpBuilder &b, double value);

/// activation(x) of an f32 scalar, by the formulas of torch.nn.functional.
Value createActivation(ImplicitLocOpBuilder &b, Activation activation, Value x);

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_ACTIVATION_H
