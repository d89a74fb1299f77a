// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One rule for every linalg operation that is elementwise or a sum. At each
// point of its loops, such an operation computes f(inputs) and writes it, or
// adds it to, an element of the result. The adjoint of an input element is
// therefore the sum, over the points that read it, of f's derivative times the
// adjoint of the result's element: the same loops, with the input's map as the
// map of the result. The gradient of a product is two products, that of a
// broadcast is a sum, and so on.
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
struct LinalgGradient {
  LinalgGradient(OpBuilder &b, linalg::LinalgOp op, Adjoints &adjoints)
      : b(b), op(op), adjoints(adjoints), loc(op->getLoc()),
        init(op.getDpsInitOperand(0)),
        accumulator(op.getMatchingBlockArgument(init)),
        yielded(op.getBlock()->getTerminator()->getOperand(0)) {}

  LogicalResult run();

private:
  LogicalResult check();
  bool isSum();
  OpOperand *getMaximum();
  LogicalResult pullBackInput(OpOperand &input);
  void pullBackMaximum(OpOperand &input);

  Value getResultAdjoint() { return adjoints.lookup(op->getResult(0)); }

  OpBuilder &b;
  linalg::LinalgOp op;
  Adjoints &adjoints;
  Location loc;
  OpOperand *init;
  BlockArgument accumulator;
  Value yielded;
};
} // namespace

/// Whether the body yields the element so far plus what does not depend on it.
bool LinalgGradient::isSum() {
  Operation *last = yielded.getDefiningOp();
  if (!accumulator.hasOneUse() || !last)
    return false;
  unsigned use = accumulator.getUses().begin()->getOperandNumber();
  return accumulator.getUses().begin()->getOwner() == last &&
         (isa<arith::AddFOp>(last) || (isa<math::FmaOp>(last) && use == 2));
}

/// The input whose elements the body takes the largest of, if it does just
/// that.
OpOperand *LinalgGradient::getMaximum() {
  Operation *last = yielded.getDefiningOp();
  if (!isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(last) ||
      !llvm::is_contained(last->getOperands(), accumulator))
    return nullptr;
  Value other = last->getOperand(last->getOperand(0) == accumulator ? 1 : 0);
  for (OpOperand *input : op.getDpsInputOperands())
    if (op.getMatchingBlockArgument(input) == other)
      return input;
  return nullptr;
}

LogicalResult LinalgGradient::check() {
  if (op->getNumResults() != 1)
    return refuse(op) << "expected one result, got " << op->getNumResults();
  if (op.getNumReductionLoops() != 0 && !isSum() && !getMaximum())
    return refuse(op) << "its reduction is neither a sum nor the largest "
                         "element of an input";
  for (OpOperand &operand : op->getOpOperands())
    if (adjoints.isActive(operand.get()) &&
        !op.getMatchingIndexingMap(&operand).isProjectedPermutation())
      return refuse(op) << "expected indexing maps that select loops, got "
                        << AffineMapAttr::get(
                               op.getMatchingIndexingMap(&operand));
  WalkResult walk = op.getBlock()->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (adjoints.isActive(operand)) {
        refuse(inner) << "it reads a tensor from outside its linalg operation";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult LinalgGradient::run() {
  if (failed(check()))
    return failure();
  bool reduces = op.getNumReductionLoops() != 0;
  if (OpOperand *input = reduces ? getMaximum() : nullptr) {
    if (adjoints.isActive(init->get()))
      return refuse(op) << "expected a maximum that starts from a constant";
    pullBackMaximum(*input);
    return success();
  }
  for (OpOperand *input : op.getDpsInputOperands())
    if (adjoints.isActive(input->get()) && failed(pullBackInput(*input)))
      return failure();
  if (!adjoints.isActive(init->get()))
    return success();
  if (reduces) {
    adjoints.add(b, loc, init->get(), getResultAdjoint());
    return success();
  }
  return pullBackInput(*init);
}

LogicalResult LinalgGradient::pullBackInput(OpOperand &input) {
  BlockArgument argument = op.getMatchingBlockArgument(&input);
  if (argument.use_empty())
    return success();
  // All operands, for the loops' extents; the element so far, which a sum does
  // not use, gets the adjoint in its place.
  SmallVector<LinalgOperand> inputs;
  for (OpOperand &operand : op->getOpOperands())
    if (&operand != init)
      inputs.push_back({operand.get(), op.getMatchingIndexingMap(&operand)});
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  bool readsInit = op.getNumReductionLoops() == 0 && !accumulator.use_empty();
  if (readsInit)
    inputs.push_back({init->get(), resultMap});
  inputs.push_back({getResultAdjoint(), resultMap});

  Value value = input.get();
  AffineMap map = op.getMatchingIndexingMap(&input);
  Value before = adjoints.lookup(value);
  bool accumulates = before || map.getNumResults() != map.getNumDims();
  Value start = before ? before
                : accumulates
                    ? createZerosLike(b, loc, value)
                    : createEmpty(b, loc, tensor::getMixedSizes(b, loc, value),
                                  b.getF32Type());
  bool failedInside = false;
  Value gradient = buildGeneric(
      b, loc, inputs, {start, map},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value seed = args[args.size() - 2];
        // Arguments of the body are the inputs, then the element so far.
        unsigned numArguments = op.getBlock()->getNumArguments();
        FailureOr<Value> share =
            pullBackScalar(b, *op.getBlock(), args.take_front(numArguments),
                           yielded, argument, seed);
        failedInside = failed(share);
        Value zero = createF32(b, loc, 0.0f);
        if (failedInside)
          return zero;
        Value term = *share ? *share : zero;
        if (!accumulates)
          return term;
        // Products as a chain of fused multiply-adds.
        if (auto product = term.getDefiningOp<arith::MulFOp>())
          return math::FmaOp::create(b, loc, product.getLhs(), product.getRhs(),
                                     args.back());
        return arith::AddFOp::create(b, loc, args.back(), term);
      });
  if (failedInside)
    return failure();
  adjoints.set(value, castTo(b, loc, gradient, value.getType()));
  return success();
}

/// The adjoint goes to the elements that are the maximum, in equal parts.
void LinalgGradient::pullBackMaximum(OpOperand &input) {
  AffineMap map = op.getMatchingIndexingMap(&input);
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  Value value = input.get(), result = op->getResult(0);
  auto isMaximum = [](OpBuilder &b, Location loc, ValueRange args) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, args[0],
                                 args[1])
        .getResult();
  };
  Value ties =
      buildGeneric(b, loc, {{value, map}, {result, resultMap}},
                   {createZerosLike(b, loc, result), resultMap},
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     Value unit = arith::UIToFPOp::create(
                         b, loc, b.getF32Type(), isMaximum(b, loc, args));
                     return arith::AddFOp::create(b, loc, args.back(), unit);
                   });
  Value gradient = buildGeneric(
      b, loc,
      {{value, map},
       {result, resultMap},
       {getResultAdjoint(), resultMap},
       {ties, resultMap}},
      {createZerosLike(b, loc, value), map},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value share = arith::DivFOp::create(b, loc, args[2], args[3]);
        Value term = arith::SelectOp::create(b, loc, isMaximum(b, loc, args),
                                             share, createF32(b, loc, 0.0f));
        return arith::AddFOp::create(b, loc, args.back(), term);
      });
  adjoints.add(b, loc, value, castTo(b, loc, gradient, value.getType()));
}

LogicalResult moe::pullBack(OpBuilder &b, linalg::LinalgOp op,
                            Adjoints &adjoints) {
  return LinalgGradient(b, op, adjoints).run();
}
