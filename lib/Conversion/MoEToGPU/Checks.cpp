// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Checks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Conversion/LaunchToLLVM/Checks.h"

using namespace mlir;
using namespace mlir::moe;

void DeviceChecks::lower(gpu::GPUFuncOp kernel, Value status) {
  SmallVector<cf::AssertOp> checks;
  kernel.walk([&](cf::AssertOp check) { checks.push_back(check); });
  for (cf::AssertOp check : checks)
    lower(check, status);
}

/// The first check to fail stays. Its kernel has one thread, and kernels run
/// one after another, so nobody else looks at the words meanwhile.
void DeviceChecks::lower(cf::AssertOp check, Value status) {
  texts.push_back(getCheckFormat(check));
  ImplicitLocOpBuilder b(check.getLoc(), check);
  auto index = [&](int64_t i) -> Value {
    return arith::ConstantIndexOp::create(b, i);
  };
  auto word = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  Value state = memref::LoadOp::create(b, status, index(0));
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, state, word(0));
  Value isBad = arith::XOrIOp::create(
      b, check.getArg(), arith::ConstantOp::create(b, b.getBoolAttr(true)));
  auto guard = scf::IfOp::create(b, arith::AndIOp::create(b, isBad, isFirst),
                                 /*withElseRegion=*/false);
  b.setInsertionPointToStart(guard.thenBlock());
  for (auto [i, number] : llvm::enumerate(getCheckNumbers(check)))
    memref::StoreOp::create(b, widenCheckNumber(b, b.getLoc(), number), status,
                            index(i + 1));
  memref::StoreOp::create(b, word(texts.size()), status, index(0));
  check.erase();
}

void DeviceChecks::writeTexts(gpu::GPUModuleOp module) const {
  if (texts.empty())
    return;
  SmallVector<StringRef> all(texts.begin(), texts.end());
  module->setAttr(kDeviceChecksAttr,
                  OpBuilder(module.getContext()).getStrArrayAttr(all));
}
