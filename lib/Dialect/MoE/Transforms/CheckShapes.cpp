// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/DescribeLocation.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CHECKSHAPESPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {
/// An extent that has to be `times` as large as the operation's number of
/// tokens.
struct Extent {
  StringRef what;
  Value shaped;
  int64_t times = 1;
};

/// The leading extents of an operation's operands that must fit together; the
/// first one is the number of tokens.
using Extents = SmallVector<Extent>;
} // namespace

static void add(Extents &extents, StringRef what, Value shaped,
                int64_t times = 1) {
  if (shaped)
    extents.push_back({what, shaped, times});
}

/// The ids that the rows of a plan were ordered by, if it is known.
static Value getIds(Value plan) {
  auto dispatch = plan.getDefiningOp<DispatchOp>();
  return dispatch ? dispatch.getIds() : Value();
}

/// Whether rows were made by the layer of this plan, as many as it has pairs.
static bool isMadeByLayer(Value rows, Value plan) {
  if (auto expert = rows.getDefiningOp<ExpertOp>())
    return expert.getPlan() == plan;
  auto dispatch = rows.getDefiningOp<DispatchOp>();
  return dispatch && dispatch.getPlan() == plan;
}

static Extents getExtents(Operation *op) {
  Extents extents;
  TypeSwitch<Operation *>(op)
      .Case([&](DispatchOp op) {
        add(extents, "ids", op.getIds());
        add(extents, "input", op.getInput());
      })
      .Case([&](ExpertOp op) {
        add(extents, "ids of the plan", getIds(op.getPlan()));
        if (!isMadeByLayer(op.getRows(), op.getPlan()))
          add(extents, "rows", op.getRows(), op.getPlan().getType().getTopK());
      })
      .Case([&](CombineOp op) {
        add(extents, "weights", op.getWeights());
        add(extents, "ids of the plan", getIds(op.getPlan()));
        if (!isMadeByLayer(op.getRows(), op.getPlan()))
          add(extents, "rows", op.getRows(), op.getPlan().getType().getTopK());
        add(extents, "residual", op.getResidual());
      })
      .Case([&](KVAppendOp op) {
        add(extents, "keys", op.getKeys());
        add(extents, "values", op.getValues());
        add(extents, "positions", op.getPositions());
        add(extents, "sequences", op.getSequences());
      })
      .Case([&](AttentionOp op) {
        add(extents, "query", op.getQuery());
        add(extents, "positions", op.getPositions());
        add(extents, "sequences", op.getSequences());
      });
  return extents;
}

static void insertChecks(Operation *op) {
  Extents extents = getExtents(op);
  Location loc = op->getLoc();
  OpBuilder b(op);
  for (size_t i = 1; i < extents.size(); ++i) {
    const Extent &tokens = extents.front(), &other = extents[i];
    Value expected = b.createOrFold<tensor::DimOp>(loc, tokens.shaped, 0);
    if (other.times != 1) {
      Value times = arith::ConstantIndexOp::create(b, loc, other.times);
      expected = b.createOrFold<arith::MulIOp>(loc, expected, times);
    }
    Value actual = b.createOrFold<tensor::DimOp>(loc, other.shaped, 0);
    Value isEqual = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                                  expected, actual);
    std::string message =
        op->getName().getStringRef().str() + " of " + describeLocation(loc) +
        ": expected " + other.what.str() + " to have " +
        (other.times == 1 ? std::string()
                          : std::to_string(other.times) + " times ") +
        "as many rows as " + tokens.what.str();
    cf::AssertOp::create(b, loc, isEqual, message);
  }
}

namespace {
struct CheckShapesPass : moe::impl::CheckShapesPassBase<CheckShapesPass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(set);
    memref::populateResolveShapedTypeResultDimsPatterns(set);
    for (StringRef dialect : {"tensor", "arith", "cf"})
      if (auto *loaded = context->getLoadedDialect(dialect))
        loaded->getCanonicalizationPatterns(set);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (isa_and_nonnull<tensor::TensorDialect, arith::ArithDialect,
                          cf::ControlFlowDialect>(&op.getDialect()))
        op.getCanonicalizationPatterns(set, context);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    Operation *function = getOperation();
    SmallVector<Operation *> work;
    function->walk([&](Operation *op) {
      // Checks inside an expert would have to leave a loop.
      if (!op->getParentOfType<ExpertOp>())
        work.push_back(op);
    });
    for (Operation *op : work)
      insertChecks(op);

    // What can be shown now need not be checked later. Extents become equal
    // values first, then comparisons of equal values go.
    IRRewriter rewriter(&getContext());
    for (int round = 0; round < 2; ++round) {
      if (failed(applyPatternsGreedily(function, patterns)))
        return signalPassFailure();
      DominanceInfo dominance;
      eliminateCommonSubExpressions(rewriter, dominance, function);
    }
    DenseSet<std::pair<Block *, Value>> checked;
    function->walk([&](cf::AssertOp check) {
      if (checked.insert({check->getBlock(), check.getArg()}).second)
        ++numChecks;
      else
        check.erase();
    });
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
