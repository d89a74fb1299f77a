// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's way from a graph to LLVM for the CPU.
#ifndef MOE_PIPELINES_CPUPIPELINE_H
#define MOE_PIPELINES_CPUPIPELINE_H

#include "mlir/Pass/PassOptions.h"
#include "moe/Pipelines/Phase.h"

namespace mlir::moe {

struct CPUPipelineOptions : PassPipelineOptions<CPUPipelineOptions> {
  Option<int64_t> vectorBits{
      *this, "vector-bits",
      llvm::cl::desc("Width of the target's vector registers: 256 or 512"),
      llvm::cl::init(512)};
  Option<bool> fuse{
      *this, "fuse",
      llvm::cl::desc("Fuse what surrounds the experts' products into them"),
      llvm::cl::init(true)};
  Option<bool> checkConservation{
      *this, "check-conservation",
      llvm::cl::desc("Count rows in the running code"), llvm::cl::init(false)};
};

/// graph, sorted, fused, verified, packed, buffers, kernels, target, llvm.
Phases getCPUPhases(const CPUPipelineOptions &options);

/// `moe-to-llvm-pipeline`: all phases.
void registerCPUPipeline();

} // namespace mlir::moe

#endif // MOE_PIPELINES_CPUPIPELINE_H
