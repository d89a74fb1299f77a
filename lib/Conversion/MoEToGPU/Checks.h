// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOGPU_CHECKS_H
#define MOE_LIB_CONVERSION_MOETOGPU_CHECKS_H

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::moe {

/// The checks of all kernels of a module, whose numbers count from 1.
class DeviceChecks {
public:
  /// Makes the kernel's checks report to the words of the context's status.
  void lower(gpu::GPUFuncOp kernel, Value status);
  /// Leaves what the checks say on the module.
  void writeTexts(gpu::GPUModuleOp module) const;

private:
  void lower(cf::AssertOp check, Value status);

  SmallVector<std::string> texts;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOGPU_CHECKS_H
