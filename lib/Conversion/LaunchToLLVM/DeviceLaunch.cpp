// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches of kernels of a device: parameters are stored side by side on the
// stack, and an array of their addresses is passed, as cuLaunchKernel takes
// them.
#include "EntryLowering.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
class DeviceLaunches {
public:
  DeviceLaunches(func::FuncOp entry, Value context)
      : entry(entry), context(context), converter(entry.getContext()),
        ptr(LLVM::LLVMPointerType::get(entry.getContext())),
        i64(IntegerType::get(entry.getContext(), 64)) {}

  void run();

private:
  /// Places for parameters of some types, and the array of their addresses.
  struct Parameters {
    LLVM::LLVMStructType type;
    Value memory, addresses;
  };

  int32_t getNumber(gpu::LaunchFuncOp launch);
  Parameters getParameters(TypeRange types);
  void lower(gpu::LaunchFuncOp launch);

  func::FuncOp entry;
  Value context;
  LLVMTypeConverter converter;
  Type ptr, i64;
  Value enqueue;
  /// Returns its argument.
  Block *failure = nullptr;
  DenseMap<Type, Parameters> parameters;
  DenseMap<StringAttr, int32_t> numbers;
};
} // namespace

/// The place of the kernel among those of its module, which is its number.
int32_t DeviceLaunches::getNumber(gpu::LaunchFuncOp launch) {
  if (numbers.empty()) {
    auto module = entry->getParentOfType<ModuleOp>();
    auto kernels =
        module.lookupSymbol<gpu::GPUModuleOp>(launch.getKernelModuleName());
    for (auto kernel : kernels.getOps<FunctionOpInterface>())
      numbers.try_emplace(
          StringAttr::get(module.getContext(), kernel.getName()),
          numbers.size());
  }
  return numbers.lookup(launch.getKernelName());
}

/// A launch has read its parameters when it returns, so those of one type share
/// places, taken where no loop repeats it.
DeviceLaunches::Parameters DeviceLaunches::getParameters(TypeRange types) {
  SmallVector<Type> fields;
  for (Type type : types)
    fields.push_back(isa<MemRefType>(type) ? ptr : converter.convertType(type));
  auto type = LLVM::LLVMStructType::getLiteral(entry.getContext(), fields);
  Parameters &known = parameters[type];
  if (known.memory)
    return known;
  auto b = ImplicitLocOpBuilder::atBlockBegin(entry.getLoc(),
                                              &entry.getBody().front());
  Value one = LLVM::ConstantOp::create(b, i64, 1);
  known.type = type;
  known.memory = LLVM::AllocaOp::create(b, ptr, type, one);
  auto array = LLVM::LLVMArrayType::get(ptr, fields.size());
  known.addresses = LLVM::AllocaOp::create(b, ptr, array, one);
  for (int32_t i = 0, e = fields.size(); i < e; ++i) {
    Value field = LLVM::GEPOp::create(b, ptr, type, known.memory,
                                      ArrayRef<LLVM::GEPArg>{0, i});
    Value place = LLVM::GEPOp::create(b, ptr, array, known.addresses,
                                      ArrayRef<LLVM::GEPArg>{0, i});
    LLVM::StoreOp::create(b, field, place);
  }
  return known;
}

void DeviceLaunches::lower(gpu::LaunchFuncOp launch) {
  ValueRange operands = launch.getKernelOperands();
  Parameters places = getParameters(operands.getTypes());
  ImplicitLocOpBuilder b(launch.getLoc(), launch);
  for (auto [i, operand] : llvm::enumerate(operands)) {
    Type type = places.type.getBody()[i];
    Value value;
    if (isa<MemRefType>(operand.getType())) {
      Value descriptor = castTo(
          b, b.getLoc(), converter.convertType(operand.getType()), operand);
      value = LLVM::ExtractValueOp::create(b, descriptor, 1);
    } else {
      value = operand.getType() == type ? operand
                                        : castTo(b, b.getLoc(), type, operand);
    }
    Value field = LLVM::GEPOp::create(b, ptr, places.type, places.memory,
                                      ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
    LLVM::StoreOp::create(b, value, field);
  }
  // An empty grid is no launch.
  Value blocks = launch.getGridSizeX();
  Value isEmpty = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, blocks,
                                        arith::ConstantIndexOp::create(b, 0));
  Block *block = launch->getBlock();
  Block *rest = block->splitBlock(std::next(Block::iterator(launch)));
  Block *call = b.createBlock(rest);
  b.setInsertionPoint(launch);
  cf::CondBranchOp::create(b, isEmpty, rest, call);
  b.setInsertionPointToStart(call);
  auto type = LLVM::LLVMFunctionType::get(ptr, {ptr, b.getI32Type(), i64, ptr});
  Value number =
      LLVM::ConstantOp::create(b, b.getI32IntegerAttr(getNumber(launch)));
  Value error =
      LLVM::CallOp::create(b, type,
                           ValueRange{enqueue, context, number,
                                      castTo(b, b.getLoc(), i64, blocks),
                                      places.addresses})
          .getResult();
  Value isNull = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, error,
                                      LLVM::ZeroOp::create(b, ptr));
  cf::CondBranchOp::create(b, isNull, rest, ValueRange(), failure, error);
  launch.erase();
}

void DeviceLaunches::run() {
  SmallVector<gpu::LaunchFuncOp> launches;
  entry.walk([&](gpu::LaunchFuncOp launch) { launches.push_back(launch); });
  if (launches.empty())
    return;
  Location loc = entry.getLoc();
  OpBuilder b = OpBuilder::atBlockBegin(&entry.getBody().front());
  enqueue = loadContextField(b, loc, context, kLaunch);
  failure = b.createBlock(&entry.getBody(), entry.getBody().end(), ptr, loc);
  func::ReturnOp::create(b, loc, failure->getArgument(0));
  for (gpu::LaunchFuncOp launch : launches)
    lower(launch);
}

void moe::lowerDeviceLaunches(func::FuncOp entry, Value context) {
  DeviceLaunches(entry, context).run();
}
