// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/DialectInterface.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Reducer/ReductionPatternInterface.h"
#include "mlir/Rewrite/PatternApplicator.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_REDUCEPROGRAMPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

/// The reduction patterns of all dialects of the program.
static FrozenRewritePatternSet collectPatterns(MLIRContext *context,
                                               Tester &tester) {
  RewritePatternSet patterns(context);
  DialectInterfaceCollection<DialectReductionPatternInterface> dialects(
      context);
  for (const DialectReductionPatternInterface &dialect : dialects) {
    dialect.populateReductionPatterns(patterns);
    dialect.populateReductionPatternsWithTester(patterns, tester);
  }
  return std::move(patterns);
}

static SmallVector<Operation *> collectOperations(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) { ops.push_back(op); });
  return ops;
}

namespace {
struct ReduceProgramPass : moe::impl::ReduceProgramPassBase<ReduceProgramPass> {
  using Base::Base;

  void runOnOperation() override {
    std::vector<std::string> arguments(testArgs.begin(), testArgs.end());
    Tester tester(test, arguments);
    FrozenRewritePatternSet patterns = collectPatterns(&getContext(), tester);
    std::optional<size_t> start = measure(tester, getOperation());
    if (!start) {
      getOperation().emitError("moe-reduce-program: the test does not find the "
                               "program interesting");
      return signalPassFailure();
    }
    size = *start;
    while (reduceOnce(tester, patterns))
      ;
  }

private:
  /// Tries every step on every operation, users before what they use, and
  /// returns whether any was taken.
  bool reduceOnce(const Tester &tester,
                  const FrozenRewritePatternSet &patterns) {
    bool changed = false;
    for (size_t i = collectOperations(getOperation()).size(); i-- > 0;) {
      unsigned tried = 0;
      // A step leaves other operations behind, with other positions.
      while (i < collectOperations(getOperation()).size() &&
             takeStep(tester, patterns, i, tried))
        changed = true;
    }
    return changed;
  }

  /// Takes the first step from number `tried` on that makes the program smaller
  /// and keeps it interesting.
  bool takeStep(const Tester &tester, const FrozenRewritePatternSet &patterns,
                size_t position, unsigned &tried) {
    while (true) {
      OwningOpRef<ModuleOp> copy = getOperation().clone();
      Operation *op = collectOperations(*copy)[position];
      if (!applyStep(op, patterns, tried))
        return false;
      std::optional<size_t> newSize = measure(tester, *copy);
      if (!newSize || *newSize >= size)
        continue;
      size = *newSize;
      tried = 0;
      getOperation().getBodyRegion().takeBody(copy->getBodyRegion());
      ++numSteps;
      return true;
    }
  }

  /// Applies the first pattern from number `tried` on that fits, which counts
  /// as tried then.
  bool applyStep(Operation *op, const FrozenRewritePatternSet &patterns,
                 unsigned &tried) {
    PatternApplicator applicator(patterns);
    applicator.applyDefaultCostModel();
    PatternRewriter rewriter(op->getContext());
    rewriter.setInsertionPoint(op);
    unsigned number = 0;
    LogicalResult applied = applicator.matchAndRewrite(
        op, rewriter, [&](const Pattern &) { return number++ >= tried; });
    tried = number;
    return succeeded(applied);
  }

  /// The size of the program, if it is valid and interesting.
  std::optional<size_t> measure(const Tester &tester, ModuleOp module) {
    // What a step breaks is no news.
    ScopedDiagnosticHandler quiet(&getContext(),
                                  [](Diagnostic &) { return success(); });
    if (failed(verify(module)))
      return std::nullopt;
    auto [interesting, bytes] = tester.isInteresting(module);
    return interesting == Tester::Interestingness::True
               ? std::optional<size_t>(bytes)
               : std::nullopt;
  }

  size_t size = 0;
};
} // namespace
