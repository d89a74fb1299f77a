// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
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
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// Whether the operation is work, not the wiring between pieces of work.
static bool isKernel(Operation *op) {
  return isa<linalg::LinalgOp, memref::CopyOp, RouteOp, SortTokensOp,
             CountPairsOp, ScanCountsOp, PlacePairsOp, GroupedMatmulOp,
             PackedMatmulOp, GatherRowsOp, ExpertRowsOp, CombineRowsOp,
             AttentionOp, KVAppendOp>(op) ||
         isRowLoop(op);
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
  for (auto alloca : body->getOps<memref::AllocaOp>())
    b.clone(*alloca, mapping);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, kernel.getArgument(0),
                                 kernel.getArgument(1), one);
  mapping.map(rows.getInductionVar(0), loop.getInductionVar());
  b.setInsertionPoint(loop.getBody()->getTerminator());
  for (Operation &inner : body->without_terminator())
    if (!isa<memref::AllocaOp>(inner))
      b.clone(inner, mapping);
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
          if (!isKernel(op))
            return WalkResult::advance();
          work.push_back(op);
          return WalkResult::skip();
        });
    for (Operation *op : work)
      outline(op);
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

  void outline(Operation *op) {
    Location loc = op->getLoc();
    OpBuilder b(op);
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
    Value units = finestUnits ? getThreadUnits(b, op) : getKernelUnits(b, op);
    int64_t grain = finestUnits ? 1 : getKernelGrain(op);
    func::FuncOp kernel = getOrCreateKernel(op, captures, remade);
    LaunchOp::create(b, loc, kernel.getSymName(), units, grain, captures);
    ++numLaunches;
    op->erase();
  }

  func::FuncOp getOrCreateKernel(Operation *op, ArrayRef<Value> captures,
                                 ArrayRef<Value> remade) {
    Location loc = UnknownLoc::get(&getContext());
    OpBuilder b(&getContext());
    SmallVector<Type> inputs(2, b.getIndexType());
    llvm::append_range(inputs, TypeRange(ValueRange(captures)));
    StringRef stem = isRowLoop(op) ? "rows" : op->getName().stripDialect();
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
    if (isRowLoop(op))
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
