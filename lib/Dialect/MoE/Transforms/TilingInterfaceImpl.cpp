// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops of a tiled, or of an operation on rows, are, if its rows can be
// split, tokens, and columns: one by one, or panel by panel of packed weights.
// Rows sorted by expert cannot be split, as offsets count them from the first,
// and a sort's order and inverse speak of all of them.
#include "moe/Dialect/MoE/Transforms/TilingInterfaceImpl.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::moe;

using Extents = SmallVector<OpFoldResult>;

static OpFoldResult scale(OpBuilder &b, Location loc, OpFoldResult value,
                          int64_t factor) {
  return affine::makeComposedFoldedAffineApply(
      b, loc, b.getAffineDimExpr(0) * factor, {value});
}

/// Whether [offset, offset + size) is all of dimension `dim` of `tensor`.
static bool isWhole(OpFoldResult offset, OpFoldResult size, Value tensor,
                    int64_t dim) {
  if (!isConstantIntValue(offset, 0))
    return false;
  FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
      size, ValueBoundsConstraintSet::Variable(tensor, dim));
  return succeeded(equal) && *equal;
}

namespace {
/// How the loops run over one dimension of an operand.
struct Axis {
  enum Kind {
    Whole,   ///< every tile needs all of it
    Rows,    ///< `step` elements for each step of the row loop
    Columns, ///< one for each column
    Panels,  ///< one for each panel of columns
  };
  Kind kind = Whole;
  int64_t step = 1;
};

struct TiledOperand {
  OpOperand *operand;
  SmallVector<Axis> axes;

  Value get() const { return operand->get(); }
};

/// An operation as tiling sees it.
struct TiledOp {
  /// Operands of which a tile needs a part, outs last.
  SmallVector<TiledOperand> operands;
  PanelLayoutAttr panel;

  /// Axes beyond those given are whole.
  void add(OpOperand &operand, ArrayRef<Axis> axes) {
    auto type = cast<ShapedType>(operand.get().getType());
    TiledOperand tiled{&operand, SmallVector<Axis>(axes)};
    tiled.axes.resize(type.getRank());
    operands.push_back(tiled);
  }
  void add(MutableOperandRange range, ArrayRef<Axis> axes) {
    for (OpOperand &operand : range)
      add(operand, axes);
  }

  const TiledOperand &out() const { return operands.back(); }

  /// An operand and its dimension that the axis of this kind counts one by one.
  std::pair<Value, int64_t> findExtent(Axis::Kind kind) const {
    for (const TiledOperand &operand : operands)
      for (auto [dim, axis] : llvm::enumerate(operand.axes))
        if (axis.kind == kind && axis.step == 1)
          return {operand.get(), dim};
    llvm_unreachable("no operand has the axis");
  }

  Axis::Kind getColumnKind() const {
    return panel ? Axis::Panels : Axis::Columns;
  }
};
} // namespace

/// Whether rows can be split, so that there is a row loop.
static bool hasRowLoop(PackedMatmulOp) { return true; }
static bool hasRowLoop(GroupedMatmulOp op) { return bool(op.getIds()); }
static bool hasRowLoop(GatherRowsOp op) { return !op.getOrder(); }
static bool hasRowLoop(ExpertRowsOp op) { return bool(op.getIds()); }
static bool hasRowLoop(CombineRowsOp op) { return !op.getInverse(); }

/// How tokens, and the rows of their `slots` pairs, run with the row loop.
template <typename OpTy>
static std::pair<Axis, Axis> getTokensAndRows(OpTy op, int64_t slots) {
  if (!hasRowLoop(op))
    return {};
  return {{Axis::Rows}, {Axis::Rows, slots}};
}

static FailureOr<TiledOp> describe(PackedMatmulOp op) {
  TiledOp tiled;
  tiled.panel = op.getPanelAttr();
  tiled.add(op.getInputMutable(), {{Axis::Rows}});
  tiled.add(op.getWeightsMutable(), {{Axis::Panels}});
  tiled.add(op.getOutsMutable(), {{Axis::Rows}, {Axis::Columns}});
  return tiled;
}

/// The axes of an operand of the epilogue.
static FailureOr<SmallVector<Axis>> describe(GroupedMatmulOp op, AffineMap map,
                                             Axis rows, Axis tokens) {
  SmallVector<Axis> axes;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim && !isa<AffineConstantExpr>(expr))
      return op.emitOpError("cannot be tiled with map ")
             << AffineMapAttr::get(map);
    unsigned position = dim ? dim.getPosition() : GroupedMatmulOp::NumMapDims;
    axes.push_back(position == GroupedMatmulOp::Row      ? rows
                   : position == GroupedMatmulOp::Token  ? tokens
                   : position == GroupedMatmulOp::Column ? Axis{Axis::Columns}
                                                         : Axis{});
  }
  return axes;
}

static FailureOr<TiledOp> describe(GroupedMatmulOp op) {
  TiledOp tiled;
  tiled.panel = op.getPanelAttr();
  Axis columns{Axis::Columns};
  auto [tokens, rows] = getTokensAndRows(op, op.getNumSlots().value_or(1));
  tiled.add(op.getIdsMutable(), {tokens});
  tiled.add(op.getInputMutable(), {op.getBroadcast() ? tokens : rows});
  tiled.add(op.getWeightsMutable(), {{}, {tiled.getColumnKind()}});
  for (auto [extra, map] :
       llvm::zip_equal(op.getExtrasMutable(), op.getEpilogueMaps())) {
    FailureOr<SmallVector<Axis>> axes = describe(op, map, rows, tokens);
    if (failed(axes))
      return failure();
    tiled.add(extra, *axes);
  }
  tiled.add(op.getCombineMutable(), {tokens});
  tiled.add(op.getSkippedMutable(), {tokens, columns});
  tiled.add(op.getInitMutable(), {tokens, columns});
  tiled.add(op.getOutsMutable(), {op.getCombine() ? tokens : rows, columns});
  return tiled;
}

static FailureOr<TiledOp> describe(GatherRowsOp op) {
  TiledOp tiled;
  Axis columns{Axis::Columns};
  auto [tokens, rows] = getTokensAndRows(op, op.getTopK());
  tiled.add(op.getInputMutable(), {tokens, columns});
  tiled.add(op.getScaleMutable(), {tokens});
  tiled.add(op.getOutsMutable(), {rows, columns});
  return tiled;
}

static FailureOr<TiledOp> describe(ExpertRowsOp op) {
  TiledOp tiled;
  Axis columns{Axis::Columns};
  // Without ids there is no row loop.
  int64_t slots =
      op.getIds() ? cast<ShapedType>(op.getIds().getType()).getDimSize(1) : 1;
  auto [tokens, rows] = getTokensAndRows(op, slots);
  tiled.add(op.getVectorsMutable(), {{}, columns});
  tiled.add(op.getIdsMutable(), {tokens});
  tiled.add(op.getOutsMutable(), {rows, columns});
  return tiled;
}

static FailureOr<TiledOp> describe(CombineRowsOp op) {
  TiledOp tiled;
  Axis columns{Axis::Columns};
  auto weights = cast<ShapedType>(op.getWeights().getType());
  auto [tokens, rows] = getTokensAndRows(op, weights.getDimSize(1));
  tiled.add(op.getRowsMutable(), {rows, columns});
  tiled.add(op.getWeightsMutable(), {tokens});
  tiled.add(op.getIdsMutable(), {tokens});
  tiled.add(op.getSkippedMutable(), {tokens, columns});
  tiled.add(op.getInitMutable(), {tokens, columns});
  tiled.add(op.getOutsMutable(), {tokens, columns});
  return tiled;
}

namespace {
template <typename OpTy>
struct RowTiling : TilingInterface::ExternalModel<RowTiling<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    return SmallVector<utils::IteratorType>(hasRowLoop(cast<OpTy>(op)) ? 2 : 1,
                                            utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &b) const {
    FailureOr<TiledOp> tiled = describe(cast<OpTy>(op));
    if (failed(tiled))
      return {};
    return getDomain(cast<OpTy>(op), *tiled, b);
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    FailureOr<TiledOp> tiled = describe(cast<OpTy>(op));
    if (failed(tiled))
      return failure();
    FailureOr<Columns> columns =
        getColumns(op, *tiled, b, offsets.back(), sizes.back());
    if (failed(columns))
      return failure();
    Location loc = op->getLoc();
    TilingResult result;
    SmallVector<Value> operands(op->getOperands());
    for (const TiledOperand &operand : tiled->operands) {
      if (llvm::all_of(operand.axes,
                       [](Axis axis) { return axis.kind == Axis::Whole; }))
        continue;
      Extents starts, extents, strides(operand.axes.size(), b.getIndexAttr(1));
      for (auto [dim, axis] : llvm::enumerate(operand.axes))
        addExtent(b, loc, operand.get(), dim, axis, *columns, offsets, sizes,
                  starts, extents);
      auto slice = tensor::ExtractSliceOp::create(b, loc, operand.get(), starts,
                                                  extents, strides);
      operands[operand.operand->getOperandNumber()] = slice;
      result.generatedSlices.push_back(slice);
    }
    SmallVector<Type> types;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      types.push_back(operands[init.getOperandNumber()].getType());
    Operation *clone = cloneWithoutRegions(b, op, types, operands);
    for (auto [from, to] :
         llvm::zip_equal(op->getRegions(), clone->getRegions())) {
      IRMapping mapping;
      from.cloneInto(&to, mapping);
    }
    result.tiledOps.push_back(clone);
    llvm::append_range(result.tiledValues, clone->getResults());
    return result;
  }

  LogicalResult getResultTilePosition(Operation *op, OpBuilder &b, unsigned,
                                      ArrayRef<OpFoldResult> offsets,
                                      ArrayRef<OpFoldResult> sizes,
                                      Extents &outOffsets,
                                      Extents &outSizes) const {
    FailureOr<TiledOp> tiled = describe(cast<OpTy>(op));
    if (failed(tiled))
      return failure();
    FailureOr<Columns> columns =
        getColumns(op, *tiled, b, offsets.back(), sizes.back());
    if (failed(columns))
      return failure();
    for (auto [dim, axis] : llvm::enumerate(tiled->out().axes))
      addExtent(b, op->getLoc(), tiled->out().get(), dim, axis, *columns,
                offsets, sizes, outOffsets, outSizes);
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &b, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &loopOffsets,
      SmallVectorImpl<OpFoldResult> &loopSizes) const {
    FailureOr<TiledOp> tiled = describe(cast<OpTy>(op));
    if (failed(tiled))
      return failure();
    SmallVector<Range> domain = getDomain(cast<OpTy>(op), *tiled, b);
    auto addLoop = [&](bool oneByOne, unsigned dim, const Range *loop) {
      if (loop && oneByOne) {
        loopOffsets.push_back(offsets[dim]);
        loopSizes.push_back(sizes[dim]);
        return success();
      }
      if (!isWhole(offsets[dim], sizes[dim], tiled->out().get(), dim))
        return failure();
      if (loop) {
        loopOffsets.push_back(loop->offset);
        loopSizes.push_back(loop->size);
      }
      return success();
    };
    if (failed(addLoop(tiled->out().axes[0].step == 1, 0,
                       hasRowLoop(cast<OpTy>(op)) ? &domain.front() : nullptr)))
      return failure();
    return addLoop(!tiled->panel, 1, &domain.back());
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &b, unsigned resultNumber,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    Extents loopOffsets, loopSizes;
    if (failed(getIterationDomainTileFromResultTile(
            op, b, resultNumber, offsets, sizes, loopOffsets, loopSizes)))
      return failure();
    FailureOr<TilingResult> tiled =
        getTiledImplementation(op, b, loopOffsets, loopSizes);
    if (succeeded(tiled))
      tiled->tiledValues = {tiled->tiledValues[resultNumber]};
    return tiled;
  }

private:
  /// The columns of a tile.
  struct Columns {
    OpFoldResult offset, size;
  };

  static SmallVector<Range> getDomain(OpTy op, const TiledOp &tiled,
                                      OpBuilder &b) {
    auto range = [&](Axis::Kind kind) {
      auto [value, dim] = tiled.findExtent(kind);
      return Range{b.getIndexAttr(0),
                   tensor::getMixedSize(b, op.getLoc(), value, dim),
                   b.getIndexAttr(1)};
    };
    SmallVector<Range> domain;
    if (hasRowLoop(op))
      domain.push_back(range(Axis::Rows));
    domain.push_back(range(tiled.getColumnKind()));
    return domain;
  }

  /// The columns of `size` steps of the column loop from `offset` on.
  static FailureOr<Columns> getColumns(Operation *op, const TiledOp &tiled,
                                       OpBuilder &b, OpFoldResult offset,
                                       OpFoldResult size) {
    if (op->getNumResults() == 0)
      return op->emitOpError("is tiled in value form only");
    if (!tiled.panel)
      return Columns{offset, size};
    // The shape of packed weights does not say how many columns are in the last
    // panel, so all tiles must have the same number.
    int64_t width = tiled.panel.getWidth();
    int64_t count = cast<ShapedType>(tiled.out().get().getType()).getDimSize(1);
    int64_t panels = llvm::divideCeil(count, width);
    std::optional<int64_t> tile = getConstantIntValue(size);
    bool whole = tile == panels;
    if (!tile || (!whole && (count % width || panels % *tile)))
      return op->emitOpError(
                 "expected tiles of equally many whole panels; has ")
             << count << " columns in panels of " << width;
    return Columns{scale(b, op->getLoc(), offset, width),
                   b.getIndexAttr(whole ? count : *tile * width)};
  }

  /// The part of one dimension of an operand that a tile needs.
  static void addExtent(OpBuilder &b, Location loc, Value operand, int64_t dim,
                        Axis axis, const Columns &columns,
                        ArrayRef<OpFoldResult> loopOffsets,
                        ArrayRef<OpFoldResult> loopSizes, Extents &offsets,
                        Extents &sizes) {
    switch (axis.kind) {
    case Axis::Whole:
      offsets.push_back(b.getIndexAttr(0));
      sizes.push_back(tensor::getMixedSize(b, loc, operand, dim));
      return;
    case Axis::Rows:
      offsets.push_back(scale(b, loc, loopOffsets.front(), axis.step));
      sizes.push_back(scale(b, loc, loopSizes.front(), axis.step));
      return;
    case Axis::Columns:
      offsets.push_back(columns.offset);
      sizes.push_back(columns.size);
      return;
    case Axis::Panels:
      offsets.push_back(loopOffsets.back());
      sizes.push_back(loopSizes.back());
      return;
    }
  }
};
} // namespace

void moe::registerTilingInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MoEDialect *) {
    GroupedMatmulOp::attachInterface<RowTiling<GroupedMatmulOp>>(*context);
    PackedMatmulOp::attachInterface<RowTiling<PackedMatmulOp>>(*context);
    GatherRowsOp::attachInterface<RowTiling<GatherRowsOp>>(*context);
    ExpertRowsOp::attachInterface<RowTiling<ExpertRowsOp>>(*context);
    CombineRowsOp::attachInterface<RowTiling<CombineRowsOp>>(*context);
    context->loadDialect<affine::AffineDialect, tensor::TensorDialect>();
  });
}
