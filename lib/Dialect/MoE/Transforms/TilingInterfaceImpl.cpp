// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops of a product are, if its rows can be split, tokens, and columns:
// one by one, or panel by panel of packed weights. Rows sorted by expert cannot
// be split, as offsets count them from the first.
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

/// A product as tiling sees it.
struct Product {
  /// Operands of which a tile needs a part, outs last.
  SmallVector<TiledOperand> operands;
  bool hasRows = false; ///< whether there is a row loop
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

static FailureOr<Product> describe(PackedMatmulOp op) {
  Product product;
  product.hasRows = true;
  product.panel = op.getPanelAttr();
  product.add(op.getInputMutable(), {{Axis::Rows}});
  product.add(op.getWeightsMutable(), {{Axis::Panels}});
  product.add(op.getOutsMutable(), {{Axis::Rows}, {Axis::Columns}});
  return product;
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

static FailureOr<Product> describe(GroupedMatmulOp op) {
  Product product;
  product.hasRows = static_cast<bool>(op.getIds());
  product.panel = op.getPanelAttr();
  Axis tokens, rows, columns{Axis::Columns};
  if (product.hasRows) {
    tokens = {Axis::Rows};
    rows = {Axis::Rows, *op.getNumSlots()};
  }
  product.add(op.getIdsMutable(), {tokens});
  product.add(op.getInputMutable(), {op.getBroadcast() ? tokens : rows});
  product.add(op.getWeightsMutable(), {{}, {product.getColumnKind()}});
  for (auto [extra, map] :
       llvm::zip_equal(op.getExtrasMutable(), op.getEpilogueMaps())) {
    FailureOr<SmallVector<Axis>> axes = describe(op, map, rows, tokens);
    if (failed(axes))
      return failure();
    product.add(extra, *axes);
  }
  product.add(op.getCombineMutable(), {tokens});
  product.add(op.getSkippedMutable(), {tokens, columns});
  product.add(op.getInitMutable(), {tokens, columns});
  product.add(op.getOutsMutable(), {op.getCombine() ? tokens : rows, columns});
  return product;
}

namespace {
template <typename OpTy>
struct ProductTiling
    : TilingInterface::ExternalModel<ProductTiling<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    // Which loops there are does not depend on what may fail.
    bool hasRows = true;
    if (auto grouped = dyn_cast<GroupedMatmulOp>(op))
      hasRows = static_cast<bool>(grouped.getIds());
    return SmallVector<utils::IteratorType>(hasRows ? 2 : 1,
                                            utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &b) const {
    FailureOr<Product> product = describe(cast<OpTy>(op));
    if (failed(product))
      return {};
    return getDomain(*product, op->getLoc(), b);
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    FailureOr<Product> product = describe(cast<OpTy>(op));
    if (failed(product))
      return failure();
    FailureOr<Columns> columns =
        getColumns(op, *product, b, offsets.back(), sizes.back());
    if (failed(columns))
      return failure();
    Location loc = op->getLoc();
    TilingResult result;
    SmallVector<Value> operands(op->getOperands());
    for (const TiledOperand &tiled : product->operands) {
      if (llvm::all_of(tiled.axes,
                       [](Axis axis) { return axis.kind == Axis::Whole; }))
        continue;
      Extents starts, extents, strides(tiled.axes.size(), b.getIndexAttr(1));
      for (auto [dim, axis] : llvm::enumerate(tiled.axes))
        addExtent(b, loc, tiled.get(), dim, axis, *columns, offsets, sizes,
                  starts, extents);
      auto slice = tensor::ExtractSliceOp::create(b, loc, tiled.get(), starts,
                                                  extents, strides);
      operands[tiled.operand->getOperandNumber()] = slice;
      result.generatedSlices.push_back(slice);
    }
    SmallVector<Type> types;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      types.push_back(operands[init.getOperandNumber()].getType());
    Operation *tiled = cloneWithoutRegions(b, op, types, operands);
    for (auto [from, to] :
         llvm::zip_equal(op->getRegions(), tiled->getRegions())) {
      IRMapping mapping;
      from.cloneInto(&to, mapping);
    }
    result.tiledOps.push_back(tiled);
    llvm::append_range(result.tiledValues, tiled->getResults());
    return result;
  }

  LogicalResult getResultTilePosition(Operation *op, OpBuilder &b, unsigned,
                                      ArrayRef<OpFoldResult> offsets,
                                      ArrayRef<OpFoldResult> sizes,
                                      Extents &outOffsets,
                                      Extents &outSizes) const {
    FailureOr<Product> product = describe(cast<OpTy>(op));
    if (failed(product))
      return failure();
    FailureOr<Columns> columns =
        getColumns(op, *product, b, offsets.back(), sizes.back());
    if (failed(columns))
      return failure();
    for (auto [dim, axis] : llvm::enumerate(product->out().axes))
      addExtent(b, op->getLoc(), product->out().get(), dim, axis, *columns,
                offsets, sizes, outOffsets, outSizes);
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &b, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &loopOffsets,
      SmallVectorImpl<OpFoldResult> &loopSizes) const {
    FailureOr<Product> product = describe(cast<OpTy>(op));
    if (failed(product))
      return failure();
    SmallVector<Range> domain = getDomain(*product, op->getLoc(), b);
    auto addLoop = [&](bool oneByOne, unsigned dim, const Range *loop) {
      if (loop && oneByOne) {
        loopOffsets.push_back(offsets[dim]);
        loopSizes.push_back(sizes[dim]);
        return success();
      }
      if (!isWhole(offsets[dim], sizes[dim], product->out().get(), dim))
        return failure();
      if (loop) {
        loopOffsets.push_back(loop->offset);
        loopSizes.push_back(loop->size);
      }
      return success();
    };
    if (failed(addLoop(product->out().axes[0].step == 1, 0,
                       product->hasRows ? &domain.front() : nullptr)))
      return failure();
    return addLoop(!product->panel, 1, &domain.back());
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

  static SmallVector<Range> getDomain(const Product &product, Location loc,
                                      OpBuilder &b) {
    auto range = [&](Axis::Kind kind) {
      auto [value, dim] = product.findExtent(kind);
      return Range{b.getIndexAttr(0), tensor::getMixedSize(b, loc, value, dim),
                   b.getIndexAttr(1)};
    };
    SmallVector<Range> domain;
    if (product.hasRows)
      domain.push_back(range(Axis::Rows));
    domain.push_back(range(product.getColumnKind()));
    return domain;
  }

  /// The columns of `size` steps of the column loop from `offset` on.
  static FailureOr<Columns> getColumns(Operation *op, const Product &product,
                                       OpBuilder &b, OpFoldResult offset,
                                       OpFoldResult size) {
    if (op->getNumResults() == 0)
      return op->emitOpError("is tiled in value form only");
    if (!product.panel)
      return Columns{offset, size};
    // The shape of packed weights does not say how many columns are in the last
    // panel, so all tiles must have the same number.
    int64_t width = product.panel.getWidth();
    int64_t count =
        cast<ShapedType>(product.out().get().getType()).getDimSize(1);
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
    GroupedMatmulOp::attachInterface<ProductTiling<GroupedMatmulOp>>(*context);
    PackedMatmulOp::attachInterface<ProductTiling<PackedMatmulOp>>(*context);
    context->loadDialect<affine::AffineDialect, tensor::TensorDialect>();
  });
}
