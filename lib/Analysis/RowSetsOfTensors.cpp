// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows through linalg operations, slices and loops over experts or pairs.
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "moe/Analysis/RowSets.h"

using namespace mlir;
using namespace mlir::moe;

//===----------------------------------------------------------------------===//
// linalg
//===----------------------------------------------------------------------===//

/// The loop that steps over the rows of an operand, if its rows are one.
static std::optional<unsigned> getRowLoop(linalg::LinalgOp op,
                                          OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (map.getNumResults() == 0)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(map.getResult(0));
  if (!dim)
    return std::nullopt;
  return dim.getPosition();
}

void RowSetAnalysis::visitLinalg(linalg::LinalgOp op) {
  std::optional<RowFact> rows;
  std::optional<unsigned> rowLoop;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()) ||
        !op.payloadUsesValueFromOperand(&operand))
      continue;
    RowFact fact = getFact(operand.get());
    if (fact.kind == RowFact::Uninitialised)
      return fail(op, "expected operands that are written; number " +
                          Twine(operand.getOperandNumber()) + " is not");
    if (fact.kind != RowFact::Pairs)
      continue;
    std::optional<unsigned> loop = getRowLoop(op, operand);
    if (loop &&
        op.getIteratorTypesArray()[*loop] == utils::IteratorType::reduction) {
      escape(op, operand.get(), "sums up rows of pairs");
      return;
    }
    if (!loop || (rowLoop && loop != rowLoop))
      return fail(op, "expected each row to be computed from the same row of "
                      "its operands");
    if (rows && !rows->space.matches(fact.space))
      return fail(op, "expected rows in one order");
    if (rows)
      fact.written = fact.written.intersect(rows->written);
    if (rows && !fact.space.ids)
      fact.space = rows->space;
    rows = fact;
    rowLoop = loop;
  }
  WalkResult lookups = op->walk([&](tensor::ExtractOp extract) {
    if (getFact(extract.getTensor()).kind == RowFact::Pairs) {
      escape(op, extract.getTensor(), "looks rows of pairs up");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (!rows || lookups.wasInterrupted())
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    if (isa<RankedTensorType>(operand.get().getType()) &&
        op.isDpsInit(&operand) && getRowLoop(op, operand) != rowLoop)
      return fail(op, "expected one row of the result for each row of pairs");
  }
  setPairs(op->getResults(), rows->space, rows->written);
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// `value` + 1 is `next`.
static bool isNext(OpFoldResult value, OpFoldResult next) {
  std::optional<int64_t> a = getConstantIntValue(value),
                         b = getConstantIntValue(next);
  if (a && b)
    return *b == *a + 1;
  auto number = dyn_cast<Value>(value);
  auto nextNumber = dyn_cast<Value>(next);
  auto add = nextNumber ? nextNumber.getDefiningOp<arith::AddIOp>() : nullptr;
  return add && number && add.getLhs() == number &&
         matchPattern(add.getRhs(), m_One());
}

/// The i in `offsets[i]`, and whose offsets they are.
static OpFoldResult getOffsetIndex(Value value, Value &offsets) {
  auto cast = value ? value.getDefiningOp<arith::IndexCastOp>() : nullptr;
  auto extract =
      cast ? cast.getIn().getDefiningOp<tensor::ExtractOp>() : nullptr;
  if (!extract || extract.getIndices().size() != 1)
    return {};
  offsets = extract.getTensor();
  return getAsOpFoldResult(extract.getIndices().front());
}

namespace {
/// Rows [offsets[expert], offsets[expert + 1]), or the one row `row`.
struct Interval {
  Value offsets;
  OpFoldResult expert;
  OpFoldResult row;
};
} // namespace

static std::optional<Interval> getInterval(OpFoldResult begin,
                                           OpFoldResult size) {
  Interval interval;
  if (isConstantIntValue(size, 1)) {
    interval.row = begin;
    return interval;
  }
  auto first = dyn_cast<Value>(begin);
  auto count = dyn_cast<Value>(size);
  if (!first || !count)
    return std::nullopt;
  interval.expert = getOffsetIndex(first, interval.offsets);
  if (!interval.expert)
    return std::nullopt;
  // min(end - begin, bound): the bound is for planning memory.
  if (auto min = count.getDefiningOp<arith::MinSIOp>())
    count = min.getLhs().getDefiningOp<arith::SubIOp>() ? min.getLhs()
                                                        : min.getRhs();
  auto difference = count.getDefiningOp<arith::SubIOp>();
  Value offsets;
  if (!difference || difference.getRhs() != first ||
      !isNext(interval.expert, getOffsetIndex(difference.getLhs(), offsets)) ||
      offsets != interval.offsets)
    return std::nullopt;
  return interval;
}

/// Whether a slice takes or sets whole rows, all columns of them.
template <typename SliceOp>
static bool hasWholeRows(SliceOp op, RankedTensorType whole) {
  if (!llvm::all_of(op.getMixedStrides(),
                    [](OpFoldResult s) { return isConstantIntValue(s, 1); }))
    return false;
  for (int64_t dim = 1; dim < whole.getRank(); ++dim)
    if (!isConstantIntValue(op.getMixedOffsets()[dim], 0) ||
        getConstantIntValue(op.getMixedSizes()[dim]) != whole.getDimSize(dim))
      return false;
  return true;
}

/// Whether `size` is the extent of dimension 0 of `tensor`.
static bool isNumRows(OpFoldResult size, Value tensor) {
  // A result is as large as what it is written to.
  while (auto result = dyn_cast<OpResult>(tensor)) {
    auto extent = dyn_cast<Value>(size);
    auto dim = extent ? extent.getDefiningOp<tensor::DimOp>() : nullptr;
    if (dim && dim.getSource() == tensor)
      return true;
    auto op = dyn_cast<DestinationStyleOpInterface>(result.getOwner());
    if (!op)
      break;
    tensor = op.getTiedOpOperand(result)->get();
  }
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(0))
    return getConstantIntValue(size) == type.getDimSize(0);
  auto value = dyn_cast<Value>(size);
  if (!value)
    return false;
  if (auto dim = value.getDefiningOp<tensor::DimOp>())
    if (dim.getSource() == tensor && dim.getConstantIndex() == 0)
      return true;
  auto empty = tensor.getDefiningOp<tensor::EmptyOp>();
  return empty && empty.getDynamicSizes().front() == value;
}

void RowSetAnalysis::visitSlice(tensor::ExtractSliceOp op) {
  RowFact source = getFact(op.getSource());
  if (source.kind != RowFact::Pairs)
    return;
  OpFoldResult begin = op.getMixedOffsets()[0], size = op.getMixedSizes()[0];
  if (isConstantIntValue(begin, 0) && isNumRows(size, op.getSource()) &&
      isConstantIntValue(op.getMixedStrides()[0], 1)) {
    facts[op.getResult()] = source;
    return;
  }
  std::optional<Interval> interval = getInterval(begin, size);
  bool isSorted = static_cast<bool>(source.space.sort);
  if (!interval || !hasWholeRows(op, op.getSourceType()) ||
      isSorted != static_cast<bool>(interval->offsets) ||
      (isSorted && getSort(interval->offsets, 0) != source.space.sort))
    escape(op, op.getSource(), "takes some rows of pairs");
}

void RowSetAnalysis::visitInsert(tensor::InsertSliceOp op) {
  RowFact into = getFact(op.getDest());
  std::optional<Interval> interval =
      getInterval(op.getMixedOffsets()[0], op.getMixedSizes()[0]);
  bool isFresh = into.kind == RowFact::Uninitialised;
  if (into.kind == RowFact::Plain)
    return; // not made of rows of pairs
  if (!interval || !hasWholeRows(op, op.getDestType())) {
    if (into.kind == RowFact::Pairs)
      escape(op, op.getDest(), "replaces some rows of pairs");
    return;
  }
  if (getFact(op.getSource()).kind == RowFact::Uninitialised)
    return fail(op, "expected rows that are written; none is");

  // One step: from [0, offsets[e]) to [0, offsets[e + 1]).
  auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
  OpFoldResult step = interval->offsets ? interval->expert : interval->row;
  if (std::optional<int64_t> expert = getConstantIntValue(step);
      expert && interval->offsets) {
    SortTokensOp sort = getSort(interval->offsets, 0);
    bool follows = isFresh ? *expert == 0
                           : into.space.sort == sort &&
                                 into.written == RowSet::upToExpert(*expert);
    if (!sort || !follows)
      return fail(op, "expected each expert's rows to be written once, in "
                      "order");
    sorts.insert(sort);
    int64_t next = *expert + 1, experts = sort.getExperts();
    bool isComplete = next == experts && !sort.getPartial();
    return setPairs(op->getResults(), {sort, nullptr},
                    isComplete ? RowSet::all() : RowSet::upToExpert(next));
  }

  // All steps of a loop.
  auto carried = dyn_cast<BlockArgument>(op.getDest());
  if (!loop || !carried || carried.getOwner() != loop.getBody() || !isFresh ||
      dyn_cast<Value>(step) != loop.getInductionVar() ||
      getConstantIntValue(getAsOpFoldResult(loop.getLowerBound())) != 0 ||
      getConstantIntValue(getAsOpFoldResult(loop.getStep())) != 1)
    return fail(op, "expected a loop that writes the rows of every expert, or "
                    "of every pair, once");
  unsigned index = carried.getArgNumber() - 1;
  if (loop.getYieldedValues()[index] != op.getResult())
    return fail(op, "expected what the loop has written to be kept");
  OpFoldResult end = getAsOpFoldResult(loop.getUpperBound());
  if (!interval->offsets) {
    if (!isNumRows(end, loop.getInitArgs()[index]))
      return fail(op, "expected a loop over all pairs");
    checkBlock(op, loop, nullptr);
    return setPairs(op->getResults(), {}, RowSet::all());
  }
  SortTokensOp sort = getSort(interval->offsets, 0);
  if (!sort)
    return fail(op, "expected offsets of a moe.sort_tokens");
  if (getConstantIntValue(end) != int64_t(sort.getExperts()))
    return fail(op, "expected a loop over all experts");
  sorts.insert(sort);
  checkBlock(op, loop, loop.getInductionVar());
  setPairs(op->getResults(), {sort, nullptr},
           getComputedRows({sort, nullptr}, sort.getExperts(), false));
}

/// What the block of one step is computed from: the same rows, and the weights
/// of their expert. For a loop over pairs `expert` is null.
void RowSetAnalysis::checkBlock(tensor::InsertSliceOp op, scf::ForOp loop,
                                Value expert) {
  BackwardSliceOptions options;
  options.omitUsesFromAbove = false;
  options.inclusive = true;
  options.filter = [&](Operation *other) {
    return loop->isProperAncestor(other);
  };
  SetVector<Operation *> slice;
  if (!op.getSource().getDefiningOp() ||
      mlir::failed(getBackwardSlice(op.getSource(), &slice, options)))
    return;
  for (Operation *part : slice) {
    auto read = dyn_cast<tensor::ExtractSliceOp>(part);
    if (!read ||
        loop->isProperAncestor(
            read.getSource().getParentBlock()->getParentOp()) ||
        read.getSource().getParentBlock() == loop.getBody())
      continue;
    OpFoldResult begin = read.getMixedOffsets()[0];
    if (getFact(read.getSource()).kind == RowFact::Pairs) {
      if (begin != op.getMixedOffsets()[0] ||
          read.getMixedSizes()[0] != op.getMixedSizes()[0])
        fail(op, "expected rows to be written where they were read");
      continue;
    }
    if (expert && read.getType().getRank() < read.getSourceType().getRank() &&
        dyn_cast<Value>(begin) != expert)
      fail(read, "expected the weights of the expert whose rows they meet");
  }
}

//===----------------------------------------------------------------------===//
// Control flow and the rest
//===----------------------------------------------------------------------===//

void RowSetAnalysis::visitLoop(scf::ForOp op) {
  for (auto [argument, init] :
       llvm::zip_equal(op.getRegionIterArgs(), op.getInitArgs()))
    facts[argument] = getFact(init);
  visit(*op.getBody());
  for (auto [result, yielded, init] : llvm::zip_equal(
           op.getResults(), op.getYieldedValues(), op.getInitArgs())) {
    RowFact after = getFact(yielded), before = getFact(init);
    // A loop that may not run leaves what was there.
    bool isSame = after.kind == before.kind && after.written == before.written;
    bool isMade =
        before.kind == RowFact::Uninitialised && after.kind == RowFact::Pairs;
    if (!isSame && !isMade && after.kind == RowFact::Pairs)
      fail(op, "expected rows that every step leaves in one order");
    facts[result] = after;
  }
}

void RowSetAnalysis::visitRegions(Operation *op) {
  for (Region &region : op->getRegions())
    for (Block &block : region)
      visit(block);
  auto branch = dyn_cast<scf::IfOp>(op);
  if (!branch || op->getNumResults() == 0)
    return;
  for (auto [result, a, b] :
       llvm::zip_equal(op->getResults(), branch.thenYield().getOperands(),
                       branch.elseYield().getOperands())) {
    RowFact fact = getFact(a), other = getFact(b);
    if (fact.kind != other.kind || !fact.space.matches(other.space)) {
      if (fact.kind == RowFact::Pairs || other.kind == RowFact::Pairs)
        fail(op, "expected rows in one order from both branches");
      continue;
    }
    fact.written = fact.written.intersect(other.written);
    facts[result] = fact;
  }
}

void RowSetAnalysis::visitOther(Operation *op) {
  if (op->getNumRegions() > 0)
    visitRegions(op);
  auto pairs = llvm::find_if(op->getOperands(), [&](Value operand) {
    return getFact(operand).kind == RowFact::Pairs;
  });
  if (isa<tensor::CastOp>(op)) {
    facts[op->getResult(0)] = getFact(op->getOperand(0));
    return;
  }
  if (pairs == op->getOperands().end() || isa<tensor::DimOp, scf::YieldOp>(op))
    return;
  auto keepsRows = [](ArrayRef<ReassociationIndices> groups) {
    return groups.front().size() == 1;
  };
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
      expand && keepsRows(expand.getReassociationIndices())) {
    facts[expand.getResult()] = getFact(expand.getSrc());
    return;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
      collapse && keepsRows(collapse.getReassociationIndices())) {
    facts[collapse.getResult()] = getFact(collapse.getSrc());
    return;
  }
  if (op->hasTrait<OpTrait::ReturnLike>() &&
      getFact(*pairs).written == RowSet::all()) {
    if (SortTokensOp sort = getFact(*pairs).space.sort)
      combinedSorts.insert(sort);
    return;
  }
  escape(op, *pairs, "uses rows of pairs");
}
