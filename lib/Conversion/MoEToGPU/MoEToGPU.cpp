// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Checks.h"
#include "Lowering.h"
#include "Parameters.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/Conversion/LaunchToLLVM/Checks.h"
#include "moe/Conversion/MoEToGPU/Passes.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOGPUPASS
#include "moe/Conversion/MoEToGPU/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static constexpr llvm::StringLiteral kModuleName = "model";

/// Whether the operation is work that is to be lowered, not part of it.
static bool isWork(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp>(op) ||
         (isa<MoEDialect>(op->getDialect()) && !isa<KVViewOp>(op));
}

static LogicalResult lowerUnit(Operation *op, const KernelContext &kernel) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<linalg::LinalgOp, memref::CopyOp, GroupedMatmulOp, AttentionOp>(
          [&](auto op) { return lowerToThread(op, kernel); })
      .Case<RouteOp, KVAppendOp, SortTokensOp, CountPairsOp, ScanCountsOp,
            PlacePairsOp>([&](auto op) { return lowerToRange(op, kernel); })
      .Default([](Operation *op) {
        return op->emitOpError("of ")
               << describeLocation(op->getLoc()) << " has no kernel for a GPU";
      });
}

/// In a loop over rows an operation is one row's, and done as a whole.
static LogicalResult lowerInRow(Operation *op, KernelContext kernel) {
  OpBuilder b(op);
  kernel.begin = arith::ConstantIndexOp::create(b, op->getLoc(), 0);
  kernel.end = getKernelUnits(b, op);
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<linalg::LinalgOp, memref::CopyOp, KVAppendOp>(
          [&](auto op) { return lowerToRange(op, kernel); })
      .Default([](Operation *op) {
        return op->emitOpError("of ")
               << describeLocation(op->getLoc())
               << " has no kernel for a GPU in a loop over rows";
      });
}

/// Replaces a kernel's work by code for the units [begin, end), which are one.
static LogicalResult lowerWork(func::FuncOp function) {
  // Vectors are split into scalars; those of routes have a width of their own.
  constexpr int64_t lanes = 8;
  KernelContext kernel = {function, function.getArgument(0),
                          function.getArgument(1), lanes};
  SmallVector<Operation *> work;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isWork(op))
      return WalkResult::advance();
    work.push_back(op);
    return WalkResult::skip();
  });
  for (Operation *op : work) {
    if (failed(op->getParentOfType<scf::ForOp>() ? lowerInRow(op, kernel)
                                                 : lowerUnit(op, kernel)))
      return failure();
    op->erase();
  }
  return success();
}

/// Whether no check has failed.
static Value isFine(OpBuilder &b, Location loc, Value status) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value state = memref::LoadOp::create(b, loc, status, zero);
  Value none = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, state, none);
}

namespace {
struct ConvertMoEToGPUPass
    : moe::impl::ConvertMoEToGPUPassBase<ConvertMoEToGPUPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    checks = {};
    hasChecks = false;
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
    kernels = gpu::GPUModuleOp::create(b, module.getLoc(), kModuleName);
    kernels.setTargetsAttr(b.getArrayAttr(NVVM::NVVMTargetAttr::get(
        &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", chip,
        ("+ptx" + Twine(ptx)).str())));
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kKernelAttr))
        functions.push_back(function);
    for (func::FuncOp function : functions)
      function.walk([&](cf::AssertOp) { hasChecks = true; });
    for (func::FuncOp function : functions) {
      if (failed(lowerWork(function)))
        return signalPassFailure();
      convertKernel(function);
    }
    SmallVector<LaunchOp> launches;
    module.walk([&](LaunchOp launch) { launches.push_back(launch); });
    for (LaunchOp launch : launches)
      convertLaunch(launch);
    if (hasChecks) {
      b.setInsertionPoint(kernels);
      memref::GlobalOp::create(b, module.getLoc(), kStatusSymbol,
                               b.getStringAttr("private"),
                               getStatusType(&getContext()), Attribute(),
                               /*constant=*/false, IntegerAttr());
    }
    checks.writeTexts(kernels);
    for (auto entry : module.getOps<func::FuncOp>())
      if (entry->hasAttr(kEntryAttr) && failed(verifyEntry(entry)))
        return signalPassFailure();
  }

private:
  /// The kernel with a thread for each unit.
  void convertKernel(func::FuncOp function) {
    Location loc = function.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(kernels.getBody());
    ArrayRef<Type> captures = function.getArgumentTypes().drop_front(2);
    SmallVector<Type> inputs = {b.getIndexType()};
    for (Type type : captures)
      appendParameterTypes(type, inputs);
    if (hasChecks)
      inputs.push_back(getStatusType(&getContext()));
    auto kernel = gpu::GPUFuncOp::create(b, loc, function.getSymName(),
                                         b.getFunctionType(inputs, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    kernel.setKnownBlockSizeAttr(
        b.getDenseI32ArrayAttr({int32_t(blockSize), 1, 1}));
    ++numKernels;

    b.setInsertionPointToStart(&kernel.getBody().front());
    Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
    Value thread = gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x);
    Value size = arith::ConstantIndexOp::create(b, loc, blockSize);
    Value unit = arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, block, size), thread);
    IRMapping mapping;
    mapping.map(function.getArgument(0), unit);
    ValueRange parameters = kernel.getArguments().drop_front();
    for (BlockArgument capture : function.getArguments().drop_front(2))
      mapping.map(capture,
                  rebuildCapture(b, loc, capture.getType(), parameters));
    // A thread's memory is found once, whatever the thread then does.
    Block &body = function.getBody().front();
    for (auto scratch : body.getOps<memref::AllocaOp>())
      b.clone(*scratch, mapping);
    Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                         unit, kernel.getArgument(0));
    // After a failed check data may lead anywhere.
    if (hasChecks)
      exists = arith::AndIOp::create(
          b, loc, exists, isFine(b, loc, kernel.getArguments().back()));
    auto guard = scf::IfOp::create(b, loc, exists, /*withElseRegion=*/false);
    gpu::ReturnOp::create(b, loc);
    b.setInsertionPointToStart(guard.thenBlock());
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    mapping.map(function.getArgument(1),
                arith::AddIOp::create(b, loc, unit, one));
    for (Operation &op : body.without_terminator())
      if (!isa<memref::AllocaOp, KVViewOp>(op))
        b.clone(op, mapping);
    copyTables(kernel);
    if (hasChecks)
      checks.lower(kernel, kernel.getArguments().back());
    function.erase();
  }

  /// Gives the GPU the constants that the kernel reads.
  void copyTables(gpu::GPUFuncOp kernel) {
    SymbolTable host(getOperation()), device(kernels);
    kernel.walk([&](memref::GetGlobalOp get) {
      if (device.lookup(get.getNameAttr().getAttr()))
        return;
      auto table = host.lookup(get.getNameAttr().getAttr())->clone();
      device.insert(table, kernels.getBody()->begin());
    });
  }

  void convertLaunch(LaunchOp launch) {
    Location loc = launch.getLoc();
    OpBuilder b(launch);
    SmallVector<Value> arguments = {launch.getUnits()};
    for (Value capture : launch.getCaptures())
      appendArguments(b, loc, capture, arguments);
    Value size = arith::ConstantIndexOp::create(b, loc, blockSize);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value blocks = arith::CeilDivUIOp::create(b, loc, launch.getUnits(), size);
    auto kernel = SymbolTable(kernels).lookup<gpu::GPUFuncOp>(
        launch.getKernelAttr().getAttr());
    if (hasChecks)
      arguments.push_back(memref::GetGlobalOp::create(
          b, loc, getStatusType(&getContext()), kStatusSymbol));
    gpu::LaunchFuncOp::create(b, loc, kernel, {blocks, one, one},
                              {size, one, one},
                              /*dynamicSharedMemorySize=*/Value(), arguments);
    launch.erase();
  }

  /// The host computes addresses and sizes, and reads no memory of the device.
  LogicalResult verifyEntry(func::FuncOp entry) {
    WalkResult walked = entry.walk([&](Operation *op) {
      if (isa<gpu::LaunchFuncOp, cf::AssertOp>(op) ||
          op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
          isMemoryEffectFree(op) || isa<func::FuncOp, func::ReturnOp>(op))
        return WalkResult::advance();
      op->emitOpError("of ")
          << describeLocation(op->getLoc())
          << " would have the host reach into a GPU's memory; expected "
             "everything that does to be a kernel";
      return WalkResult::interrupt();
    });
    return failure(walked.wasInterrupted());
  }

  gpu::GPUModuleOp kernels;
  DeviceChecks checks;
  /// Whether any kernel checks something: then all of them take the status, and
  /// do nothing after a check has failed.
  bool hasChecks = false;
};
} // namespace
