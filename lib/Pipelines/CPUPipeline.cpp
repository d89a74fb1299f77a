// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Pipelines/CPUPipeline.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
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

static void cleanUp(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void buildGraph(OpPassManager &manager, const CPUPipelineOptions &) {
  // Entries are whole by themselves, and an expert written as a function is
  // recognised like one written in place.
  manager.addPass(createInlinerPass());
  // Before canonicalisation, which drops them without a word.
  manager.addNestedPass<func::FuncOp>(createRemoveDeadResultsPass());
  cleanUp(manager);
  manager.addNestedPass<func::FuncOp>(createCheckShapesPass());
}

static void buildSorted(OpPassManager &manager,
                        const CPUPipelineOptions &options) {
  // While an expert's computation stands in a region that can be compared.
  if (options.fuse)
    manager.addPass(createFuseSharedExpertsPass());
  manager.addNestedPass<func::FuncOp>(createSortTokensPass());
  // Only now is it known which products read weights the other way round.
  manager.addPass(createTransposeWeightsPass());
  // Losses and arithmetic on whole tensors have no kernels; as linalg they fuse
  // with what is around them.
  ConvertMoEToLinalgPassOptions training;
  training.ops = {"training"};
  manager.addNestedPass<func::FuncOp>(createConvertMoEToLinalgPass(training));
  manager.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  cleanUp(manager);
}

static void buildFused(OpPassManager &manager,
                       const CPUPipelineOptions &options) {
  // Norms, activations and residuals become few loops. Runs after sorting, so
  // that an expert's activation is one operation over all rows.
  manager.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  cleanUp(manager);
  if (!options.fuse)
    return;
  manager.addNestedPass<func::FuncOp>(createFuseRouterPass());
  manager.addPass(createSplitInterleavedPass());
  // Products that read the same rows can be joined once they read them from
  // the same place; what is computed from both is an epilogue after that.
  manager.addNestedPass<func::FuncOp>(createFuseGatherPass());
  manager.addNestedPass<func::FuncOp>(createFuseGateUpPass());
  manager.addNestedPass<func::FuncOp>(createFuseEpiloguePass());
  manager.addNestedPass<func::FuncOp>(createFuseCombinePass());
  // Last, as nothing is fused into a loop over rows. An append takes the norm
  // of its keys with it, so it comes before norms.
  manager.addNestedPass<func::FuncOp>(createFuseRopeAppendPass());
  manager.addNestedPass<func::FuncOp>(createFuseResidualNormPass());
  cleanUp(manager);
}

static void buildVerified(OpPassManager &manager,
                          const CPUPipelineOptions &options) {
  // Past this point no operation may depend on how tokens are grouped.
  manager.addPass(createVerifySortedPass());
  manager.addNestedPass<func::FuncOp>(createVerifyConservationPass());
  if (options.checkConservation)
    manager.addNestedPass<func::FuncOp>(createCheckConservationPass());
}

static void buildPacked(OpPassManager &manager,
                        const CPUPipelineOptions &options) {
  PackWeightsPassOptions packing;
  packing.vectorBits = options.vectorBits;
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

static void buildBuffers(OpPassManager &manager, const CPUPipelineOptions &) {
  manager.addPass(createMaterializeEntriesPass());
  manager.addNestedPass<func::FuncOp>(createEliminateEmptyTensorsPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.allowReturnAllocsFromLoops = true;
  manager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  cleanUp(manager);
  // Bounds are read off the sizes of allocations, so views must not hide them.
  manager.addNestedPass<func::FuncOp>(
      memref::createResolveShapedTypeResultDimsPass());
  cleanUp(manager);
  manager.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  cleanUp(manager);
  manager.addPass(createVerifyBuffersPass());
}

static void buildKernels(OpPassManager &manager, const CPUPipelineOptions &) {
  manager.addPass(createOutlineKernelsPass());
  cleanUp(manager);
}

static void buildTarget(OpPassManager &manager,
                        const CPUPipelineOptions &options) {
  ConvertMoEToVectorPassOptions vector;
  vector.vectorBits = options.vectorBits;
  manager.addNestedPass<func::FuncOp>(createConvertMoEToVectorPass(vector));
  manager.addNestedPass<func::FuncOp>(createExpandMathPass());
  cleanUp(manager);
}

static void buildLLVM(OpPassManager &manager, const CPUPipelineOptions &) {
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

ArrayRef<Phase> moe::getCPUPhases() {
  static const Phase phases[] = {
      {"graph", "the model as written", buildGraph},
      {"sorted", "dispatch, expert and combine as ordered rows", buildSorted},
      {"fused", "neighbouring operations joined", buildFused},
      {"verified", "checked to be complete before layouts are chosen",
       buildVerified},
      {"packed", "weights in the target's layout", buildPacked},
      {"buffers", "entries on memory, every buffer placed in the arena",
       buildBuffers},
      {"kernels", "entries as lists of kernel launches", buildKernels},
      {"target", "kernels as loops over vectors", buildTarget},
      {"llvm", "LLVM dialect", buildLLVM},
  };
  return phases;
}

void moe::registerMoEPipelines() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "moe-to-llvm-pipeline",
      "Lower a graph to the LLVM dialect for the CPU, through every phase",
      [](OpPassManager &manager, const CPUPipelineOptions &options) {
        for (const Phase &phase : getCPUPhases())
          phase.build(manager, options);
      });
}
