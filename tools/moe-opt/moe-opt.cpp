// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Dialect/MoE/TransformOps/MoETransformOps.h"
#include "moe/Dialect/MoE/Transforms/BufferizableOpInterfaceImpl.h"
#include "moe/Dialect/MoE/Transforms/TilingInterfaceImpl.h"
#include "moe/InitAllPasses.h"
#include "moe/Reference/TestPasses.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<mlir::moe::MoEDialect>();
  mlir::moe::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::moe::registerTilingInterfaceExternalModels(registry);
  mlir::moe::registerTransformDialectExtension(registry);
  mlir::moe::registerMoEPasses();
  mlir::moe::registerTestEvaluatePass();
  return mlir::failed(mlir::MlirOptMain(
      argc, argv, "MoE compiler: dialect and pass driver\n", registry));
}
