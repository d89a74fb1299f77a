// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/InitAllDialects.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Target/GPU/CodeGen.h"

using namespace mlir;
using namespace mlir::moe;

void moe::registerToPTXTranslation() {
  static TranslateFromMLIRRegistration registration(
      "mlir-to-ptx", "write the PTX of a gpu.module in NVVM",
      [](ModuleOp module, llvm::raw_ostream &os) -> LogicalResult {
        llvm::Expected<DeviceCode> code = emitPTX(module);
        if (!code)
          return module.emitError(llvm::toString(code.takeError()));
        os << code->ptx;
        return success();
      },
      [](DialectRegistry &registry) {
        registerAllDialects(registry);
        registerAllToLLVMIRTranslations(registry);
        registry.insert<MoEDialect>();
      });
}
