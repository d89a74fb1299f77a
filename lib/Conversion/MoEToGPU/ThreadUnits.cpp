// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/MoEToGPU/ThreadUnits.h"

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value product(OpBuilder &b, Location loc, ArrayRef<Value> factors) {
  Value result = constant(b, loc, 1);
  for (Value factor : factors)
    result = b.createOrFold<arith::MulIOp>(loc, result, factor);
  return result;
}

SmallVector<Value> moe::getPointExtents(OpBuilder &b, linalg::LinalgOp op) {
  SmallVector<Value> extents;
  auto iterators = op.getIteratorTypesArray();
  for (auto [i, range] : llvm::enumerate(op.createLoopRanges(b, op.getLoc())))
    if (iterators[i] == utils::IteratorType::parallel)
      extents.push_back(
          getValueOrCreateConstantIndexOp(b, op.getLoc(), range.size));
  return extents;
}

SmallVector<Value> moe::getPointExtents(OpBuilder &b, memref::CopyOp op) {
  SmallVector<Value> extents;
  Value target = op.getTarget();
  for (int64_t dim = 0; dim < cast<ShapedType>(target.getType()).getRank();
       ++dim)
    extents.push_back(b.createOrFold<memref::DimOp>(op.getLoc(), target, dim));
  return extents;
}

Value moe::getThreadUnits(OpBuilder &b, Operation *op) {
  Location loc = op->getLoc();
  auto rowsTimes = [&](Value rows, int64_t factor) {
    Value extent = b.createOrFold<memref::DimOp>(loc, rows, 0);
    return product(b, loc, {extent, constant(b, loc, factor)});
  };
  return TypeSwitch<Operation *, Value>(op)
      .Case<linalg::LinalgOp, memref::CopyOp>(
          [&](auto op) { return product(b, loc, getPointExtents(b, op)); })
      .Case([&](GroupedMatmulOp op) {
        return rowsTimes(op.getOuts()[0], op.getWidth());
      })
      .Case([&](AttentionOp op) {
        auto query = cast<ShapedType>(op.getQuery().getType());
        return rowsTimes(op.getQuery(), query.getDimSize(1));
      })
      .Default([&](Operation *op) { return getKernelUnits(b, op); });
}
