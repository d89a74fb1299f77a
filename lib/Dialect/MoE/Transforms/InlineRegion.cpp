// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of a region of one expert, on the rows of all experts.
#include "RowwiseRegion.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mlir::moe;
using Kind = RowwiseRegion::Kind;

namespace {
class Inliner {
public:
  Inliner(OpBuilder &b, ExpertOp expert, const RowwiseRegion &region,
          const RowOrder &order)
      : b(b), expert(expert), region(region), order(order),
        block(expert.getBody().front().getArgument(0)) {}

  Value run(Value rows);

private:
  Value lookup(Value value);
  SmallVector<OpFoldResult> lookup(ArrayRef<OpFoldResult> mixed);
  RankedTensorType getRowsType(Type type);
  Value getWeight(Value slice, bool transpose);
  Value createVectors(Location loc, Value slice);

  void inlineOp(Operation &op);
  Value inlineProduct(linalg::MatmulOp op);
  Value inlineEmpty(tensor::EmptyOp op);
  Value inlineSlice(tensor::ExtractSliceOp op);
  Value inlineExpand(tensor::ExpandShapeOp op);
  Value inlineCollapse(tensor::CollapseShapeOp op);
  void inlineVectors(linalg::LinalgOp op);
  void inlineOther(Operation &op);

  OpBuilder &b;
  ExpertOp expert;
  const RowwiseRegion &region;
  const RowOrder &order;
  BlockArgument block;
  IRMapping mapping;
};
} // namespace

/// Token rows are copied out only for an operation that cannot read them where
/// they are.
Value Inliner::lookup(Value value) {
  if (value == block && !mapping.contains(block))
    mapping.map(block, order.gather(b, value.getLoc()));
  return mapping.lookupOrDefault(value);
}

SmallVector<OpFoldResult> Inliner::lookup(ArrayRef<OpFoldResult> mixed) {
  return llvm::map_to_vector(mixed, [&](OpFoldResult entry) -> OpFoldResult {
    auto value = dyn_cast<Value>(entry);
    if (!value)
      return entry;
    if (region.kindOf(value) == Kind::RowCount)
      return order.numRows;
    return lookup(value);
  });
}

/// The type of a tensor of all rows for one of a block of rows.
RankedTensorType Inliner::getRowsType(Type type) {
  auto blockType = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(blockType.getShape());
  shape.front() =
      getConstantIntValue(order.numRows).value_or(ShapedType::kDynamic);
  return RankedTensorType::get(shape, blockType.getElementType());
}

/// The weight of all experts that a slice is of, each matrix transposed if
/// asked for.
Value Inliner::getWeight(Value slice, bool transpose) {
  auto [argument, isTransposed] = RowwiseRegion::getSlice(slice);
  Value weight = expert.getWeights()[argument.getArgNumber() - 1];
  if (transpose == isTransposed)
    return weight;
  Location loc = slice.getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, weight);
  std::swap(sizes[1], sizes[2]);
  Value empty = tensor::EmptyOp::create(b, loc, sizes,
                                        getElementTypeOrSelf(weight.getType()));
  return linalg::TransposeOp::create(b, loc, weight, empty,
                                     ArrayRef<int64_t>{0, 2, 1})
      ->getResult(0);
}

/// Each row's vector, or scalar, of its expert.
Value Inliner::createVectors(Location loc, Value slice) {
  auto argument = cast<BlockArgument>(slice);
  Value weight = expert.getWeights()[argument.getArgNumber() - 1];
  if (cast<ShapedType>(slice.getType()).getRank() == 1)
    return order.createVectors(b, loc, weight);
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  Value columns = tensor::ExpandShapeOp::create(
      b, loc,
      RankedTensorType::get({type.getDimSize(0), 1}, type.getElementType()),
      weight, groups);
  return tensor::CollapseShapeOp::create(
      b, loc, order.createVectors(b, loc, columns), groups);
}

Value Inliner::inlineProduct(linalg::MatmulOp op) {
  Value input = op.getInputs()[0];
  bool broadcast = input == block && !mapping.contains(block);
  bool isTransposed = isa<linalg::MatmulTransposeBOp>(op.getOperation());
  Value weight = getWeight(op.getInputs()[1], /*transpose=*/!isTransposed);
  OpFoldResult width = tensor::getMixedSize(b, op.getLoc(), weight, 1);
  Value empty = order.createEmpty(b, op.getLoc(), width);
  auto product = GroupedMatmulOp::create(
      b, op.getLoc(), broadcast ? order.tokens : lookup(input), weight,
      order.offsets, order.ids, empty, PanelLayoutAttr(), broadcast);
  product.setPartial(order.partial);
  return product.getResult(0);
}

Value Inliner::inlineEmpty(tensor::EmptyOp op) {
  return tensor::EmptyOp::create(b, op.getLoc(), lookup(op.getMixedSizes()),
                                 op.getType().getElementType());
}

Value Inliner::inlineSlice(tensor::ExtractSliceOp op) {
  // No slice lies within no rows, says the slice's verifier.
  if (getConstantIntValue(order.numRows) == 0)
    return tensor::EmptyOp::create(b, op.getLoc(), lookup(op.getMixedSizes()),
                                   op.getType().getElementType());
  return tensor::ExtractSliceOp::create(
      b, op.getLoc(), lookup(op.getSource()), lookup(op.getMixedOffsets()),
      lookup(op.getMixedSizes()), lookup(op.getMixedStrides()));
}

Value Inliner::inlineExpand(tensor::ExpandShapeOp op) {
  SmallVector<OpFoldResult> shape =
      getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), b);
  shape = lookup(shape);
  shape.front() = order.numRows;
  return tensor::ExpandShapeOp::create(
      b, op.getLoc(), getRowsType(op.getType()), lookup(op.getSrc()),
      op.getReassociationIndices(), shape);
}

Value Inliner::inlineCollapse(tensor::CollapseShapeOp op) {
  return tensor::CollapseShapeOp::create(
      b, op.getLoc(), getRowsType(op.getType()), lookup(op.getSrc()),
      op.getReassociationIndices());
}

/// A linalg operation that reads vectors of the expert, as one that reads
/// their rows.
void Inliner::inlineVectors(linalg::LinalgOp op) {
  AffineExpr row =
      op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResult(0);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    Value value = input->get();
    if (region.kindOf(value) == Kind::Weight) {
      inputs.push_back(createVectors(op.getLoc(), value));
      SmallVector<AffineExpr> results = {row};
      llvm::append_range(results, map.getResults());
      map = AffineMap::get(map.getNumDims(), 0, results, b.getContext());
    } else {
      inputs.push_back(lookup(value));
    }
    maps.push_back(map);
  }
  SmallVector<Value> outputs;
  for (OpOperand &output : op.getDpsInitsMutable()) {
    outputs.push_back(lookup(output.get()));
    maps.push_back(op.getMatchingIndexingMap(&output));
  }
  auto generic = linalg::GenericOp::create(
      b, op.getLoc(), TypeRange(ValueRange(outputs)), inputs, outputs, maps,
      op.getIteratorTypesArray());
  op->getRegion(0).cloneInto(&generic.getRegion(), mapping);
  mapping.map(op->getResults(), generic.getResults());
}

void Inliner::inlineOther(Operation &op) {
  SmallVector<Value> operands = llvm::map_to_vector(
      op.getOperands(), [&](Value value) { return lookup(value); });
  SmallVector<Type> types(op.getResultTypes());
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    types = llvm::map_to_vector(linalgOp.getDpsInits(), [&](Value init) {
      return lookup(init).getType();
    });
  Operation *copy = cloneWithoutRegions(b, &op, types, operands);
  for (auto [from, to] : llvm::zip_equal(op.getRegions(), copy->getRegions()))
    from.cloneInto(&to, mapping);
  mapping.map(op.getResults(), copy->getResults());
}

void Inliner::inlineOp(Operation &op) {
  Kind kind =
      op.getNumResults() ? region.kindOf(op.getResult(0)) : Kind::Uniform;
  auto isWeight = [&](Value value) {
    return region.kindOf(value) == Kind::Weight;
  };
  auto map = [&](Value value) { mapping.map(op.getResult(0), value); };
  if (kind == Kind::Weight)
    return; // What reads a transpose finds the weight itself.
  if (region.isWeightProduct(&op))
    return map(inlineProduct(cast<linalg::MatmulOp>(op)));
  if (kind == Kind::RowCount)
    return map(getValueOrCreateConstantIndexOp(b, op.getLoc(), order.numRows));
  if (kind == Kind::Rows) {
    if (auto empty = dyn_cast<tensor::EmptyOp>(op))
      return map(inlineEmpty(empty));
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return map(inlineSlice(slice));
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      return map(inlineExpand(expand));
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      return map(inlineCollapse(collapse));
    if (llvm::any_of(op.getOperands(), isWeight))
      return inlineVectors(cast<linalg::LinalgOp>(op));
  }
  inlineOther(op);
}

Value Inliner::run(Value rows) {
  if (rows) {
    int64_t width = cast<ShapedType>(block.getType()).getDimSize(1);
    mapping.map(block,
                castTo(b, expert.getLoc(), rows, order.getRowsType(width)));
  }
  Block &body = expert.getBody().front();
  for (Operation &op : body.without_terminator())
    inlineOp(op);
  return lookup(body.getTerminator()->getOperand(0));
}

Value moe::inlineRegion(OpBuilder &b, ExpertOp expert,
                        const RowwiseRegion &region, const RowOrder &order,
                        Value rows) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(expert);
  return Inliner(b, expert, region, order).run(rows);
}
