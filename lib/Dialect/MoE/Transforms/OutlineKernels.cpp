// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BoundBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "moe/Conversion/MoEToGPU/ThreadUnits.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/DescribeLocation.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The piece of work in a region with all that it computes for itself; other
/// operations are that themselves.
static Operation *getSunkWork(Operation *region) {
  Operation *piece = region;
  if (!region->hasAttr(kSunkAttr))
    return piece;
  region->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isWorkOp(op) && !isa<memref::StoreOp, cf::AssertOp>(op))
      return WalkResult::advance();
    piece = op;
    return WalkResult::interrupt();
  });
  return piece;
}

static bool isInside(Value value, Operation *region) {
  return region->getRegion(0).isAncestor(value.getParentRegion());
}

/// Everything that `op` uses from outside, each once, in order of first use.
static SetVector<Value> collectUses(Operation *op) {
  SetVector<Value> uses;
  // The rows of a loop are the launch's units.
  if (!isRowLoop(op))
    uses.insert_range(op->getOperands());
  getUsedValuesDefinedAbove(op->getRegions(), uses);
  return uses;
}

/// The loop over the kernel's range of rows. What holds one row of a value is
/// made once.
static void cloneRowLoop(OpBuilder &b, scf::ForallOp rows, func::FuncOp kernel,
                         IRMapping &mapping) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = rows.getLoc();
  Block *body = rows.getBody();
  OpBuilder top = b;
  if (b.getInsertionBlock() != &kernel.front())
    top.setInsertionPointToStart(&kernel.front());
  for (auto alloca : body->getOps<memref::AllocaOp>())
    top.clone(*alloca, mapping);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, kernel.getArgument(0),
                                 kernel.getArgument(1), one);
  mapping.map(rows.getInductionVar(0), loop.getInductionVar());
  b.setInsertionPoint(loop.getBody()->getTerminator());
  for (Operation &inner : body->without_terminator())
    if (!isa<memref::AllocaOp>(inner))
      b.clone(inner, mapping);
}

/// The contents of a region. If it finds its units by itself, the work is done
/// where the kernel's is one of them.
static void cloneSunk(OpBuilder &b, Operation *region, Value units,
                      func::FuncOp kernel, IRMapping &mapping) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = region->getLoc();
  Operation *copy = b.clone(*region, mapping);
  Operation *piece = getSunkWork(copy);
  if (isInside(units, region) && !getConstantIntValue(units)) {
    b.setInsertionPoint(piece);
    Value exists =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                              kernel.getArgument(0), mapping.lookup(units));
    auto guard = scf::IfOp::create(b, loc, exists, /*withElseRegion=*/false);
    piece->moveBefore(guard.thenYield());
  }
  if (isRowLoop(piece)) {
    b.setInsertionPoint(piece);
    IRMapping inner;
    cloneRowLoop(b, cast<scf::ForallOp>(piece), kernel, inner);
    piece->erase();
  }
  Block &body = copy->getRegion(0).front();
  kernel.front().getOperations().splice(Block::iterator(copy),
                                        body.getOperations(), body.begin(),
                                        std::prev(body.end()));
  copy->erase();
}

namespace {
struct OutlineKernelsPass
    : moe::impl::OutlineKernelsPassBase<OutlineKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    symbols.emplace(getOperation());
    SmallVector<Operation *> work;
    for (auto entry : getOperation().getOps<func::FuncOp>())
      if (entry->hasAttr(kEntryAttr))
        entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
          if (!isWorkOp(op) && !op->hasAttr(kSunkAttr))
            return WalkResult::advance();
          work.push_back(op);
          return WalkResult::skip();
        });
    for (Operation *op : work)
      if (failed(outline(op)))
        return signalPassFailure();
    kernels.clear();
    symbols.reset();
  }

  /// Values that are remade in the kernel instead of being passed to it: scalar
  /// constants, handles, which have no run-time representation, and tables in
  /// memory that a device does not see.
  bool isRemadeInKernel(Value value) const {
    Operation *op = value.getDefiningOp();
    return op && (op->hasTrait<OpTrait::ConstantLike>() || isa<KVViewOp>(op) ||
                  (finestUnits && isa<memref::GetGlobalOp>(op)));
  }

  Value getUnits(OpBuilder &b, Operation *op) const {
    return finestUnits ? getThreadUnits(b, op) : getKernelUnits(b, op);
  }

  LogicalResult outline(Operation *op) {
    Location loc = op->getLoc();
    OpBuilder b(op);
    Operation *piece = getSunkWork(op);
    b.setInsertionPoint(piece);
    Value units = getUnits(b, piece);
    b.setInsertionPoint(op);
    // What a region finds by itself is bounded: the entry launches as many
    // units as there may be.
    Value launched = buildBound(b, loc, units, [&](Value value) {
      return piece == op || !isInside(value, op);
    });
    if (!launched)
      return piece->emitOpError("of ")
             << describeLocation(loc)
             << " has a size that comes from data, which nothing bounds; "
                "expected a minimum with what is known";
    SmallVector<Value> captures, remade;
    for (Value use : collectUses(op)) {
      if (!isRemadeInKernel(use)) {
        captures.push_back(use);
        continue;
      }
      remade.push_back(use);
      if (auto view = use.getDefiningOp<KVViewOp>())
        captures.push_back(view.getBuffer());
    }
    int64_t grain = finestUnits ? 1 : getKernelGrain(op);
    func::FuncOp kernel = getOrCreateKernel(op, units, captures, remade);
    LaunchOp::create(b, loc, kernel.getSymName(), launched, grain, captures);
    ++numLaunches;
    op->erase();
    return success();
  }

  func::FuncOp getOrCreateKernel(Operation *op, Value units,
                                 ArrayRef<Value> captures,
                                 ArrayRef<Value> remade) {
    Location loc = UnknownLoc::get(&getContext());
    OpBuilder b(&getContext());
    SmallVector<Type> inputs(2, b.getIndexType());
    llvm::append_range(inputs, TypeRange(ValueRange(captures)));
    Operation *piece = getSunkWork(op);
    StringRef stem =
        isRowLoop(piece) ? "rows" : piece->getName().stripDialect();
    auto kernel =
        func::FuncOp::create(b, loc, stem, b.getFunctionType(inputs, {}));
    kernel.setPrivate();
    kernel->setAttr(kKernelAttr, b.getUnitAttr());
    Block *body = kernel.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping mapping;
    for (auto [capture, argument] :
         llvm::zip_equal(captures, body->getArguments().drop_front(2)))
      mapping.map(capture, argument);
    for (Value value : remade)
      b.clone(*value.getDefiningOp(), mapping);
    if (piece != op)
      cloneSunk(b, op, units, kernel, mapping);
    else if (isRowLoop(op))
      cloneRowLoop(b, cast<scf::ForallOp>(op), kernel, mapping);
    else
      b.clone(*op, mapping);
    func::ReturnOp::create(b, loc);

    // Printed without locations and value names, equal work reads equal.
    std::string text;
    llvm::raw_string_ostream os(text);
    kernel->print(os, OpPrintingFlags().useLocalScope());
    auto [it, isNew] = kernels.try_emplace(text, kernel);
    if (!isNew) {
      kernel->destroy();
      return it->second;
    }
    kernel.setSymName((stem + "_kernel").str());
    symbols->insert(kernel);
    ++numKernels;
    return kernel;
  }

  std::optional<SymbolTable> symbols;
  llvm::StringMap<func::FuncOp> kernels;
};
} // namespace
