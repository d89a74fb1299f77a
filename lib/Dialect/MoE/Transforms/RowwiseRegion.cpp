// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowwiseRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::moe;

RowwiseRegion::RowwiseRegion(ExpertOp op) : expert(op) {
  Block &body = expert.getBody().front();
  for (BlockArgument argument : body.getArguments())
    kinds[argument] = argument.getArgNumber() ? Kind::Weight : Kind::Rows;
  for (Operation &operation : body.without_terminator()) {
    std::optional<Kind> kind = classify(&operation);
    if (!kind) {
      mismatch = &operation;
      return;
    }
    for (Value result : operation.getResults())
      kinds[result] = *kind;
  }
  if (kindOf(body.getTerminator()->getOperand(0)) != Kind::Rows) {
    mismatch = body.getTerminator();
    reason = "what is yielded does not depend on the rows";
  }
}

std::nullopt_t RowwiseRegion::fail(const Twine &why) {
  reason = why.str();
  return std::nullopt;
}

RowwiseRegion::Kind RowwiseRegion::kindOf(Value value) const {
  auto it = kinds.find(value);
  return it == kinds.end() ? Kind::Uniform : it->second;
}

bool RowwiseRegion::isWeightProduct(Operation *op) const {
  return isa<linalg::MatmulOp>(op) && kindOf(op->getOperand(1)) == Kind::Weight;
}

std::optional<RowwiseRegion::Kind> RowwiseRegion::classify(Operation *op) {
  if (isWeightProduct(op))
    return classifyProduct(cast<linalg::MatmulOp>(op));
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return classifyEmpty(empty);
  if (auto dim = dyn_cast<tensor::DimOp>(op);
      dim && kindOf(dim.getSource()) == Kind::Rows) {
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index)
      return fail("the dimension is not a constant");
    return *index == 0 ? Kind::RowCount : Kind::Uniform;
  }
  if (!isMemoryEffectFree(op))
    return fail("it may have side effects");
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return classifyLinalg(linalgOp);
  if (op->getNumRegions() != 0)
    return fail("it has a region");
  for (Value operand : op->getOperands())
    if (kindOf(operand) != Kind::Uniform)
      return fail("it is not known to work on each row for itself");
  return Kind::Uniform;
}

std::optional<RowwiseRegion::Kind>
RowwiseRegion::classifyProduct(linalg::MatmulOp op) {
  if (!isa<linalg::MatmulTransposeBOp>(op.getOperation()))
    return fail("the product is not rows times transposed weights");
  Value rows = op.getInputs()[0], init = op.getOutputs()[0];
  if (kindOf(rows) != Kind::Rows || !getElementTypeOrSelf(rows).isF32() ||
      !getElementTypeOrSelf(init).isF32())
    return fail("the product is not one of f32 rows");
  auto fill = init.getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.value(), m_PosZeroFloat()))
    return fail("the product does not start from zeros");
  return Kind::Rows;
}

std::optional<RowwiseRegion::Kind>
RowwiseRegion::classifyEmpty(tensor::EmptyOp op) {
  ValueRange sizes = op.getDynamicSizes();
  bool rows = !sizes.empty() && op.getType().getRank() > 0 &&
              op.getType().isDynamicDim(0) &&
              kindOf(sizes.front()) == Kind::RowCount;
  for (Value size : sizes.drop_front(rows))
    if (kindOf(size) != Kind::Uniform)
      return fail("the number of rows is not its leading extent");
  return rows ? Kind::Rows : Kind::Uniform;
}

std::optional<RowwiseRegion::Kind>
RowwiseRegion::classifyLinalg(linalg::LinalgOp op) {
  bool anyRows = false;
  for (Value operand : op->getOperands()) {
    Kind kind = kindOf(operand);
    if (kind == Kind::Weight)
      return fail("it uses an expert's weight in another way than in a product "
                  "with rows");
    if (kind == Kind::RowCount)
      return fail("it computes with the number of rows");
    anyRows |= kind == Kind::Rows;
  }
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : captured)
    if (kindOf(value) != Kind::Uniform)
      return fail("its body reads values of the expert's region");
  if (!anyRows)
    return Kind::Uniform;

  for (Value init : op.getDpsInits())
    if (kindOf(init) != Kind::Rows)
      return fail("its result is not one row for each row");
  AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto row = dyn_cast_if_present<AffineDimExpr>(
      resultMap.getNumResults() == 0 ? AffineExpr() : resultMap.getResult(0));
  if (!row)
    return fail("its result is not one row for each row");
  unsigned dim = row.getPosition();
  if (op.getIteratorTypesArray()[dim] != utils::IteratorType::parallel)
    return fail("it reduces over rows");
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<AffineExpr> results =
        op.getMatchingIndexingMap(&operand).getResults();
    bool rows = kindOf(operand.get()) == Kind::Rows;
    if (rows && (results.empty() || results.front() != row))
      return fail("it mixes rows");
    for (AffineExpr result : results.drop_front(rows))
      if (result.isFunctionOfDim(dim))
        return fail("it mixes rows");
  }
  WalkResult usesRowNumber = op->walk([&](linalg::IndexOp index) {
    return index.getDim() == dim ? WalkResult::interrupt()
                                 : WalkResult::advance();
  });
  if (usesRowNumber.wasInterrupted())
    return fail("it depends on the number of the row");
  return Kind::Rows;
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

Value RowwiseRegion::inlineBefore(OpBuilder &b, const RowOrder &order,
                                  Value rows) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(expert);
  Block &body = expert.getBody().front();
  BlockArgument block = body.getArgument(0);
  IRMapping mapping;
  if (rows) {
    int64_t width = cast<ShapedType>(block.getType()).getDimSize(1);
    mapping.map(block,
                castTo(b, expert.getLoc(), rows, order.getRowsType(width)));
  }
  // Token rows are copied out only for an operation that cannot read them where
  // they are.
  auto lookup = [&](Value value) {
    if (value == block && !mapping.contains(block))
      mapping.map(block, order.gather(b, value.getLoc()));
    return mapping.lookupOrDefault(value);
  };
  auto inlineProduct = [&](Operation &op) -> Value {
    auto weight = cast<BlockArgument>(op.getOperand(1));
    bool broadcast = op.getOperand(0) == block && !mapping.contains(block);
    Value input = broadcast ? order.tokens : lookup(op.getOperand(0));
    int64_t width = cast<ShapedType>(weight.getType()).getDimSize(0);
    return GroupedMatmulOp::create(
               b, op.getLoc(), order.getRowsType(width), input,
               expert.getWeights()[weight.getArgNumber() - 1], order.offsets,
               order.ids, ValueRange(), PanelLayoutAttr(), broadcast)
        .getResult(0);
  };
  auto inlineEmpty = [&](tensor::EmptyOp empty) -> Value {
    SmallVector<OpFoldResult> sizes = empty.getMixedSizes();
    sizes.front() = order.numRows;
    for (OpFoldResult &size : MutableArrayRef(sizes).drop_front())
      if (auto value = dyn_cast<Value>(size))
        size = lookup(value);
    return tensor::EmptyOp::create(b, empty.getLoc(), sizes,
                                   empty.getType().getElementType());
  };

  for (Operation &op : body.without_terminator()) {
    Kind kind = op.getNumResults() ? kindOf(op.getResult(0)) : Kind::Uniform;
    if (isWeightProduct(&op)) {
      mapping.map(op.getResult(0), inlineProduct(op));
    } else if (kind == Kind::RowCount) {
      mapping.map(op.getResult(0), getValueOrCreateConstantIndexOp(
                                       b, op.getLoc(), order.numRows));
    } else if (isa<tensor::EmptyOp>(op) && kind == Kind::Rows) {
      mapping.map(op.getResult(0), inlineEmpty(cast<tensor::EmptyOp>(op)));
    } else {
      SmallVector<Value> operands =
          llvm::map_to_vector(op.getOperands(), lookup);
      SmallVector<Type> types(op.getResultTypes());
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
        types = llvm::map_to_vector(linalgOp.getDpsInits(), [&](Value init) {
          return lookup(init).getType();
        });
      Operation *copy = cloneWithoutRegions(b, &op, types, operands);
      for (auto [from, to] :
           llvm::zip_equal(op.getRegions(), copy->getRegions()))
        from.cloneInto(&to, mapping);
      mapping.map(op.getResults(), copy->getResults());
    }
  }
  return lookup(body.getTerminator()->getOperand(0));
}
