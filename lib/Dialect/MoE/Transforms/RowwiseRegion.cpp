// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowwiseRegion.h"

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

/// A transpose of a matrix; its input.
static Value getTransposed(Value value) {
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  return transpose && transpose.getPermutation() == ArrayRef<int64_t>{1, 0}
             ? transpose.getInput()
             : Value();
}

std::pair<BlockArgument, bool> RowwiseRegion::getSlice(Value value) {
  bool isTransposed = false;
  while (Value input = getTransposed(value)) {
    isTransposed = !isTransposed;
    value = input;
  }
  return {cast<BlockArgument>(value), isTransposed};
}

std::optional<RowwiseRegion::Kind> RowwiseRegion::classify(Operation *op) {
  if (isWeightProduct(op))
    return classifyProduct(cast<linalg::MatmulOp>(op));
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op);
      transpose && kindOf(transpose.getInput()) == Kind::Weight &&
      getTransposed(op->getResult(0)))
    return Kind::Weight;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && kindOf(slice.getSource()) == Kind::Rows)
    return classifySlice(slice);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
      expand && kindOf(expand.getSrc()) == Kind::Rows)
    return classifyReshape(op, expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
      collapse && kindOf(collapse.getSrc()) == Kind::Rows)
    return classifyReshape(op, collapse.getReassociationIndices());
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
  if (!isa<linalg::MatmulTransposeBOp>(op.getOperation()) &&
      op.hasUserDefinedMaps())
    return fail("the product is not rows times weights");
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
RowwiseRegion::classifySlice(tensor::ExtractSliceOp op) {
  if (op.getType().getRank() != op.getSourceType().getRank())
    return fail("the slice drops dimensions");
  auto isAllRows = [&](OpFoldResult size) {
    auto value = dyn_cast<Value>(size);
    return value && kindOf(value) == Kind::RowCount;
  };
  if (getConstantIntValue(op.getMixedOffsets().front()) != 0 ||
      getConstantIntValue(op.getMixedStrides().front()) != 1 ||
      !isAllRows(op.getMixedSizes().front()))
    return fail("the slice is not one of all rows");
  return Kind::Rows;
}

std::optional<RowwiseRegion::Kind>
RowwiseRegion::classifyReshape(Operation *op,
                               ArrayRef<ReassociationIndices> groups) {
  if (groups.empty() || groups.front().size() != 1)
    return fail("it mixes rows");
  return Kind::Rows;
}

std::optional<RowwiseRegion::Kind>
RowwiseRegion::classifyLinalg(linalg::LinalgOp op) {
  bool anyRows = false, anyVectors = false;
  for (OpOperand &operand : op->getOpOperands()) {
    Kind kind = kindOf(operand.get());
    if (kind == Kind::Weight) {
      auto type = cast<ShapedType>(operand.get().getType());
      if (type.getRank() > 1)
        return fail("it uses an expert's matrix in another way than in a "
                    "product with rows");
      anyVectors = true;
    }
    if (kind == Kind::RowCount)
      return fail("it computes with the number of rows");
    anyRows |= kind == Kind::Rows;
  }
  if (anyVectors && !anyRows)
    return fail("it computes with an expert's vector alone");
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
