// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's way from a graph to NVVM for GPUs, and to LLVM for their host.
#ifndef MOE_PIPELINES_GPUPIPELINE_H
#define MOE_PIPELINES_GPUPIPELINE_H

#include "mlir/Pass/PassOptions.h"
#include "moe/Pipelines/Phase.h"

namespace mlir::moe {

struct GPUPipelineOptions : PassPipelineOptions<GPUPipelineOptions> {
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("Architecture of the GPU"),
                           llvm::cl::init("sm_80")};
  Option<bool> fuse{
      *this, "fuse",
      llvm::cl::desc("Fuse what surrounds the experts' products into them"),
      llvm::cl::init(true)};
  Option<bool> checkConservation{
      *this, "check-conservation",
      llvm::cl::desc("Count rows in the running code"), llvm::cl::init(false)};
};

/// graph, sorted, fused, verified, portable, buffers, kernels, target, llvm.
Phases getGPUPhases(const GPUPipelineOptions &options);

/// `moe-to-ptx-pipeline`: all phases; `moe-translate --mlir-to-ptx` writes what
/// they end in.
void registerGPUPipeline();

} // namespace mlir::moe

#endif // MOE_PIPELINES_GPUPIPELINE_H
