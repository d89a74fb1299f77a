// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DataDependence.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"

using namespace mlir;
using namespace mlir::moe;

bool moe::isComputation(Operation *op) {
  if (isWorkOp(op))
    return false;
  if (op->getNumRegions() == 0)
    return isa<memref::LoadOp>(op) || isMemoryEffectFree(op);
  return op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() &&
         !op->walk([&](Operation *inner) {
              return inner == op || isComputation(inner)
                         ? WalkResult::advance()
                         : WalkResult::interrupt();
            }).wasInterrupted();
}

bool moe::readsMemory(Operation *op) {
  return op->walk([](memref::LoadOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

SetVector<Value> moe::getUses(Operation *op) {
  SetVector<Value> uses(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), uses);
  return uses;
}

DataDependence::DataDependence(FunctionOpInterface entry) : entry(entry) {
  findData();
  findUnstable();
}

bool DataDependence::isUsedBy(Operation *op) const {
  return llvm::any_of(getUses(op), [&](Value use) { return contains(use); });
}

Operation *DataDependence::getOutermost(Operation *op) {
  Operation *outermost = op;
  for (Operation *parent = op; parent != entry;
       parent = parent->getParentOp()) {
    if (isWorkOp(parent))
      return nullptr;
    if (isComputation(parent))
      outermost = parent;
  }
  return outermost;
}

void DataDependence::markUser(OpOperand &use,
                              function_ref<void(ValueRange)> mark) {
  Operation *user = getOutermost(use.getOwner());
  if (!user)
    return;
  unsigned i = use.getOperandNumber();
  if (isa<scf::YieldOp>(user)) {
    Operation *parent = user->getParentOp();
    mark(parent->getResult(i));
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      mark(loop.getRegionIterArg(i));
    return;
  }
  auto loop = dyn_cast<scf::ForOp>(user);
  if (!loop || isComputation(loop))
    return mark(user->getResults());
  if (unsigned first = loop.getNumControlOperands(); i >= first) {
    mark(loop.getRegionIterArg(i - first));
    return mark(loop.getResult(i - first));
  }
  // What is carried out depends on how often the loop went around.
  mark(loop.getRegionIterArgs());
  mark(loop.getResults());
}

void DataDependence::findData() {
  SmallVector<Value> pending;
  auto mark = [&](ValueRange marked) {
    for (Value value : marked)
      if (values.insert(value).second)
        pending.push_back(value);
  };
  entry->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isWorkOp(op))
      return WalkResult::skip();
    if (op == entry || !isComputation(op))
      return WalkResult::advance();
    if (readsMemory(op))
      mark(op->getResults());
    return WalkResult::skip();
  });
  while (!pending.empty())
    for (OpOperand &use : pending.pop_back_val().getUses())
      markUser(use, mark);
}

/// Nothing changes what a computation has read if all that writes there comes
/// before it: what comes later comes before it again.
void DataDependence::findUnstable() {
  BufferViewFlowAnalysis aliases(entry);
  DominanceInfo dominance(entry);
  auto isWrittenLater = [&](Operation *reader, Value memref) {
    for (Value origin : aliases.resolveReverse(memref))
      for (Value alias : aliases.resolve(origin))
        for (Operation *user : alias.getUsers()) {
          auto effects = dyn_cast<MemoryEffectOpInterface>(user);
          if (isMemoryEffectFree(user) ||
              (effects &&
               !effects.getEffectOnValue<MemoryEffects::Write>(alias)))
            continue;
          for (Operation *parent = user; parent != entry;
               parent = parent->getParentOp())
            if (isWorkOp(parent))
              user = parent;
          if (!dominance.properlyDominates(user, reader))
            return true;
        }
    return false;
  };
  entry->walk([&](memref::LoadOp load) {
    Operation *reader = getOutermost(load);
    if (reader && isWrittenLater(reader, load.getMemRef()))
      unstable.insert(reader);
  });
}
