// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOECHECKSTOLLVMPASS
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
struct ConvertMoEChecksToLLVMPass
    : moe::impl::ConvertMoEChecksToLLVMPassBase<ConvertMoEChecksToLLVMPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<cf::AssertOp> checks;
    getOperation().walk([&](cf::AssertOp check) { checks.push_back(check); });
    for (cf::AssertOp check : checks)
      if (failed(lower(check)))
        return signalPassFailure();
    texts.clear();
  }

private:
  LogicalResult lower(cf::AssertOp check) {
    auto function = check->getParentOfType<func::FuncOp>();
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    if (check->getParentOp() != function ||
        function.getResultTypes() != ArrayRef<Type>(ptr))
      return check.emitError("expected a check to lie in an entry, outside "
                             "structured control flow");
    Location loc = check.getLoc();
    OpBuilder b(check);
    Block *block = check->getBlock();
    Block *rest = block->splitBlock(std::next(Block::iterator(check)));
    Block *failure = b.createBlock(rest);
    func::ReturnOp::create(
        b, loc,
        LLVM::AddressOfOp::create(b, loc, ptr, getOrCreateText(check.getMsg()))
            .getResult());
    b.setInsertionPoint(check);
    cf::CondBranchOp::create(b, loc, check.getArg(), rest, failure);
    check.erase();
    return success();
  }

  /// The name of a global that holds `message`, NUL-terminated.
  StringRef getOrCreateText(StringRef message) {
    auto [it, isNew] = texts.try_emplace(message);
    if (isNew) {
      it->second = "moe_check_" + std::to_string(texts.size() - 1);
      auto module = getOperation();
      OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
      std::string text = (message + StringRef("\0", 1)).str();
      auto type = LLVM::LLVMArrayType::get(b.getI8Type(), text.size());
      LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true,
                             LLVM::Linkage::Private, it->second,
                             b.getStringAttr(text));
    }
    return it->second;
  }

  llvm::StringMap<std::string> texts;
};
} // namespace
