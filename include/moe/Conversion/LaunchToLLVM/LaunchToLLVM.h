// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_LAUNCHTOLLVM_LAUNCHTOLLVM_H
#define MOE_CONVERSION_LAUNCHTOLLVM_LAUNCHTOLLVM_H

#include "mlir/Pass/Pass.h"

namespace mlir::moe {

#define GEN_PASS_DECL
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"

} // namespace mlir::moe

#endif // MOE_CONVERSION_LAUNCHTOLLVM_LAUNCHTOLLVM_H
