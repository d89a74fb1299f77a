// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "moe/Conversion/LaunchToLLVM/Checks.h"
#include "moe/Runtime/ABI.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOECHECKSTOLLVMPASS
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Longest text of a check with its numbers; the rest is cut off.
static constexpr int64_t maxTextLength = 1024;

MemRefType moe::getStatusType(MLIRContext *context) {
  return MemRefType::get({MOE_STATUS_WORDS}, IntegerType::get(context, 64));
}

SmallVector<Value, 2> moe::getCheckNumbers(cf::AssertOp check) {
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

std::string moe::getCheckFormat(cf::AssertOp check) {
  std::string format;
  for (char c : check.getMsg())
    format += c == '%' ? "%%" : std::string(1, c);
  size_t numbers = getCheckNumbers(check).size();
  if (numbers > 0)
    format += numbers == 1 ? " %lld" : " %lld and %lld";
  return format;
}

Value moe::widenCheckNumber(OpBuilder &b, Location loc, Value number) {
  Type wide = b.getI64Type();
  if (number.getType().isIndex())
    return arith::IndexCastOp::create(b, loc, wide, number);
  if (number.getType().isInteger(64))
    return number;
  return arith::ExtSIOp::create(b, loc, wide, number);
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
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>())
      if (auto formats = kernels->getAttrOfType<ArrayAttr>(kDeviceChecksAttr))
        exportDeviceFailure(formats);
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
    SmallVector<Value, 2> numbers = getCheckNumbers(check);
    if (numbers.empty())
      return LLVM::AddressOfOp::create(b, getPtr(),
                                       getOrCreateText(check.getMsg()));
    for (Value &number : numbers)
      number = widenCheckNumber(b, b.getLoc(), number);
    return printText(b, getCheckFormat(check), numbers);
  }

  LLVM::LLVMPointerType getPtr() {
    return LLVM::LLVMPointerType::get(&getContext());
  }

  /// The address of the text that `format` makes of the numbers.
  Value printText(ImplicitLocOpBuilder &b, StringRef format,
                  ValueRange numbers) {
    LLVM::LLVMFuncOp print = getOrCreatePrinter();
    Value text = LLVM::AddressOfOp::create(b, getPtr(), textName);
    SmallVector<Value> arguments = {
        text, LLVM::ConstantOp::create(b, b.getI64IntegerAttr(maxTextLength)),
        LLVM::AddressOfOp::create(b, getPtr(), getOrCreateText(format))};
    llvm::append_range(arguments, numbers);
    LLVM::CallOp::create(b, print, arguments);
    return text;
  }

  /// `moe_device_failure`: what the words that a kernel's check has left say.
  void exportDeviceFailure(ArrayAttr formats) {
    auto b = ImplicitLocOpBuilder::atBlockEnd(getOperation().getLoc(),
                                              getOperation().getBody());
    auto function = LLVM::LLVMFuncOp::create(
        b, "moe_device_failure",
        LLVM::LLVMFunctionType::get(getPtr(), {getPtr()}));
    Block *entry = function.addEntryBlock(b);
    Value status = entry->getArgument(0);
    auto load = [&](int32_t i) -> Value {
      Value at = LLVM::GEPOp::create(b, getPtr(), b.getI64Type(), status,
                                     ArrayRef<LLVM::GEPArg>{i});
      return LLVM::LoadOp::create(b, b.getI64Type(), at);
    };
    b.setInsertionPointToStart(entry);
    Value number = load(0);
    for (auto [i, attr] : llvm::enumerate(formats.getAsRange<StringAttr>())) {
      Block *text = b.createBlock(&function.getBody()), *rest;
      SmallVector<Value> numbers;
      for (size_t n = 0, e = attr.getValue().count("%lld"); n < e; ++n)
        numbers.push_back(load(n + 1));
      LLVM::ReturnOp::create(b, printText(b, attr.getValue(), numbers));
      rest = b.createBlock(&function.getBody());
      b.setInsertionPointToEnd(i == 0 ? entry : text->getPrevNode());
      Value known = LLVM::ConstantOp::create(b, b.getI64IntegerAttr(i + 1));
      Value isIt =
          LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, number, known);
      LLVM::CondBrOp::create(b, isIt, text, rest);
      b.setInsertionPointToEnd(rest);
    }
    LLVM::ReturnOp::create(b, LLVM::ZeroOp::create(b, getPtr()).getResult());
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
