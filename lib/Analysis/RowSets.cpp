// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpretation of moe operations; slices, loops and linalg are in
// RowSetsOfTensors.cpp.
#include "moe/Analysis/RowSets.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

RowSetAnalysis::RowSetAnalysis(FunctionOpInterface function, Report report,
                               Report lose, Report doubt)
    : report(std::move(report)), lose(std::move(lose)),
      doubt(std::move(doubt)) {
  for (Block &block : function.getFunctionBody())
    visit(block);
  if (failed)
    return;
  for (Operation *sort : sorts)
    if (!combinedSorts.contains(sort))
      fail(sort, "expected the rows in this order to be combined; they are "
                 "lost");
}

void RowSetAnalysis::fail(Operation *op, const Twine &message) {
  failed = true;
  report(op, message);
}

void RowSetAnalysis::escape(Operation *op, Value rows, const Twine &message) {
  lose(op, message);
  SortTokensOp sort = getFact(rows).space.sort;
  if (sort && combinedSorts.insert(sort))
    ++numLost;
}

void RowSetAnalysis::visit(Block &block) {
  for (Operation &op : block)
    visitOperation(&op);
}

void RowSetAnalysis::visitOperation(Operation *op) {
  TypeSwitch<Operation *>(op)
      .Case([&](GatherRowsOp op) { visitGather(op); })
      .Case([&](ExpertRowsOp op) { visitExpertRows(op); })
      .Case([&](GroupedMatmulOp op) { visitProduct(op); })
      .Case([&](CombineRowsOp op) { visitCombine(op); })
      .Case([&](tensor::EmptyOp op) {
        // Without elements there is nothing to be written.
        if (!llvm::is_contained(op.getType().getShape(), 0))
          facts[op.getResult()].kind = RowFact::Uninitialised;
      })
      .Case([&](tensor::ExtractSliceOp op) { visitSlice(op); })
      .Case([&](tensor::InsertSliceOp op) { visitInsert(op); })
      .Case([&](scf::ForOp op) { visitLoop(op); })
      .Case([&](linalg::LinalgOp op) { visitLinalg(op); })
      .Default([&](Operation *op) { visitOther(op); });
}

static Value skipCasts(Value value) {
  while (auto cast = value ? value.getDefiningOp<tensor::CastOp>() : nullptr)
    value = cast.getSource();
  return value;
}

/// Ids without what does not change the order of pairs.
static Value getPairs(Value ids) {
  while (Operation *op = ids.getDefiningOp()) {
    if (!isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
            op))
      break;
    ids = op->getOperand(0);
  }
  return ids;
}

/// Whether two sorts give one order.
static bool isSameOrder(SortTokensOp a, SortTokensOp b) {
  return a == b || (getPairs(a.getIds()) == getPairs(b.getIds()) &&
                    a.getExperts() == b.getExperts() &&
                    a.getPartial() == b.getPartial() &&
                    a.getBlockAttr() == b.getBlockAttr());
}

bool RowSpace::matches(const RowSpace &other) const {
  return sort == other.sort && (!ids || !other.ids || ids == other.ids);
}

SortTokensOp RowSetAnalysis::getSort(Value value, unsigned index) {
  auto result = dyn_cast_if_present<OpResult>(skipCasts(value));
  if (!result || result.getResultNumber() != index)
    return nullptr;
  auto sort = dyn_cast<SortTokensOp>(result.getOwner());
  if (!sort)
    return nullptr;
  auto first = llvm::find_if(
      orders, [&](SortTokensOp other) { return isSameOrder(sort, other); });
  if (first != orders.end())
    return *first;
  orders.push_back(sort);
  return sort;
}

std::optional<RowSpace> RowSetAnalysis::getSpace(Operation *op, Value offsets,
                                                 Value ids) {
  if (!offsets)
    return RowSpace{nullptr, ids};
  if (SortTokensOp sort = getSort(offsets, 0))
    return RowSpace{sort, nullptr};
  fail(op, "expected offsets of a moe.sort_tokens");
  return std::nullopt;
}

RowSet RowSetAnalysis::getComputedRows(RowSpace space, int64_t experts,
                                       bool partial) {
  bool skips = space.sort ? space.sort.getPartial() : partial;
  return skips ? RowSet::upToExpert(experts) : RowSet::all();
}

void RowSetAnalysis::setPairs(ValueRange values, const RowSpace &space,
                              RowSet written) {
  for (Value value : values)
    facts[value] = {RowFact::Pairs, space, written};
}

void RowSetAnalysis::visitGather(GatherRowsOp op) {
  RowSpace space;
  if (op.getOrder()) {
    space.sort = getSort(op.getOrder(), 1);
    if (!space.sort)
      return fail(op, "expected the order of a moe.sort_tokens");
    sorts.insert(space.sort);
  }
  if (getFact(op.getInput()).kind == RowFact::Pairs)
    fail(op, "expected token rows, got rows of pairs");
  setPairs(op.getResults(), space, RowSet::all());
}

void RowSetAnalysis::visitExpertRows(ExpertRowsOp op) {
  std::optional<RowSpace> space = getSpace(op, op.getOffsets(), op.getIds());
  if (!space)
    return;
  int64_t experts = cast<ShapedType>(op.getVectors().getType()).getDimSize(0);
  setPairs(op.getResults(), *space,
           getComputedRows(*space, experts, op.getPartial()));
}

void RowSetAnalysis::visitProduct(GroupedMatmulOp op) {
  std::optional<RowSpace> space = getSpace(op, op.getOffsets(), op.getIds());
  if (!space)
    return;
  RowSet computed =
      getComputedRows(*space, op.getNumExperts(), op.getPartial());
  if (space->sort) {
    sorts.insert(space->sort);
    if (space->sort.getPartial() && !op.getPartial())
      fail(op, "expected 'partial', since pairs of the moe.sort_tokens may be "
               "skipped");
    if (op.getOrder() && getSort(op.getOrder(), 1) != space->sort)
      fail(op, "expected order and offsets of one moe.sort_tokens");
  }

  RowFact input = getFact(op.getInput());
  if (op.getBroadcast()) {
    if (input.kind == RowFact::Pairs)
      fail(op, "expected token rows to broadcast, got rows of pairs");
  } else if (input.kind == RowFact::Pairs) {
    if (!input.space.matches(*space))
      fail(op, "expected rows in the order of its offsets or ids");
    else if (!input.written.contains(computed))
      fail(op, "expected input rows that are written; some are not");
  }
  if (input.kind == RowFact::Uninitialised)
    fail(op, "expected input rows that are written; none is");

  for (auto [extra, map] :
       llvm::zip_equal(op.getExtras(), op.getEpilogueMaps())) {
    RowFact fact = getFact(extra);
    if (fact.kind == RowFact::Uninitialised)
      fail(op, "expected operands of the epilogue that are written");
    if (fact.kind != RowFact::Pairs)
      continue;
    if (map.getResult(0) !=
        getAffineDimExpr(GroupedMatmulOp::Row, op.getContext()))
      fail(op, "expected rows of pairs to be read by row in the epilogue");
    else if (!fact.space.matches(*space))
      fail(op, "expected rows of the epilogue in the order of its offsets or "
               "ids");
    else if (!fact.written.contains(computed))
      fail(op, "expected rows of the epilogue that are written; some are not");
  }

  if (!op.getCombine())
    return setPairs(op.getResults(), *space, computed);
  Value ids = op.getPartial() ? op.getIds() : Value();
  Value offsets = op.getPartial() ? op.getOffsets() : Value();
  checkCombination(op,
                   {Value(), op.getCombine(), op.getInverse(), offsets, ids,
                    op.getInit(), op.getSkipped()},
                   {RowFact::Pairs, *space, computed});
}

void RowSetAnalysis::visitCombine(CombineRowsOp op) {
  checkCombination(op,
                   {op.getRows(), op.getWeights(), op.getInverse(),
                    op.getOffsets(), op.getIds(), op.getInit(),
                    op.getSkipped()},
                   getFact(op.getRows()));
}

/// The routing that `value` came from, looking through casts.
static RouteOp getRoute(Value value) {
  value = skipCasts(value);
  return value ? value.getDefiningOp<RouteOp>() : nullptr;
}

/// Whether `sum`, or what it started from, has the rows of a combination.
static bool isInSum(Value sum, const RowSetAnalysis::Combination &combination) {
  while (auto before =
             sum ? skipCasts(sum).getDefiningOp<CombineRowsOp>() : nullptr) {
    if (before.getRows() == combination.rows &&
        before.getWeights() == combination.weights)
      return true;
    sum = before.getInit();
  }
  return false;
}

void RowSetAnalysis::checkCombination(Operation *op,
                                      const Combination &combination,
                                      const RowFact &rows) {
  if (rows.kind == RowFact::Uninitialised)
    return fail(op, "expected rows that are written; none is");
  for (Value start : {combination.init, combination.skipped})
    if (start && getFact(start).kind == RowFact::Uninitialised)
      return fail(op, "expected init and skipped rows that are written");
  if (rows.kind == RowFact::Plain) {
    if (SortTokensOp sort = getSort(combination.inverse, 2))
      combinedSorts.insert(sort);
    return;
  }
  SortTokensOp sort = rows.space.sort;
  if (sort && getSort(combination.inverse, 2) != sort)
    return fail(op, "expected the inverse of the order that the rows are in");
  if (!sort && combination.inverse)
    return fail(op, "expected sorted rows for an inverse, got rows in "
                    "token-slot order");
  if (combination.offsets && getSort(combination.offsets, 0) != sort)
    return fail(op, "expected the offsets of the order that the rows are in");
  if (!rows.space.matches({sort, combination.ids}))
    return fail(op, "expected the ids that the rows were computed with");
  bool readsAll = !combination.offsets && !combination.ids;
  if (readsAll && !rows.written.contains(RowSet::all()))
    return fail(op, "expected all rows to be written; those of skipped pairs "
                    "are not");

  Value ids = sort ? sort.getIds() : rows.space.ids;
  RouteOp idsFrom = getRoute(ids), weightsFrom = getRoute(combination.weights);
  if (idsFrom && weightsFrom && idsFrom != weightsFrom)
    return fail(op, "expected weights and ids of one moe.route");
  if (combination.rows && isInSum(combination.init, combination))
    doubt(op, "adds rows that init has already");
  if (sort)
    combinedSorts.insert(sort);
}
