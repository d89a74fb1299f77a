// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOECHECKSTOLLVMPASS
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Longest text of a check with its numbers; the rest is cut off.
static constexpr int64_t maxTextLength = 1024;

/// What the text of a failed check says beside its message.
static SmallVector<Value, 2> getNumbers(cf::AssertOp check) {
  auto compare = check.getArg().getDefiningOp<arith::CmpIOp>();
  if (!compare || !check.getMsg().ends_with(", got"))
    return {};
  // A limit that the message knows is not said again.
  bool saysLimit = compare.getPredicate() != arith::CmpIPredicate::eq &&
                   matchPattern(compare.getRhs(), m_Constant());
  if (saysLimit)
    return {compare.getLhs()};
  return {compare.getLhs(), compare.getRhs()};
}

static Value widen(ImplicitLocOpBuilder &b, Value number) {
  Type wide = b.getI64Type();
  if (number.getType().isIndex())
    return arith::IndexCastOp::create(b, wide, number);
  if (number.getType().isInteger(64))
    return number;
  return arith::ExtSIOp::create(b, wide, number);
}

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
    printer = nullptr;
  }

private:
  LogicalResult lower(cf::AssertOp check) {
    auto function = check->getParentOfType<func::FuncOp>();
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    if (check->getParentOp() != function ||
        function.getResultTypes() != ArrayRef<Type>(ptr))
      return check.emitError("expected a check to lie in an entry, outside "
                             "structured control flow");
    ImplicitLocOpBuilder b(check.getLoc(), check);
    Block *block = check->getBlock();
    Block *rest = block->splitBlock(std::next(Block::iterator(check)));
    Block *failure = b.createBlock(rest);
    func::ReturnOp::create(b, makeText(b, check));
    b.setInsertionPoint(check);
    cf::CondBranchOp::create(b, check.getArg(), rest, failure);
    check.erase();
    return success();
  }

  /// The address of what a failed check says, made where it failed.
  Value makeText(ImplicitLocOpBuilder &b, cf::AssertOp check) {
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<Value, 2> numbers = getNumbers(check);
    if (numbers.empty())
      return LLVM::AddressOfOp::create(b, ptr, getOrCreateText(check.getMsg()));
    std::string format;
    for (char c : check.getMsg())
      format += c == '%' ? "%%" : std::string(1, c);
    format += numbers.size() == 1 ? " %lld" : " %lld and %lld";
    LLVM::LLVMFuncOp print = getOrCreatePrinter();
    Value text = LLVM::AddressOfOp::create(b, ptr, textName);
    SmallVector<Value> arguments = {
        text, LLVM::ConstantOp::create(b, b.getI64IntegerAttr(maxTextLength)),
        LLVM::AddressOfOp::create(b, ptr, getOrCreateText(format))};
    for (Value number : numbers)
      arguments.push_back(widen(b, number));
    LLVM::CallOp::create(b, print, arguments);
    return text;
  }

  /// snprintf, and with it the text that it prints to: one for each thread, so
  /// that calls at the same time do not meet.
  LLVM::LLVMFuncOp getOrCreatePrinter() {
    if (printer)
      return printer;
    ModuleOp module = getOperation();
    auto b =
        ImplicitLocOpBuilder::atBlockBegin(module.getLoc(), module.getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), maxTextLength);
    auto text = LLVM::GlobalOp::create(b, type, /*isConstant=*/false,
                                       LLVM::Linkage::Private, textName,
                                       LLVM::ZeroAttr::get(&getContext()));
    text.setThreadLocal_(true);
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    printer = LLVM::LLVMFuncOp::create(
        b, "snprintf",
        LLVM::LLVMFunctionType::get(b.getI32Type(), {ptr, b.getI64Type(), ptr},
                                    /*isVarArg=*/true));
    return printer;
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

  static constexpr llvm::StringLiteral textName = "moe_check_text";
  llvm::StringMap<std::string> texts;
  LLVM::LLVMFuncOp printer;
};
} // namespace
