// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Pipelines/CPUPipeline.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Conversion/MoEToVector/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

static void buildPacked(OpPassManager &manager, int64_t vectorBits) {
  PackWeightsPassOptions packing;
  packing.vectorBits = vectorBits;
  manager.addPass(createPackWeightsPass(packing));
  // Long sorts take several launches, which may run in parallel.
  manager.addNestedPass<func::FuncOp>(createSplitSortPass());
  // What could not be packed (weights that are arguments) takes the portable
  // path; routing and sorting have kernels of their own.
  ConvertMoEToLinalgPassOptions portable;
  portable.ops = {"grouped_matmul"};
  manager.addNestedPass<func::FuncOp>(createConvertMoEToLinalgPass(portable));
  cleanUp(manager);
}

static void buildKernels(OpPassManager &manager) {
  manager.addPass(createOutlineKernelsPass());
  cleanUp(manager);
}

static void buildTarget(OpPassManager &manager, int64_t vectorBits) {
  ConvertMoEToVectorPassOptions vector;
  vector.vectorBits = vectorBits;
  manager.addNestedPass<func::FuncOp>(createConvertMoEToVectorPass(vector));
  manager.addNestedPass<func::FuncOp>(createExpandMathPass());
  cleanUp(manager);
}

static void buildLLVM(OpPassManager &manager) {
  manager.addPass(createConvertMoELaunchToLLVMPass());
  manager.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  manager.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  cleanUp(manager);
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertMoEChecksToLLVMPass());
  manager.addPass(createConvertVectorToLLVMPass());
  // What the approximations leave over (sin, cos) is the C library's.
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  cleanUp(manager);
}

Phases moe::getCPUPhases(const CPUPipelineOptions &options) {
  int64_t vectorBits = options.vectorBits;
  Phases phases = getCommonPhases({options.fuse, options.checkConservation});
  phases.push_back(
      {"packed", "weights in the target's layout",
       [=](OpPassManager &manager) { buildPacked(manager, vectorBits); }});
  phases.push_back({"buffers",
                    "entries on memory, every buffer placed in the arena",
                    [](OpPassManager &manager) {
                      buildBuffers(manager, /*device=*/false);
                    }});
  phases.push_back(
      {"kernels", "entries as lists of kernel launches", buildKernels});
  phases.push_back(
      {"target", "kernels as loops over vectors",
       [=](OpPassManager &manager) { buildTarget(manager, vectorBits); }});
  phases.push_back({"llvm", "LLVM dialect", buildLLVM});
  return phases;
}

void moe::registerCPUPipeline() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "moe-to-llvm-pipeline",
      "Lower a graph to the LLVM dialect for the CPU, through every phase",
      [](OpPassManager &manager, const CPUPipelineOptions &options) {
        for (const Phase &phase : getCPUPhases(options))
          phase.build(manager);
      });
}
