// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's way from a graph to LLVM, in phases that can be stopped at,
// printed and read back.
#ifndef MOE_PIPELINES_CPUPIPELINE_H
#define MOE_PIPELINES_CPUPIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

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

/// One level of the IR. `build` adds the passes that lead there from the phase
/// before it.
struct Phase {
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  void (*build)(OpPassManager &manager, const CPUPipelineOptions &options);
};

/// graph, sorted, fused, verified, packed, buffers, kernels, target, llvm.
llvm::ArrayRef<Phase> getCPUPhases();

/// `moe-to-llvm-pipeline`: all phases.
void registerMoEPipelines();

} // namespace mlir::moe

#endif // MOE_PIPELINES_CPUPIPELINE_H
