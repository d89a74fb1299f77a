// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host that cannot see a device's memory can neither branch on what is in it
// nor count with it. What it can do is to issue all the work that there may be,
// and leave it to each piece to look up how much of it there is. Numbers that
// come from data are therefore computed again in each piece of work, from
// memory that nobody writes meanwhile.
#include "BoundBuilder.h"
#include "DataDependence.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"

namespace mlir::moe {
#define GEN_PASS_DEF_SINKCONTROLPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
class ControlSinker {
public:
  explicit ControlSinker(FunctionOpInterface entry)
      : entry(entry), b(entry->getContext()), data(entry) {}

  LogicalResult run();
  unsigned getNumSunk() const { return numSunk; }

private:
  using Conditions = SmallVector<Value>;
  /// What is done if all conditions, the outermost first, hold.
  struct Work {
    Operation *op;
    Conditions conditions;
  };

  bool isData(Value value) const { return data.contains(value); }
  Value bound(Location loc, Value value) {
    return buildBound(b, loc, value, [&](Value v) { return !isData(v); });
  }
  InFlightDiagnostic refuse(Operation *op) {
    return op->emitOpError("of ") << describeLocation(op->getLoc()) << " ";
  }

  /// Makes all data of a block come from computations of the block and those
  /// around it, and finds its work.
  LogicalResult visit(Block &block, const Conditions &conditions);
  LogicalResult visit(Operation *op, const Conditions &conditions);
  LogicalResult visit(memref::AllocOp alloc);
  LogicalResult visit(scf::ForOp loop, const Conditions &conditions);
  LogicalResult visit(scf::IfOp branch, const Conditions &conditions);
  void keepResults(Operation *op, const Conditions &conditions);
  Value createCell(Location loc, Type type);
  Value loadCell(Location loc, Value cell);
  void storeCell(Location loc, Value value, Value cell,
                 const Conditions &conditions);

  void sink(const Work &piece);
  Value remake(Value value, IRMapping &known);
  void eraseComputations();

  FunctionOpInterface entry;
  OpBuilder b;
  DataDependence data;
  SmallVector<Work> work;
  unsigned numSunk = 0;
};
} // namespace

Value ControlSinker::createCell(Location loc, Type type) {
  return memref::AllocOp::create(b, loc, MemRefType::get({1}, type));
}

Value ControlSinker::loadCell(Location loc, Value cell) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value loaded = memref::LoadOp::create(b, loc, cell, zero);
  data.insert(loaded);
  return loaded;
}

void ControlSinker::storeCell(Location loc, Value value, Value cell,
                              const Conditions &conditions) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  work.push_back(
      {memref::StoreOp::create(b, loc, value, cell, zero), conditions});
}

/// Keeps what the operation computes where nobody changes it.
void ControlSinker::keepResults(Operation *op, const Conditions &conditions) {
  Location loc = op->getLoc();
  b.setInsertionPointAfter(op);
  for (Value result : op->getResults()) {
    Value cell = createCell(loc, result.getType());
    storeCell(loc, result, cell, conditions);
    Value kept = loadCell(loc, cell);
    result.replaceAllUsesExcept(kept, work.back().op);
  }
}

LogicalResult ControlSinker::visit(Block &block, const Conditions &conditions) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
    if (failed(visit(&op, conditions)))
      return failure();
  return success();
}

LogicalResult ControlSinker::visit(Operation *op,
                                   const Conditions &conditions) {
  if (isWorkOp(op) || isa<memref::StoreOp>(op) ||
      (isa<cf::AssertOp>(op) && (data.isUsedBy(op) || !conditions.empty()))) {
    work.push_back({op, conditions});
    return success();
  }
  if (isComputation(op)) {
    // Not every thread has to go through a loop again.
    if (data.isUnstable(op) || (op->getNumRegions() > 0 && readsMemory(op)))
      keepResults(op, conditions);
    return success();
  }
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return visit(alloc);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visit(loop, conditions);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return visit(branch, conditions);
  if (data.isUsedBy(op) || !conditions.empty())
    return refuse(op) << "depends on what is in a GPU's memory; expected work, "
                         "scf.for or scf.if";
  return success();
}

/// Takes room for the most that there may be. What uses it sees the size that
/// it has, beginning at the same address.
LogicalResult ControlSinker::visit(memref::AllocOp alloc) {
  if (!isData(alloc))
    return success();
  Location loc = alloc.getLoc();
  b.setInsertionPoint(alloc);
  SmallVector<Value> bounds;
  for (Value size : alloc.getDynamicSizes()) {
    bounds.push_back(bound(loc, size));
    if (!bounds.back())
      return refuse(alloc) << "has a size that comes from data, which nothing "
                              "bounds; expected a minimum with what is known";
  }
  MemRefType type = alloc.getType();
  Value room =
      memref::AllocOp::create(b, loc, type, bounds, alloc.getAlignmentAttr());
  SmallVector<OpFoldResult> sizes = alloc.getMixedSizes();
  Value buffer = memref::ReinterpretCastOp::create(
      b, loc, type, room, b.getIndexAttr(0), sizes,
      memref::computeStridesIRBlock(loc, b, sizes));
  data.erase(alloc);
  for (Operation *made = buffer.getDefiningOp(); made != room.getDefiningOp();
       made = made->getPrevNode())
    if (data.isUsedBy(made))
      data.insert(made->getResults());
  alloc.replaceAllUsesWith(buffer);
  alloc.erase();
  return success();
}

/// A loop goes around as often as it may have to. Numbers that it carries wait
/// in memory.
LogicalResult ControlSinker::visit(scf::ForOp loop,
                                   const Conditions &conditions) {
  Location loc = loop.getLoc();
  if (isData(loop.getLowerBound()) || isData(loop.getStep()))
    return refuse(loop) << "begins at, or steps by, a number that comes from "
                           "data; expected only its end to do so";
  Conditions inner = conditions;
  if (Value end = loop.getUpperBound(); isData(end)) {
    b.setInsertionPoint(loop);
    Value most = bound(loc, end);
    if (!most)
      return refuse(loop) << "goes around as often as data say, which nothing "
                             "bounds; expected a minimum with what is known";
    loop.setUpperBound(most);
    b.setInsertionPointToStart(loop.getBody());
    inner.push_back(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                          loop.getInductionVar(), end));
    data.insert(inner.back());
  }

  SmallVector<std::pair<Value, OpOperand *>> carried;
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    if (!isData(argument))
      continue;
    if (isa<MemRefType>(argument.getType()))
      return refuse(loop) << "carries a buffer that data choose; expected "
                             "numbers";
    b.setInsertionPoint(loop);
    Value cell = createCell(loc, argument.getType());
    OpOperand &init = loop.getInitsMutable()[i];
    storeCell(loc, init.get(), cell, conditions);
    // What is carried is nothing to the host.
    init.set(arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(b.getZeroAttr(argument.getType()))));
    b.setInsertionPointToStart(loop.getBody());
    argument.replaceAllUsesWith(loadCell(loc, cell));
    b.setInsertionPointAfter(loop);
    loop.getResult(i).replaceAllUsesWith(loadCell(loc, cell));
    carried.push_back({cell, &(*loop.getYieldedValuesMutable())[i]});
  }
  if (failed(visit(*loop.getBody(), inner)))
    return failure();

  // None may change before all are known.
  b.setInsertionPoint(loop.getBody()->getTerminator());
  SmallVector<Value> next;
  for (auto [cell, yielded] : carried) {
    next.push_back(createCell(loc, yielded->get().getType()));
    storeCell(loc, yielded->get(), next.back(), inner);
  }
  for (auto [pair, value] : llvm::zip_equal(carried, next)) {
    storeCell(loc, loadCell(loc, value), pair.first, inner);
    pair.second->set(loop.getRegionIterArg(pair.second->getOperandNumber()));
  }
  return success();
}

/// What a branch does becomes work that may not have to be done, and its
/// results a choice.
LogicalResult ControlSinker::visit(scf::IfOp branch,
                                   const Conditions &conditions) {
  Location loc = branch.getLoc();
  Value condition = branch.getCondition();
  bool isChosenByData =
      isData(condition) || llvm::any_of(branch.getResults(), [&](Value result) {
        return isData(result);
      });
  Conditions then = conditions, otherwise = conditions;
  if (isChosenByData) {
    b.setInsertionPoint(branch);
    Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    Value inverse = arith::XOrIOp::create(b, loc, condition, yes);
    if (isData(condition))
      data.insert(inverse);
    then.push_back(condition);
    otherwise.push_back(inverse);
  }
  if (failed(visit(*branch.thenBlock(), then)) ||
      (branch.elseBlock() && failed(visit(*branch.elseBlock(), otherwise))))
    return failure();
  if (!isChosenByData)
    return success();

  b.setInsertionPoint(branch);
  for (Block *block : {branch.thenBlock(), branch.elseBlock()})
    if (block)
      branch->getBlock()->getOperations().splice(
          Block::iterator(branch), block->getOperations(), block->begin(),
          std::prev(block->end()));
  for (auto [i, result] : llvm::enumerate(branch.getResults())) {
    Value yes = branch.thenYield()->getOperand(i);
    Value no = branch.elseYield()->getOperand(i);
    Value choice;
    if (!isData(result) || isa<MemRefType>(result.getType())) {
      choice = arith::SelectOp::create(b, loc, condition, yes, no);
      if (isData(result))
        data.insert(choice);
    } else {
      // Only one of the two may be computed: reading for the other one may
      // lead out of bounds.
      Value cell = createCell(loc, result.getType());
      storeCell(loc, yes, cell, then);
      storeCell(loc, no, cell, otherwise);
      choice = loadCell(loc, cell);
    }
    result.replaceAllUsesWith(choice);
    data.erase(result);
  }
  branch.erase();
  return success();
}

/// The value, computed where the builder stands if the host does not know it.
Value ControlSinker::remake(Value value, IRMapping &known) {
  if (!isData(value))
    return value;
  if (Value remade = known.lookupOrNull(value))
    return remade;
  Operation *op = value.getDefiningOp();
  for (Value use : getUses(op))
    remake(use, known);
  b.clone(*op, known);
  return known.lookup(value);
}

/// Moves a piece of work into a region with all that it needs of data.
void ControlSinker::sink(const Work &piece) {
  Operation *op = piece.op;
  if (!isa<memref::StoreOp>(op) && piece.conditions.empty() &&
      !data.isUsedBy(op))
    return;
  Location loc = op->getLoc();
  b.setInsertionPoint(op);
  auto region =
      scf::ExecuteRegionOp::create(b, loc, TypeRange(), /*no_inline=*/true);
  region->setAttr(kSunkAttr, b.getUnitAttr());
  b.createBlock(&region.getRegion());
  scf::YieldOp::create(b, loc);
  b.setInsertionPointToStart(&region.getRegion().front());
  IRMapping known;
  for (Value condition : piece.conditions) {
    Value isDone = remake(condition, known);
    auto guard = scf::IfOp::create(b, loc, isDone, /*withElseRegion=*/false);
    b.setInsertionPointToStart(guard.thenBlock());
  }
  for (Value use : getUses(op))
    remake(use, known);
  b.clone(*op, known);
  op->erase();
  ++numSunk;
}

/// What all work now computes by itself.
void ControlSinker::eraseComputations() {
  entry->walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
    if (llvm::any_of(op->getResults(), [&](Value v) { return isData(v); }) &&
        isComputation(op) && op->use_empty())
      op->erase();
  });
}

LogicalResult ControlSinker::run() {
  if (failed(visit(entry.getFunctionBody().front(), {})))
    return failure();
  for (const Work &piece : work)
    sink(piece);
  eraseComputations();
  return success();
}

namespace {
struct SinkControlPass : moe::impl::SinkControlPassBase<SinkControlPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!getOperation()->hasAttr(kEntryAttr))
      return;
    ControlSinker sinker(getOperation());
    if (failed(sinker.run()))
      return signalPassFailure();
    numSunk += sinker.getNumSunk();
  }
};
} // namespace
