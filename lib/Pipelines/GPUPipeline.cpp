// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Pipelines/GPUPipeline.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"
#include "moe/Conversion/MoEToGPU/Passes.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

static void buildPortable(OpPassManager &manager) {
  // While data are tensors, which say what is read.
  manager.addNestedPass<func::FuncOp>(createSinkChecksPass());
  // Long sorts take several launches, which run in parallel.
  manager.addNestedPass<func::FuncOp>(createSplitSortPass());
  // Rows that move and dense products are nothing special on a GPU. Routes,
  // sorts, grouped products and attention keep their names for the sake of
  // their kernels.
  ConvertMoEToLinalgPassOptions portable;
  portable.ops = {"products", "gather_rows", "expert_rows", "combine_rows"};
  manager.addNestedPass<func::FuncOp>(createConvertMoEToLinalgPass(portable));
  cleanUp(manager);
}

static void buildKernels(OpPassManager &manager) {
  OutlineKernelsPassOptions outline;
  outline.finestUnits = true;
  manager.addPass(createOutlineKernelsPass(outline));
  cleanUp(manager);
}

static void buildTarget(OpPassManager &manager, const std::string &chip) {
  ConvertMoEToGPUPassOptions gpu;
  gpu.chip = chip;
  manager.addPass(createConvertMoEToGPUPass(gpu));
  OpPassManager &kernels =
      manager.nest<gpu::GPUModuleOp>().nest<gpu::GPUFuncOp>();
  ExpandMathPassOptions math;
  math.device = true;
  kernels.addPass(createExpandMathPass(math));
  cleanUp(manager);
}

static void buildLLVM(OpPassManager &manager) {
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  // Quotients that round up: grids, and blocks of rows.
  manager.addPass(arith::createArithExpandOpsPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  cleanUp(manager);
  // A launch that fails leaves its entry, so loops go before launches do.
  manager.addPass(createSCFToControlFlowPass());
  // Kernels first: after them, what is left belongs to the host.
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createConvertVectorToLLVMPass());
  // Before the conversion that would make calls of NVIDIA's library of them.
  kernels.addPass(createConvertMoEMathToIntrinsicsPass());
  ConvertGpuOpsToNVVMOpsOptions nvvm;
  nvvm.useBarePtrCallConv = true;
  kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());

  manager.addPass(createConvertMoELaunchToLLVMPass());
  manager.addPass(createConvertMoEChecksToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  cleanUp(manager);
}

Phases moe::getGPUPhases(const GPUPipelineOptions &options) {
  std::string chip = options.chip;
  Phases phases = getCommonPhases({options.fuse, options.checkConservation});
  phases.push_back(
      {"portable", "what needs no kernel of its own as linalg", buildPortable});
  phases.push_back(
      {"buffers", "entries on memory, every buffer placed in the arena",
       [](OpPassManager &manager) { buildBuffers(manager, /*device=*/true); }});
  phases.push_back(
      {"kernels", "entries as lists of kernel launches", buildKernels});
  phases.push_back(
      {"target", "kernels with a thread for each unit",
       [=](OpPassManager &manager) { buildTarget(manager, chip); }});
  phases.push_back(
      {"llvm", "kernels as NVVM, entries as LLVM dialect", buildLLVM});
  return phases;
}

void moe::registerGPUPipeline() {
  PassPipelineRegistration<GPUPipelineOptions>(
      "moe-to-ptx-pipeline",
      "Lower a graph to NVVM for a GPU, through every phase",
      [](OpPassManager &manager, const GPUPipelineOptions &options) {
        for (const Phase &phase : getGPUPhases(options))
          phase.build(manager);
      });
}
