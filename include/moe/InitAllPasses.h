// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_INITALLPASSES_H
#define MOE_INITALLPASSES_H

#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"
#include "moe/Conversion/MoEToGPU/Passes.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Conversion/MoEToVector/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/CPUPipeline.h"
#include "moe/Pipelines/GPUPipeline.h"

namespace mlir::moe {

/// Registers every pass and pipeline of the project.
inline void registerMoEPasses() {
  registerMoEToGPUPasses();
  registerMoEToLinalgPasses();
  registerMoEToVectorPasses();
  registerMoELaunchToLLVMPasses();
  registerMoETransformsPasses();
  registerCPUPipeline();
  registerGPUPipeline();
}

} // namespace mlir::moe

#endif // MOE_INITALLPASSES_H
