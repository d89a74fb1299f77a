// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/LaunchToLLVM/LaunchToLLVM.h"

#include "EntryLowering.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/Conversion/LaunchToLLVM/Checks.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Runtime/ABI.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOELAUNCHTOLLVMPASS
#include "moe/Conversion/LaunchToLLVM/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

Value moe::castTo(OpBuilder &b, Location loc, Type type, Value value) {
  return UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

Value moe::loadContextField(OpBuilder &b, Location loc, Value context,
                            ContextField field) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(kNumContextFields, ptr));
  Value address = LLVM::GEPOp::create(b, loc, ptr, type, context,
                                      ArrayRef<LLVM::GEPArg>{0, field});
  return LLVM::LoadOp::create(b, loc, ptr, address);
}

namespace {
/// Builds the LLVM-level pieces of entries, kernels and launches.
class Lowering {
public:
  explicit Lowering(ModuleOp module)
      : module(module), converter(module.getContext()), b(module.getContext()),
        ptr(LLVM::LLVMPointerType::get(module.getContext())),
        i64(IntegerType::get(module.getContext(), 64)) {}

  LogicalResult run() {
    SmallVector<func::FuncOp> entries, kernels;
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func->hasAttr(kKernelAttr))
        kernels.push_back(func);
      else if (func->hasAttr(kEntryAttr))
        entries.push_back(func);
    }
    // Launches read the kernels' capture types, so entries go first.
    for (func::FuncOp entry : entries)
      if (failed(lowerEntry(entry)))
        return failure();
    for (func::FuncOp kernel : kernels)
      lowerKernel(kernel);
    // Weights live beside the code, at offsets that it already has.
    for (WeightOp weight :
         llvm::make_early_inc_range(module.getOps<WeightOp>()))
      weight.erase();
    if (auto status = module.lookupSymbol<memref::GlobalOp>(kStatusSymbol))
      status.erase();
    // The manifest has what these say.
    SmallVector<NamedAttribute> attrs(module->getDiscardableAttrs());
    for (NamedAttribute attr : attrs)
      if (attr.getName().strref().starts_with("moe."))
        module->removeDiscardableAttr(attr.getName());
    addVersion();
    return success();
  }

private:
  /// The struct of a kernel's captures, as LLVM types.
  LLVM::LLVMStructType captureStruct(TypeRange captures) {
    SmallVector<Type> fields;
    for (Type type : captures)
      fields.push_back(converter.convertType(type));
    return LLVM::LLVMStructType::getLiteral(module.getContext(), fields);
  }

  /// A contiguous row-major memref at `data` with these extents (i64 values).
  Value makeMemRef(Location loc, MemRefType type, Value data,
                   ValueRange extents) {
    auto descriptor =
        MemRefDescriptor::poison(b, loc, converter.convertType(type));
    descriptor.setAllocatedPtr(b, loc, data);
    descriptor.setAlignedPtr(b, loc, data);
    descriptor.setConstantOffset(b, loc, 0);
    Value stride = LLVM::ConstantOp::create(b, loc, i64, 1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      Value extent =
          type.isDynamicDim(dim)
              ? extents[dim]
              : LLVM::ConstantOp::create(b, loc, i64, type.getDimSize(dim))
                    .getResult();
      descriptor.setSize(b, loc, dim, extent);
      descriptor.setStride(b, loc, dim, stride);
      if (dim > 0)
        stride = LLVM::MulOp::create(b, loc, stride, extent);
    }
    return castTo(b, loc, type, descriptor);
  }

  Value loadField(Location loc, Type structType, Value base,
                  ArrayRef<LLVM::GEPArg> path, Type type) {
    Value address = LLVM::GEPOp::create(b, loc, ptr, structType, base, path);
    return LLVM::LoadOp::create(b, loc, type, address);
  }

  LogicalResult lowerEntry(func::FuncOp entry) {
    Location loc = entry.getLoc();
    Block &body = entry.getBody().front();
    b.setInsertionPointToStart(&body);
    unsigned oldArgs = body.getNumArguments();
    Value context = body.addArgument(ptr, loc),
          tensors = body.addArgument(ptr, loc);

    auto tensorType = LLVM::LLVMStructType::getLiteral(
        module.getContext(),
        {ptr, LLVM::LLVMArrayType::get(i64, MOE_MAX_RANK)});
    for (unsigned i = 0; i < oldArgs; ++i) {
      auto type = cast<MemRefType>(body.getArgument(i).getType());
      Value memref;
      if (i < kFirstTensorArgument) {
        // The generated code never asks for the size of these.
        Value data =
            loadContextField(b, loc, context, ContextField(kWeights + i));
        Value unknown = LLVM::ConstantOp::create(b, loc, i64, 0);
        memref = makeMemRef(loc, type, data, unknown);
      } else {
        if (type.getRank() > MOE_MAX_RANK)
          return entry.emitError("expected tensors of rank ")
                 << MOE_MAX_RANK << " or less, got " << type;
        int32_t index = i - kFirstTensorArgument;
        Value data = loadField(loc, tensorType, tensors, {index, 0}, ptr);
        SmallVector<Value> extents;
        for (int32_t dim = 0; dim < type.getRank(); ++dim)
          extents.push_back(
              loadField(loc, tensorType, tensors, {index, 1, dim}, i64));
        memref = makeMemRef(loc, type, data, extents);
      }
      body.getArgument(i).replaceAllUsesWith(memref);
    }
    body.eraseArguments(0, oldArgs);
    entry.removeArgAttrsAttr();
    entry.setType(b.getFunctionType({ptr, ptr}, {ptr}));
    entry.walk([&](func::ReturnOp op) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(op);
      op.getOperandsMutable().append(
          LLVM::ZeroOp::create(b, loc, ptr).getResult());
    });
    entry.setName(("moe_entry_" + entry.getName()).str());

    entry.walk([&](memref::GetGlobalOp get) {
      if (get.getName() != kStatusSymbol)
        return;
      Value words = loadContextField(b, loc, context, kStatus);
      get.replaceAllUsesWith(makeMemRef(loc, get.getType(), words, {}));
      get.erase();
    });
    lowerDeviceLaunches(entry, context);
    SmallVector<LaunchOp> launches;
    entry.walk([&](LaunchOp launch) { launches.push_back(launch); });
    if (launches.empty())
      return success();
    Value parallelFor = loadContextField(b, loc, context, kParallelFor);
    captureMemory.clear();
    for (LaunchOp launch : launches)
      lowerLaunch(launch, context, parallelFor, &body);
    return success();
  }

  void lowerLaunch(LaunchOp launch, Value context, Value parallelFor,
                   Block *entryBlock) {
    Location loc = launch.getLoc();
    LLVM::LLVMStructType type = captureStruct(launch.getCaptures().getTypes());
    // A launch is over before the next one, so those with captures of one type
    // share a place on the stack, taken where no loop repeats it.
    Value &memory = captureMemory[type];
    if (!memory) {
      b.setInsertionPointToStart(entryBlock);
      Value one = LLVM::ConstantOp::create(b, loc, i64, 1);
      memory = LLVM::AllocaOp::create(b, loc, ptr, type, one);
    }
    b.setInsertionPoint(launch);
    for (auto [i, capture] : llvm::enumerate(launch.getCaptures())) {
      Value field = LLVM::GEPOp::create(b, loc, ptr, type, memory,
                                        ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, loc, castTo(b, loc, type.getBody()[i], capture),
                            field);
    }
    Value units = launch.getUnits();
    Value grain = arith::ConstantIndexOp::create(b, loc, launch.getGrain());
    // Below two ranges' worth of work the caller runs it by itself.
    Value isSerial =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, units, grain);
    scf::IfOp::create(
        b, loc, isSerial,
        [&](OpBuilder &b, Location loc) {
          Value zero = arith::ConstantIndexOp::create(b, loc, 0);
          func::CallOp::create(b, loc, launch.getKernel(), TypeRange(),
                               ValueRange{memory, zero, units});
          scf::YieldOp::create(b, loc);
        },
        [&](OpBuilder &b, Location loc) {
          Value kernel = func::ConstantOp::create(b, loc, kernelType(),
                                                  launch.getKernelAttr());
          auto parallelForType = LLVM::LLVMFunctionType::get(
              LLVM::LLVMVoidType::get(b.getContext()),
              {ptr, ptr, ptr, i64, i64});
          LLVM::CallOp::create(b, loc, parallelForType,
                               ValueRange{parallelFor, context,
                                          castTo(b, loc, ptr, kernel), memory,
                                          castTo(b, loc, i64, units),
                                          castTo(b, loc, i64, grain)});
          scf::YieldOp::create(b, loc);
        });
    launch.erase();
  }

  FunctionType kernelType() {
    return b.getFunctionType({ptr, b.getIndexType(), b.getIndexType()}, {});
  }

  void lowerKernel(func::FuncOp kernel) {
    Location loc = kernel.getLoc();
    Block &body = kernel.getBody().front();
    b.setInsertionPointToStart(&body);
    unsigned oldArgs = body.getNumArguments();
    Value memory = body.addArgument(ptr, loc);
    Value begin = body.addArgument(b.getIndexType(), loc);
    Value end = body.addArgument(b.getIndexType(), loc);
    body.getArgument(0).replaceAllUsesWith(begin);
    body.getArgument(1).replaceAllUsesWith(end);
    TypeRange captures = kernel.getFunctionType().getInputs().drop_front(2);
    LLVM::LLVMStructType type = captureStruct(captures);
    for (unsigned i = 2; i < oldArgs; ++i) {
      BlockArgument argument = body.getArgument(i);
      Value field = loadField(loc, type, memory, {0, int32_t(i - 2)},
                              type.getBody()[i - 2]);
      argument.replaceAllUsesWith(castTo(b, loc, argument.getType(), field));
    }
    body.eraseArguments(0, oldArgs);
    kernel.setType(kernelType());
    kernel->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(module.getContext(), LLVM::Linkage::Internal));
    // One copy of the code, whoever calls it: two copies could be vectorised
    // differently, and then bits would depend on the number of threads.
    kernel->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
  }

  void addVersion() {
    b.setInsertionPointToStart(module.getBody());
    Type i32 = b.getI32Type();
    LLVM::GlobalOp::create(b, module.getLoc(), i32, /*isConstant=*/true,
                           LLVM::Linkage::External, "moe_abi_version",
                           b.getI32IntegerAttr(MOE_ABI_VERSION));
  }

  ModuleOp module;
  LLVMTypeConverter converter;
  OpBuilder b;
  Type ptr, i64;
  /// Where the current entry stores the captures of its launches.
  DenseMap<Type, Value> captureMemory;
};

struct ConvertMoELaunchToLLVMPass
    : moe::impl::ConvertMoELaunchToLLVMPassBase<ConvertMoELaunchToLLVMPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(Lowering(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
