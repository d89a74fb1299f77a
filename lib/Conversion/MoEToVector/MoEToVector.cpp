// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Conversion/MoEToVector/Lowering.h"
#include "moe/Conversion/MoEToVector/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTMOETOVECTORPASS
#include "moe/Conversion/MoEToVector/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static LogicalResult lowerKernelOp(Operation *op, const KernelContext &kernel) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<PackedMatmulOp, GroupedMatmulOp, AttentionOp, KVAppendOp, RouteOp,
            SortTokensOp, GatherRowsOp, ExpertRowsOp, CombineRowsOp,
            CountPairsOp, ScanCountsOp, PlacePairsOp, memref::CopyOp,
            linalg::LinalgOp>([&](auto op) { return lowerToRange(op, kernel); })
      .Default([](Operation *op) {
        return op->emitOpError("expected an operation that has a kernel");
      });
}

namespace {
struct ConvertMoEToVector
    : public moe::impl::ConvertMoEToVectorPassBase<ConvertMoEToVector> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("moe.kernel"))
      return;
    if (vectorBits != 256 && vectorBits != 512) {
      emitError(function.getLoc(), "expected vector-bits of 256 or 512, got ")
          << vectorBits.getValue();
      return signalPassFailure();
    }
    KernelContext kernel = {function, function.getArgument(0),
                            function.getArgument(1), vectorBits / 32};
    SmallVector<Operation *> work;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isKernelOp(op))
        return WalkResult::advance();
      work.push_back(op);
      return WalkResult::skip();
    });
    for (Operation *op : work) {
      KernelContext range = kernel;
      // In a loop over rows an operation is one row's, and done as a whole.
      if (op->getParentOp() != function) {
        OpBuilder b(op);
        range.begin = arith::ConstantIndexOp::create(b, op->getLoc(), 0);
        range.end = getKernelUnits(b, op);
      }
      if (failed(lowerKernelOp(op, range)))
        return signalPassFailure();
      op->erase();
    }
    Block &body = function.getBody().front();
    for (auto view : llvm::make_early_inc_range(body.getOps<KVViewOp>()))
      if (view->use_empty())
        view.erase();
  }
};
} // namespace
