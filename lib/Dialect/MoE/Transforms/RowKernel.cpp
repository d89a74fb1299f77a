// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowKernel.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::moe;
using linalg::LinalgOp;

using Rows = llvm::SmallSetVector<Value, 4>;

/// Whether the destination's value plays no part.
static bool isOverwritten(LinalgOp op, OpOperand &init) {
  return op.getMatchingBlockArgument(&init).use_empty();
}

/// Whether a tensor is rows of a known width.
static bool isRowsType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 &&
         llvm::none_of(tensor.getShape().drop_front(), ShapedType::isDynamic);
}

/// Whether `index` is the number of the row, in the body of `op`.
static bool isRowNumber(Value index, unsigned rowDim, Value tensor) {
  if (auto number = index.getDefiningOp<linalg::IndexOp>())
    return number.getDim() == rowDim;
  return getConstantIntValue(index) == 0 &&
         cast<ShapedType>(tensor.getType()).getDimSize(0) == 1;
}

/// Adds tensors that the body reads at the number of the row to `rows`, and
/// others to `whole`.
static std::string findRowsInBody(LinalgOp op, unsigned rowDim, Rows &rows,
                                  Rows &whole) {
  for (Operation &inner : *op.getBlock()) {
    if (inner.getNumRegions() != 0)
      return "its body has a region";
    auto extract = dyn_cast<tensor::ExtractOp>(inner);
    if (extract && !extract.getIndices().empty() &&
        isRowNumber(extract.getIndices().front(), rowDim,
                    extract.getTensor())) {
      rows.insert(extract.getTensor());
      for (Value index : extract.getIndices().drop_front())
        if (auto number = index.getDefiningOp<linalg::IndexOp>();
            number && number.getDim() == rowDim)
          return "it mixes rows";
      continue;
    }
    for (Value operand : inner.getOperands()) {
      auto number = operand.getDefiningOp<linalg::IndexOp>();
      if (number && number.getDim() == rowDim)
        return "it depends on the number of the row";
      if (isa<TensorType>(operand.getType()))
        whole.insert(operand);
    }
  }
  return "";
}

static std::string findRows(LinalgOp op, Rows &rows) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() == 0)
    return "it is not on tensors";
  if (linalg::isaContractionOpInterface(op) ||
      isa<linalg::FillOp>(op.getOperation()))
    return "it is no work on rows";
  std::optional<unsigned> rowDim;
  // What is read otherwise than the row alone.
  Rows whole;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    if (map.getNumResults() == 0)
      return "its result is not one row for each row";
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(0));
    if (!dim || (rowDim && *rowDim != dim.getPosition()) ||
        op.getIteratorTypesArray()[dim.getPosition()] !=
            utils::IteratorType::parallel)
      return "its result is not one row for each row";
    rowDim = dim.getPosition();
    bool isZeroed = init.get().getDefiningOp<linalg::FillOp>();
    if (!isZeroed && !isOverwritten(op, init))
      rows.insert(init.get());
  }
  for (OpOperand *input : op.getDpsInputOperands()) {
    ArrayRef<AffineExpr> results =
        op.getMatchingIndexingMap(input).getResults();
    bool byRow = !results.empty() &&
                 results.front() == getAffineDimExpr(*rowDim, op.getContext());
    for (AffineExpr result : results.drop_front(byRow))
      if (result.isFunctionOfDim(*rowDim))
        return "it mixes rows";
    (byRow ? rows : whole).insert(input->get());
  }
  std::string reason = findRowsInBody(op, *rowDim, rows, whole);
  if (reason.empty() &&
      llvm::any_of(whole, [&](Value value) { return rows.contains(value); }))
    return "it mixes rows";
  return reason;
}

/// The rows that `op` reads; a reason where it is not known to work on each row
/// for itself.
static std::string findRows(Operation *op, Rows &rows) {
  std::string reason;
  if (auto linalgOp = dyn_cast<LinalgOp>(op)) {
    reason = findRows(linalgOp, rows);
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    rows.insert(expand.getSrc());
    if (expand.getReassociationIndices().front().size() != 1)
      reason = "it mixes rows";
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    rows.insert(collapse.getSrc());
    if (collapse.getReassociationIndices().empty() ||
        collapse.getReassociationIndices().front().size() != 1)
      reason = "it mixes rows";
  } else if (auto append = dyn_cast<KVAppendOp>(op)) {
    rows.insert_range(append->getOperands().drop_front());
  } else {
    reason = "it is no work on rows";
  }
  auto isRows = [](Value value) { return isRowsType(value.getType()); };
  if (reason.empty() &&
      (!llvm::all_of(rows, isRows) || !llvm::all_of(op->getResults(), isRows)))
    reason = "its rows have no static width";
  return reason;
}

RowKernel::RowKernel(Operation *root) : root(root) {
  Rows rows;
  reason = findRows(root, rows);
  if (reason.empty())
    members[root] = rows;
}

bool RowKernel::isReadByRow(OpOperand &use) const {
  // What a body reads, its operation reads.
  Operation *member = root->getBlock()->findAncestorOpInBlock(*use.getOwner());
  auto it = members.find(member);
  if (it == members.end())
    return false;
  // Destinations that are overwritten are no reads.
  auto op = dyn_cast<LinalgOp>(member);
  return it->second.contains(use.get()) ||
         (op && use.getOwner() == member && op.isDpsInit(&use));
}

void RowKernel::takeProducers() {
  auto isByRow = [&](OpOperand &use) { return isReadByRow(use); };
  // What two members read joins after both of them.
  for (size_t before = 0; before != members.size();) {
    before = members.size();
    SetVector<Operation *> producers;
    for (auto &[member, rows] : members)
      for (Value value : rows)
        if (Operation *producer = value.getDefiningOp())
          producers.insert(producer);
    for (Operation *producer : producers) {
      Rows rows;
      if (!contains(producer) && producer->getBlock() == root->getBlock() &&
          llvm::all_of(producer->getUses(), isByRow) &&
          findRows(producer, rows).empty())
        members[producer] = rows;
    }
  }
}

std::string RowKernel::takeShared(LinalgOp op) {
  Rows rows;
  if (std::string why = findRows(op, rows); !why.empty())
    return why;
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getDpsInitsMutable(),
                    [&](OpOperand &init) { return isOverwritten(op, init); }))
    return "it is not elementwise";
  if (op->getBlock() != root->getBlock())
    return "it is in another block";
  for (OpOperand &use : op->getUses()) {
    Operation *user = root->getBlock()->findAncestorOpInBlock(*use.getOwner());
    if (!isReadByRow(use) && (user == root || user->isBeforeInBlock(root)))
      return "something before the norm reads it";
  }
  members[op] = rows;
  return "";
}

bool RowKernel::isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

SmallVector<Operation *> RowKernel::getMembers() const {
  return llvm::map_to_vector(members,
                             [](const auto &member) { return member.first; });
}

int64_t RowKernel::getNumWorking() const {
  return llvm::count_if(
      members, [](const auto &member) { return !isView(member.first); });
}

bool RowKernel::hasReduction() const {
  return llvm::any_of(members, [](const auto &member) {
    auto op = dyn_cast<LinalgOp>(member.first);
    return op && op.getNumReductionLoops() > 0;
  });
}

Value RowKernel::lookThroughViews(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isView(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

namespace {
/// Puts the members' copies for one row into a loop's body.
class RowWriter {
public:
  RowWriter(OpBuilder &b, Value row) : b(b), row(row) {}

  void write(Operation *op, const Rows &rows,
             const DenseMap<Value, Value> &outOf);
  /// The one row of `value`.
  Value getRow(Value value);

private:
  Value createInit(LinalgOp op, OpOperand &init,
                   const DenseMap<Value, Value> &outOf);
  Operation *copy(LinalgOp op, const Rows &rows,
                  const DenseMap<Value, Value> &outOf);

  OpBuilder &b;
  Value row;
  DenseMap<Value, Value> rowOf;
};
} // namespace

static RankedTensorType getRowType(Type type) {
  auto rows = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(rows.getShape());
  shape.front() = 1;
  return RankedTensorType::get(shape, rows.getElementType());
}

/// The slice of one row: offsets, sizes, strides.
static std::array<SmallVector<OpFoldResult>, 3>
getRowSlice(OpBuilder &b, RankedTensorType rowType, Value row) {
  SmallVector<OpFoldResult> offsets(rowType.getRank(), b.getIndexAttr(0)),
      strides(rowType.getRank(), b.getIndexAttr(1));
  offsets.front() = row;
  return {offsets, getAsIndexOpFoldResult(b.getContext(), rowType.getShape()),
          strides};
}

Value RowWriter::getRow(Value value) {
  Value &known = rowOf[value];
  if (known)
    return known;
  RankedTensorType type = getRowType(value.getType());
  auto [offsets, sizes, strides] = getRowSlice(b, type, row);
  Value slice = tensor::ExtractSliceOp::create(b, value.getLoc(), type, value,
                                               offsets, sizes, strides);
  return rowOf[value] = slice;
}

/// A destination of its own: rows of the loop's result where the value leaves
/// it.
Value RowWriter::createInit(LinalgOp op, OpOperand &init,
                            const DenseMap<Value, Value> &outOf) {
  Location loc = op.getLoc();
  auto type = getRowType(init.get().getType());
  Value empty = outOf.lookup(op.getTiedOpResult(&init));
  if (empty) {
    auto [offsets, sizes, strides] = getRowSlice(b, type, row);
    empty = tensor::ExtractSliceOp::create(b, loc, type, empty, offsets, sizes,
                                           strides);
  } else {
    empty =
        tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  }
  auto fill = init.get().getDefiningOp<linalg::FillOp>();
  if (!fill || isOverwritten(op, init))
    return empty;
  return linalg::FillOp::create(b, loc, fill.value(), empty).getResult(0);
}

Operation *RowWriter::copy(LinalgOp op, const Rows &rows,
                           const DenseMap<Value, Value> &outOf) {
  SmallVector<Value> operands;
  SmallVector<Type> types;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    bool isInit = op.isDpsInit(&operand);
    if (isInit &&
        (value.getDefiningOp<linalg::FillOp>() || isOverwritten(op, operand)))
      operands.push_back(createInit(op, operand, outOf));
    else
      operands.push_back(rows.contains(value) ? getRow(value) : value);
    if (isInit)
      types.push_back(operands.back().getType());
  }
  Operation *made = clone(b, op, types, operands);
  made->walk([&](tensor::ExtractOp extract) {
    if (rows.contains(extract.getTensor())) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(made);
      extract.getTensorMutable().assign(getRow(extract.getTensor()));
    }
  });
  return made;
}

void RowWriter::write(Operation *op, const Rows &rows,
                      const DenseMap<Value, Value> &outOf) {
  Operation *made;
  if (auto linalgOp = dyn_cast<LinalgOp>(op)) {
    made = copy(linalgOp, rows, outOf);
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    made = tensor::ExpandShapeOp::create(
        b, op->getLoc(), getRowType(expand.getType()), getRow(expand.getSrc()),
        expand.getReassociationIndices());
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    made = tensor::CollapseShapeOp::create(
        b, op->getLoc(), getRowType(collapse.getType()),
        getRow(collapse.getSrc()), collapse.getReassociationIndices());
  } else {
    IRMapping mapping;
    for (Value value : rows)
      mapping.map(value, getRow(value));
    made = b.clone(*op, mapping);
  }
  for (auto [from, to] : llvm::zip_equal(op->getResults(), made->getResults()))
    rowOf[from] = to;
}

/// The number of rows that `op` makes or reads.
static OpFoldResult getNumRows(OpBuilder &b, Operation *op, const Rows &rows) {
  for (Value value : rows)
    return tensor::getMixedSize(b, op->getLoc(), value, 0);
  Value init = cast<LinalgOp>(op).getDpsInits().front();
  return tensor::getMixedSize(b, op->getLoc(), init, 0);
}

scf::ForallOp RowKernel::create(RewriterBase &rewriter) const {
  SmallVector<Operation *> order = getMembers();
  llvm::sort(order,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  SmallVector<Value> results;
  SmallVector<Location> locations;
  for (Operation *op : order) {
    locations.push_back(op->getLoc());
    for (Value result : op->getResults())
      if (!llvm::all_of(result.getUsers(), [&](Operation *user) {
            return contains(root->getBlock()->findAncestorOpInBlock(*user));
          }))
        results.push_back(result);
  }

  rewriter.setInsertionPoint(root);
  Location loc = rewriter.getFusedLoc(locations);
  OpFoldResult numRows =
      getNumRows(rewriter, order.front(), members.lookup(order.front()));
  SmallVector<Value> outs;
  for (Value result : results) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, numRows));
    outs.push_back(tensor::EmptyOp::create(rewriter, loc, type, sizes));
  }
  auto mapping = rewriter.getArrayAttr(RowsAttr::get(rewriter.getContext()));
  auto loop = scf::ForallOp::create(
      rewriter, loc, ArrayRef<OpFoldResult>{numRows}, outs, mapping);
  DenseMap<Value, Value> outOf;
  for (auto [result, out] : llvm::zip_equal(results, loop.getRegionIterArgs()))
    outOf[result] = out;

  rewriter.setInsertionPoint(loop.getTerminator());
  Value row = loop.getInductionVars().front();
  RowWriter writer(rewriter, row);
  for (Operation *op : order)
    writer.write(op, members.lookup(op), outOf);
  for (auto [result, out] :
       llvm::zip_equal(results, loop.getRegionIterArgs())) {
    rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
    auto [offsets, sizes, strides] =
        getRowSlice(rewriter, getRowType(result.getType()), row);
    tensor::ParallelInsertSliceOp::create(rewriter, loc, writer.getRow(result),
                                          out, offsets, sizes, strides);
  }
  rewriter.replaceAllUsesWith(results, loop.getResults());
  for (Operation *op : llvm::reverse(order))
    rewriter.eraseOp(op);
  return loop;
}
