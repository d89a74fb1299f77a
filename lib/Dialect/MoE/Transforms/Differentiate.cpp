// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Gradient/Adjoints.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"
#include "moe/Dialect/MoE/Transforms/EntryConventions.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

static bool isDifferentiable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isF32();
}

/// Adds an argument for the adjoint of each f32 result.
static void addSeeds(func::FuncOp function, Adjoints &adjoints, OpBuilder &b) {
  Operation *terminator = function.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    if (!isDifferentiable(value.getType()))
      continue;
    NamedAttrList attributes;
    if (Attribute bound = function.getResultAttr(i, kMaxShapeAttr))
      attributes.set(kMaxShapeAttr, bound);
    unsigned position = function.getNumArguments();
    if (failed(function.insertArgument(position, value.getType(),
                                       attributes.getDictionary(b.getContext()),
                                       value.getLoc())))
      llvm_unreachable("functions take arguments");
    if (adjoints.isActive(value))
      adjoints.add(b, value.getLoc(), value, function.getArgument(position));
  }
}

/// Makes `function`, a copy of what is differentiated, its gradient.
static LogicalResult differentiate(func::FuncOp function) {
  Block &body = function.getBody().front();
  Adjoints adjoints;
  SmallVector<unsigned> arguments;
  for (BlockArgument argument : body.getArguments()) {
    if (!isDifferentiable(argument.getType()) ||
        function.getArgAttr(argument.getArgNumber(), kConstantAttr))
      continue;
    adjoints.activate(argument);
    arguments.push_back(argument.getArgNumber());
  }
  SmallVector<Operation *> operations = getOperations(body);
  adjoints.activateResults(operations);

  auto terminator = cast<func::ReturnOp>(body.getTerminator());
  OpBuilder b(terminator);
  addSeeds(function, adjoints, b);
  if (failed(pullBack(b, operations, adjoints)))
    return failure();
  for (unsigned i : arguments) {
    BlockArgument argument = body.getArgument(i);
    Value gradient = adjoints.lookupOrZeros(b, function.getLoc(), argument);
    NamedAttrList attributes;
    if (Attribute bound = function.getArgAttr(i, kMaxShapeAttr))
      attributes.set(kMaxShapeAttr, bound);
    if (failed(function.insertResult(function.getNumResults(),
                                     argument.getType(),
                                     attributes.getDictionary(b.getContext()))))
      llvm_unreachable("functions have results");
    terminator.getOperandsMutable().append(gradient);
  }
  return success();
}

namespace {
struct DifferentiatePass : moe::impl::DifferentiatePassBase<DifferentiatePass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet before(context), after(context);
    linalg::populateElementwiseToLinalgConversionPatterns(before);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(after);
    toLinalg = std::move(before);
    dropUnused = std::move(after);
    return success();
  }

  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> selected = select();
    if (failed(selected))
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : *selected) {
      func::FuncOp gradient = function.clone();
      gradient.setName((function.getName() + "_grad").str());
      gradient.setPublic();
      symbols.insert(gradient, std::next(function->getIterator()));
      walkAndApplyPatterns(gradient, toLinalg);
      // A rule gives an operation all it might need; what it does not read
      // should not be kept, or computed.
      if (failed(differentiate(gradient)) ||
          failed(applyPatternsGreedily(gradient, dropUnused)))
        return signalPassFailure();
      ++numDifferentiated;
    }
  }

private:
  /// The functions named by the option, or all public ones.
  FailureOr<SmallVector<func::FuncOp>> select() {
    SmallVector<func::FuncOp> selected;
    for (const std::string &name : functions) {
      auto function = getOperation().lookupSymbol<func::FuncOp>(name);
      if (!function)
        return getOperation().emitError("moe-differentiate: expected a "
                                        "function called ")
               << name << ", got none";
      selected.push_back(function);
    }
    if (functions.empty())
      for (auto function : getOperation().getOps<func::FuncOp>())
        if (function.isPublic() && !function.isExternal())
          selected.push_back(function);
    for (func::FuncOp function : selected)
      if (!llvm::hasSingleElement(function.getBody()))
        return function.emitError("moe-differentiate: expected a function of "
                                  "one block, got ")
               << function.getBody().getBlocks().size();
    return selected;
  }

  FrozenRewritePatternSet toLinalg, dropUnused;
};
} // namespace
