// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Pipelines/Phase.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::moe;

void moe::cleanUp(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void buildGraph(OpPassManager &manager, const CommonOptions &) {
  // Entries are whole by themselves, and an expert written as a function is
  // recognised like one written in place.
  manager.addPass(createInlinerPass());
  // Before canonicalisation, which drops them without a word.
  manager.addNestedPass<func::FuncOp>(createRemoveDeadResultsPass());
  cleanUp(manager);
  manager.addNestedPass<func::FuncOp>(createCheckShapesPass());
}

static void buildSorted(OpPassManager &manager, const CommonOptions &options) {
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

static void buildFused(OpPassManager &manager, const CommonOptions &options) {
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
                          const CommonOptions &options) {
  // Past this point no operation may depend on how tokens are grouped.
  manager.addPass(createVerifySortedPass());
  manager.addNestedPass<func::FuncOp>(createVerifyConservationPass());
  if (options.checkConservation)
    manager.addNestedPass<func::FuncOp>(createCheckConservationPass());
}

void moe::buildBuffers(OpPassManager &manager, bool device) {
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
  // Before memory is used twice, so that what is read again is still there.
  if (device)
    manager.addNestedPass<func::FuncOp>(createSinkControlPass());
  manager.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  cleanUp(manager);
  manager.addPass(createVerifyBuffersPass());
}

Phases moe::getCommonPhases(const CommonOptions &options) {
  auto with = [&](void (*build)(OpPassManager &, const CommonOptions &)) {
    return
        [build, options](OpPassManager &manager) { build(manager, options); };
  };
  return {
      {"graph", "the model as written", with(buildGraph)},
      {"sorted", "dispatch, expert and combine as ordered rows",
       with(buildSorted)},
      {"fused", "neighbouring operations joined", with(buildFused)},
      {"verified", "checked to be complete before layouts are chosen",
       with(buildVerified)},
  };
}
