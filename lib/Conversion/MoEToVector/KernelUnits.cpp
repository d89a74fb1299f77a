// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/MoEToVector/KernelUnits.h"

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

/// Scalar operations that outweigh handing a range to another thread.
static constexpr int64_t grainOperations = 20000;

/// What an unknown extent counts for, and one exponential or the like.
static constexpr int64_t assumedExtent = 16, costOfMath = 16;

std::optional<unsigned> moe::getUnitLoop(linalg::LinalgOp op) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto iterators = op.getIteratorTypesArray();
  for (auto [i, extent] : llvm::enumerate(extents))
    if (iterators[i] == utils::IteratorType::parallel && extent != 1)
      return i;
  return std::nullopt;
}

std::optional<unsigned> moe::getUnitDimension(memref::CopyOp op) {
  auto type = cast<MemRefType>(op.getTarget().getType());
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    if (extent != 1)
      return i;
  return std::nullopt;
}

bool moe::isKernelOp(Operation *op) {
  if (!llvm::all_of(op->getOperandTypes(),
                    [](Type type) { return !isa<TensorType>(type); }))
    return false;
  return isa<PackedMatmulOp, AttentionOp, KVAppendOp, RouteOp, SortTokensOp,
             linalg::LinalgOp, memref::CopyOp>(op) ||
         (isa<GroupedMatmulOp>(op) && cast<GroupedMatmulOp>(op).getPanel());
}

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value extent(OpBuilder &b, Location loc, Value memref, int64_t dim) {
  return b.createOrFold<memref::DimOp>(loc, memref, dim);
}

static Value product(OpBuilder &b, Location loc, Value a, int64_t factor) {
  return b.createOrFold<arith::MulIOp>(loc, a, constant(b, loc, factor));
}

/// Panels of one matrix of packed weights.
static int64_t getPanels(ShapedType weights, bool grouped) {
  return weights.getDimSize(grouped ? 1 : 0);
}

static Value getLinalgUnits(OpBuilder &b, linalg::LinalgOp op) {
  Location loc = op.getLoc();
  std::optional<unsigned> loop = getUnitLoop(op);
  if (!loop)
    return constant(b, loc, 1);
  int64_t size = op.getStaticLoopRanges()[*loop];
  if (!ShapedType::isDynamic(size))
    return constant(b, loc, size);
  SmallVector<std::pair<Value, unsigned>> places;
  op.mapIterationSpaceDimToAllOperandDims(*loop, places);
  return extent(b, loc, places.front().first, places.front().second);
}

Value moe::getKernelUnits(OpBuilder &b, Operation *op) {
  Location loc = op->getLoc();
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](PackedMatmulOp op) {
        return constant(
            b, loc, getPanels(cast<ShapedType>(op.getWeights().getType()), 0));
      })
      .Case([&](GroupedMatmulOp op) {
        auto weights = cast<ShapedType>(op.getWeights().getType());
        int64_t panels = getPanels(weights, /*grouped=*/true);
        if (op.getOffsets())
          return constant(b, loc, weights.getDimSize(0) * panels);
        return product(b, loc, extent(b, loc, op.getOuts()[0], 0), panels);
      })
      .Case([&](AttentionOp op) {
        return product(b, loc, extent(b, loc, op.getQuery(), 0),
                       op.getCache().getType().getHeads());
      })
      .Case([&](KVAppendOp op) { return extent(b, loc, op.getKeys(), 0); })
      .Case([&](RouteOp op) { return extent(b, loc, op.getLogits(), 0); })
      .Case([&](memref::CopyOp op) {
        std::optional<unsigned> dim = getUnitDimension(op);
        return dim ? extent(b, loc, op.getTarget(), *dim) : constant(b, loc, 1);
      })
      .Case([&](linalg::LinalgOp op) { return getLinalgUnits(b, op); })
      .Default([&](Operation *) { return constant(b, loc, 1); });
}

static int64_t known(int64_t extent) {
  return ShapedType::isDynamic(extent) ? assumedExtent : extent;
}

static int64_t extentsProduct(ShapedType type) {
  int64_t count = 1;
  for (int64_t extent : type.getShape())
    count *= known(extent);
  return count;
}

/// Multiply-adds of one panel for `rows` rows.
static int64_t panelCost(ShapedType input, PanelLayoutAttr panel,
                         int64_t rows) {
  return rows * known(input.getDimSize(1)) * panel.getWidth();
}

static int64_t linalgCost(linalg::LinalgOp op) {
  int64_t cost = 0;
  for (Operation &inner : op.getBlock()->without_terminator())
    cost += isa<math::MathDialect>(inner.getDialect()) ? costOfMath : 1;
  cost = std::max<int64_t>(cost, 1);
  std::optional<unsigned> unitLoop = getUnitLoop(op);
  for (auto [i, extent] : llvm::enumerate(op.getStaticLoopRanges()))
    if (i != unitLoop)
      cost *= known(extent);
  return cost;
}

/// Scalar operations of one unit.
static int64_t unitCost(Operation *op) {
  return TypeSwitch<Operation *, int64_t>(op)
      .Case([](PackedMatmulOp op) {
        auto input = cast<ShapedType>(op.getInput().getType());
        return panelCost(input, op.getPanel(), known(input.getDimSize(0)));
      })
      .Case([](GroupedMatmulOp op) {
        auto input = cast<ShapedType>(op.getInput().getType());
        return panelCost(input, *op.getPanel(), 1);
      })
      .Case([](AttentionOp op) {
        KVCacheType cache = op.getCache().getType();
        auto query = cast<ShapedType>(op.getQuery().getType());
        int64_t group = query.getDimSize(1) / cache.getHeads();
        // Half of the positions of a full cache.
        return group * cache.getCapacity() / 2 *
               (cache.getKeyDim() + cache.getValueDim());
      })
      .Case([](KVAppendOp op) {
        KVCacheType cache = op.getCache().getType();
        return cache.getHeads() * (cache.getKeyDim() + cache.getValueDim());
      })
      .Case([](RouteOp op) {
        auto logits = cast<ShapedType>(op.getLogits().getType());
        return logits.getDimSize(1) * (costOfMath + int64_t(op.getTopK()));
      })
      .Case([](memref::CopyOp op) {
        auto type = cast<MemRefType>(op.getTarget().getType());
        std::optional<unsigned> dim = getUnitDimension(op);
        return extentsProduct(type) / (dim ? known(type.getDimSize(*dim)) : 1);
      })
      .Case([](linalg::LinalgOp op) { return linalgCost(op); })
      .Default(grainOperations);
}

int64_t moe::getKernelGrain(Operation *op) {
  return std::max<int64_t>(1, grainOperations /
                                  std::max<int64_t>(1, unitCost(op)));
}
