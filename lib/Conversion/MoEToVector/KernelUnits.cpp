// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Conversion/MoEToVector/KernelUnits.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/Conversion/MoEToVector/Lowering.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

/// Scalar operations that outweigh handing a range to another thread.
static constexpr int64_t grainOperations = 20000;

/// What an unknown extent counts for, and one exponential or the like.
static constexpr int64_t assumedExtent = 16, costOfMath = 16;

/// One step of a sort: a quotient, a remainder, an increment in memory.
static constexpr int64_t costOfPair = 10;

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

bool moe::isRowLoop(Operation *op) {
  auto loop = dyn_cast<scf::ForallOp>(op);
  return loop && loop.getMapping() && loop.getMapping()->size() == 1 &&
         isa<RowsAttr>(*loop.getMapping()->begin());
}

bool moe::isWorkOp(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp, RouteOp, SortTokensOp,
             CountPairsOp, ScanCountsOp, PlacePairsOp, GroupedMatmulOp,
             PackedMatmulOp, GatherRowsOp, ExpertRowsOp, CombineRowsOp,
             AttentionOp, KVAppendOp>(op) ||
         isRowLoop(op);
}

bool moe::isKernelOp(Operation *op) {
  if (!isWorkOp(op) || isRowLoop(op))
    return false;
  if (auto product = dyn_cast<GroupedMatmulOp>(op);
      product && !product.getPanel())
    return false;
  return llvm::none_of(op->getOperandTypes(), llvm::IsaPred<TensorType>);
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
        auto weights = cast<ShapedType>(op.getWeights().front().getType());
        int64_t panels = getPanels(weights, /*grouped=*/true);
        // Rows are pairs, or tokens that are combined.
        if (op.getIds())
          return product(b, loc, extent(b, loc, op.getOuts()[0], 0), panels);
        return constant(
            b, loc, op.getCombine() ? panels : weights.getDimSize(0) * panels);
      })
      .Case([&](AttentionOp op) {
        return product(b, loc, extent(b, loc, op.getQuery(), 0),
                       op.getCache().getType().getHeads());
      })
      .Case([&](KVAppendOp op) { return extent(b, loc, op.getKeys(), 0); })
      .Case([&](RouteOp op) {
        return op.needsAllTokens() ? constant(b, loc, 1)
                                   : extent(b, loc, op.getLogits(), 0);
      })
      .Case<GatherRowsOp, ExpertRowsOp, CombineRowsOp>([&](auto op) {
        Value out = op.getOuts()[0];
        int64_t blocks = getColumnBlocks(cast<ShapedType>(out.getType()));
        return product(b, loc, extent(b, loc, out, 0), blocks);
      })
      .Case([&](CountPairsOp op) { return extent(b, loc, op.getOuts()[0], 0); })
      .Case([&](PlacePairsOp op) { return extent(b, loc, op.getStarts(), 0); })
      .Case([&](memref::CopyOp op) {
        std::optional<unsigned> dim = getUnitDimension(op);
        return dim ? extent(b, loc, op.getTarget(), *dim) : constant(b, loc, 1);
      })
      .Case([&](scf::ForallOp op) {
        return getValueOrCreateConstantIndexOp(b, loc,
                                               op.getMixedUpperBound().front());
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

/// Elements of one block of columns.
static int64_t rowCost(Value out) {
  auto rows = cast<ShapedType>(out.getType());
  return known(rows.getDimSize(1)) / getColumnBlocks(rows);
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

static int64_t unitCost(Operation *op);

/// Scalar operations of one row of a loop over rows: those of all units of what
/// is in it.
static int64_t rowCost(scf::ForallOp loop) {
  int64_t cost = 0;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (!isKernelOp(&op))
      continue;
    int64_t units = 1;
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      if (std::optional<unsigned> unitLoop = getUnitLoop(linalgOp))
        units = known(linalgOp.getStaticLoopRanges()[*unitLoop]);
    cost += units * unitCost(&op);
  }
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
        int64_t rows = op.getWeights().size();
        if (op.getCombine())
          rows *= op.getIds() ? *op.getNumSlots() : known(input.getDimSize(0));
        return panelCost(input, *op.getPanel(), rows);
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
        int64_t cost =
            op.getNumColumns() * (costOfMath + int64_t(op.getTopK()));
        auto input = cast<ShapedType>(op.getLogits().getType());
        return op.getGate() ? cost + op.getNumColumns() * input.getDimSize(1)
                            : cost;
      })
      .Case<GatherRowsOp, ExpertRowsOp>(
          [](auto op) { return rowCost(op.getOuts()[0]); })
      .Case([](CombineRowsOp op) {
        auto weights = cast<ShapedType>(op.getWeights().getType());
        return rowCost(op.getOuts()[0]) * weights.getDimSize(1);
      })
      .Case<CountPairsOp, PlacePairsOp>(
          [](auto op) { return costOfPair * int64_t(op.getChunk()); })
      .Case([](memref::CopyOp op) {
        auto type = cast<MemRefType>(op.getTarget().getType());
        std::optional<unsigned> dim = getUnitDimension(op);
        return extentsProduct(type) / (dim ? known(type.getDimSize(*dim)) : 1);
      })
      .Case([](scf::ForallOp op) { return rowCost(op); })
      .Case([](linalg::LinalgOp op) { return linalgCost(op); })
      .Default(grainOperations);
}

/// Tokens that should share the panels of a route's gate.
static constexpr int64_t gateTokens = 8;

int64_t moe::getKernelGrain(Operation *op) {
  auto route = dyn_cast<RouteOp>(op);
  if (route && route.getGate())
    return gateTokens;
  return std::max<int64_t>(1, grainOperations /
                                  std::max<int64_t>(1, unitCost(op)));
}
