// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CheckBuilder.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
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
  int64_t dim = 0;
};

/// The extents of an operation's operands that must fit together, leading ones
/// if nothing else is said; each is compared with the first one of its
/// dimension, and that of dimension 0 is the number of tokens.
using Extents = SmallVector<Extent>;
} // namespace

static void add(Extents &extents, StringRef what, Value shaped,
                int64_t times = 1) {
  if (shaped)
    extents.push_back({what, shaped, times});
}

/// An operand with all extents of `shaped` but the last, and what else has one
/// for each of its leading ones.
static void addMasked(Extents &extents, StringRef what, Value shaped,
                      Value mask) {
  add(extents, what, shaped);
  add(extents, "mask", mask);
  // [B, S, ..]
  if (mask && cast<ShapedType>(mask.getType()).getRank() == 2) {
    extents.push_back({what, shaped, 1, 1});
    extents.push_back({"mask", mask, 1, 1});
  }
}

/// The ids that the rows of a plan were ordered by, if it is known.
static Value getIds(Value plan) {
  auto dispatch = plan.getDefiningOp<DispatchOp>();
  return dispatch ? dispatch.getIds() : Value();
}

static Extents getExtents(Operation *op) {
  Extents extents;
  TypeSwitch<Operation *>(op)
      .Case([&](RouteOp op) {
        add(extents, "logits", op.getLogits());
        add(extents, "forced ids", op.getForced());
        add(extents, "tokens", op.getTokens());
        add(extents, "shared_weights", op.getSharedWeights());
      })
      .Case([&](DispatchOp op) {
        add(extents, "ids", op.getIds());
        add(extents, "input", op.getInput());
        add(extents, "scale", op.getScale());
      })
      .Case([&](ExpertOp op) {
        add(extents, "ids of the plan", getIds(op.getPlan()));
        add(extents, "rows", op.getRows(), op.getPlan().getType().getTopK());
      })
      .Case([&](CombineOp op) {
        add(extents, "weights", op.getWeights());
        add(extents, "ids of the plan", getIds(op.getPlan()));
        add(extents, "rows", op.getRows(), op.getPlan().getType().getTopK());
        add(extents, "residual", op.getResidual());
        add(extents, "skipped", op.getSkipped());
      })
      .Case([&](CountExpertsOp op) {
        addMasked(extents, "ids", op.getIds(), op.getMask());
      })
      .Case([&](BalanceLossOp op) {
        addMasked(extents, "scores", op.getScores(), op.getMask());
        if (cast<ShapedType>(op.getCounts().getType()).getRank() == 2)
          add(extents, "counts", op.getCounts());
      })
      .Case([&](VariationLossOp op) {
        addMasked(extents, "values", op.getValues(), op.getMask());
      })
      .Case([&](ZLossOp op) {
        addMasked(extents, "logits", op.getLogits(), op.getMask());
      })
      .Case([&](WinProbabilityOp op) {
        add(extents, "logits", op.getLogits());
        add(extents, "noisy", op.getNoisy());
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
  CheckBuilder b(op);
  for (const Extent &other : llvm::drop_begin(extents, !extents.empty())) {
    const Extent &first = *llvm::find_if(
        extents, [&](const Extent &e) { return e.dim == other.dim; });
    if (&first == &other)
      continue;
    Value expected = b.extent(first.shaped, first.dim);
    if (other.times != 1)
      expected = b.createOrFold<arith::MulIOp>(expected, b.index(other.times));
    b.expect(arith::CmpIPredicate::eq, b.extent(other.shaped, other.dim),
             expected,
             other.what + " to have " +
                 (other.times == 1 ? Twine() : Twine(other.times) + " times ") +
                 "as many " + (other.dim == 0 ? "rows" : "columns") + " as " +
                 first.what);
  }
  checkGivenIds(op);
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
