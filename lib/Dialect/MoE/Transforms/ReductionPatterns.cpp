// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each step makes the program smaller and keeps it valid, but not equal:
// whether it is still interesting is for the user's test to say.
#include "moe/Dialect/MoE/Transforms/ReductionPatterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Reducer/ReductionPatternInterface.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::moe;

/// Takes the given one of the choices that a step has for an operation.
using Step = LogicalResult (*)(Operation *op, unsigned choice, RewriterBase &);

/// What nobody uses goes: an append to a cache, a weight, a function.
static LogicalResult erase(Operation *op, unsigned, RewriterBase &rewriter) {
  if (!op->use_empty() || op->hasTrait<OpTrait::IsTerminator>())
    return failure();
  rewriter.eraseOp(op);
  return success();
}

/// A layer of experts becomes its input.
static LogicalResult bypassLayer(Operation *op, unsigned,
                                 RewriterBase &rewriter) {
  auto combine = dyn_cast<CombineOp>(op);
  auto dispatch =
      combine ? combine.getPlan().getDefiningOp<DispatchOp>() : DispatchOp();
  if (!dispatch ||
      dispatch.getInput().getType() != combine.getResult().getType())
    return failure();
  rewriter.replaceOp(op, dispatch.getInput());
  return success();
}

/// A result becomes an operand of the same type: experts become the identity,
/// attention its query, a layer its residual.
static LogicalResult bypass(Operation *op, unsigned choice,
                            RewriterBase &rewriter) {
  if (op->getNumResults() != 1 || choice >= op->getNumOperands() ||
      op->getOperand(choice).getType() != op->getResult(0).getType())
    return failure();
  rewriter.replaceOp(op, op->getOperand(choice));
  return success();
}

static Value createPoison(Value value, RewriterBase &rewriter) {
  return ub::PoisonOp::create(rewriter, value.getLoc(), value.getType());
}

/// Results become poison, which needs no operands.
static LogicalResult forgetResults(Operation *op, unsigned,
                                   RewriterBase &rewriter) {
  if (op->use_empty() || op->hasTrait<OpTrait::ConstantLike>())
    return failure();
  SmallVector<Value> poison =
      llvm::map_to_vector(op->getResults(), [&](Value value) {
        return createPoison(value, rewriter);
      });
  rewriter.replaceOp(op, poison);
  return success();
}

/// An expert has a weight less.
static LogicalResult dropWeight(Operation *op, unsigned choice,
                                RewriterBase &rewriter) {
  auto expert = dyn_cast<ExpertOp>(op);
  if (!expert || choice >= expert.getWeights().size())
    return failure();
  Block &body = expert.getBody().front();
  BlockArgument weight = body.getArgument(choice + 1);
  rewriter.setInsertionPointToStart(&body);
  if (!weight.use_empty())
    rewriter.replaceAllUsesWith(weight, createPoison(weight, rewriter));
  rewriter.modifyOpInPlace(op, [&] {
    expert.getWeightsMutable().erase(choice);
    body.eraseArgument(choice + 1);
  });
  return success();
}

/// A function has an argument less.
static LogicalResult dropArgument(Operation *op, unsigned choice,
                                  RewriterBase &rewriter) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function || function.isExternal() ||
      choice >= function.getNumArguments() ||
      !function.getArgument(choice).use_empty())
    return failure();
  LogicalResult status = failure();
  rewriter.modifyOpInPlace(op,
                           [&] { status = function.eraseArgument(choice); });
  return status;
}

/// A function returns a value less.
static LogicalResult dropReturned(Operation *op, unsigned choice,
                                  RewriterBase &rewriter) {
  if (!isa<func::ReturnOp>(op) || choice >= op->getNumOperands())
    return failure();
  auto function = op->getParentOfType<func::FuncOp>();
  LogicalResult status = failure();
  rewriter.modifyOpInPlace(function,
                           [&] { status = function.eraseResult(choice); });
  rewriter.modifyOpInPlace(op, [&] { op->eraseOperand(choice); });
  return status;
}

/// An operation of the dialect has an operand less. Whether it was optional is
/// for the verifier to say.
static LogicalResult dropOperand(Operation *op, unsigned choice,
                                 RewriterBase &rewriter) {
  if (!isa<MoEDialect>(op->getDialect()) || choice >= op->getNumOperands())
    return failure();
  StringRef name =
      OpTrait::AttrSizedOperandSegments<RouteOp>::getOperandSegmentSizeAttr();
  auto properties =
      dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  auto segments = properties ? properties.getAs<DenseI32ArrayAttr>(name)
                             : DenseI32ArrayAttr();
  LogicalResult status = success();
  rewriter.modifyOpInPlace(op, [&] {
    op->eraseOperand(choice);
    if (!segments)
      return;
    SmallVector<int32_t> sizes(segments.asArrayRef());
    unsigned segment = 0;
    for (int32_t before = sizes[0]; before <= int32_t(choice);
         before += sizes[++segment])
      ;
    --sizes[segment];
    NamedAttrList changed(properties);
    changed.set(name, rewriter.getDenseI32ArrayAttr(sizes));
    status = op->setPropertiesFromAttribute(
        changed.getDictionary(op->getContext()), /*emitError=*/nullptr);
  });
  return status;
}

/// An operation of the dialect has an attribute less, or its default.
static LogicalResult dropAttribute(Operation *op, unsigned choice,
                                   RewriterBase &rewriter) {
  if (!isa<MoEDialect>(op->getDialect()))
    return failure();
  auto properties =
      dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute());
  if (!properties || choice >= properties.size())
    return failure();
  NamedAttrList kept(properties);
  kept.erase(properties.getValue()[choice].getName());
  LogicalResult status = failure();
  rewriter.modifyOpInPlace(op, [&] {
    status = op->setPropertiesFromAttribute(
        kept.getDictionary(op->getContext()), /*emitError=*/nullptr);
  });
  return success(succeeded(status) &&
                 op->getPropertiesAsAttribute() != properties);
}

namespace {
struct StepPattern : RewritePattern {
  StepPattern(MLIRContext *context, Step step, unsigned choice,
              PatternBenefit benefit)
      : RewritePattern(MatchAnyOpTypeTag(), benefit, context), step(step),
        choice(choice) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!op->getParentOp())
      return rewriter.notifyMatchFailure(op, "is the program");
    return step(op, choice, rewriter);
  }

  Step step;
  unsigned choice;
};

struct MoEReductionPatterns : DialectReductionPatternInterface {
  explicit MoEReductionPatterns(Dialect *dialect)
      : DialectReductionPatternInterface(dialect) {}

  void populateReductionPatterns(RewritePatternSet &patterns) const final {
    // What removes most comes first.
    static constexpr struct {
      Step step;
      unsigned choices;
    } steps[] = {{erase, 1},         {bypassLayer, 1}, {bypass, 4},
                 {forgetResults, 1}, {dropWeight, 8},  {dropReturned, 8},
                 {dropArgument, 8},  {dropOperand, 8}, {dropAttribute, 24}};
    unsigned benefit = 64;
    for (auto [step, choices] : steps)
      for (unsigned choice = 0; choice < choices; ++choice)
        patterns.add<StepPattern>(patterns.getContext(), step, choice,
                                  benefit--);
  }
};
} // namespace

void moe::registerReductionPatterns(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MoEDialect *dialect) {
    dialect->addInterfaces<MoEReductionPatterns>();
    context->loadDialect<ub::UBDialect>();
  });
}
