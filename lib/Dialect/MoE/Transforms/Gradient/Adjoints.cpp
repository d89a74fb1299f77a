// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Adjoints.h"

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "moe/Conversion/MoEToLinalg/TrainingMath.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

InFlightDiagnostic moe::refuse(Operation *op) {
  return op->emitOpError("cannot be differentiated: ");
}

void Adjoints::activateResults(ArrayRef<Operation *> operations) {
  // What an operation's region reads counts as read by the operation.
  auto readsActive = [&](Operation *op) {
    return op
        ->walk([&](Operation *nested) {
          return llvm::any_of(nested->getOperands(),
                              [&](Value operand) { return isActive(operand); })
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  };
  for (Operation *op : operations) {
    if (!readsActive(op))
      continue;
    for (Value result : op->getResults())
      if (isa<FloatType>(getElementTypeOrSelf(result.getType())))
        activate(result);
  }
}

Value Adjoints::lookupOrZeros(OpBuilder &b, Location loc, Value value) const {
  Value adjoint = lookup(value);
  return adjoint ? adjoint : createZerosLike(b, loc, value);
}

void Adjoints::add(OpBuilder &b, Location loc, Value value, Value gradient) {
  Value &adjoint = adjoints[value];
  if (!adjoint) {
    adjoint = gradient;
    return;
  }
  auto type = cast<RankedTensorType>(value.getType());
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  Value empty = createEmpty(b, loc, tensor::getMixedSizes(b, loc, value),
                            type.getElementType());
  Value sum =
      buildGeneric(b, loc, {{adjoint, map}, {gradient, map}}, {empty, map},
                   [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     return arith::AddFOp::create(b, loc, args[0], args[1]);
                   });
  adjoint = castTo(b, loc, sum, type);
}

SmallVector<Operation *> moe::getOperations(Block &block) {
  return llvm::map_to_vector(block.without_terminator(),
                             [](Operation &op) { return &op; });
}

/// By the operation's own rule.
static LogicalResult applyRule(OpBuilder &b, Operation *op,
                               Adjoints &adjoints) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp, RouteOp, DispatchOp,
            ExpertOp, CombineOp, linalg::LinalgOp>(
          [&](auto typed) { return pullBack(b, typed, adjoints); })
      .Case<BalanceLossOp, VariationLossOp, WinProbabilityOp, ZLossOp,
            UpdateBiasOp>([&](Operation *loss) {
        return pullBackThrough(
            b, loss->getResult(0), [&] { return buildTrainingMath(b, loss); },
            adjoints);
      })
      .Default([](Operation *other) {
        return refuse(other) << "there is no rule for it";
      });
}

LogicalResult moe::pullBack(OpBuilder &b, ArrayRef<Operation *> operations,
                            Adjoints &adjoints) {
  for (Operation *op : llvm::reverse(operations)) {
    auto matters = [&](Value result) {
      return adjoints.isActive(result) && adjoints.lookup(result);
    };
    if (llvm::none_of(op->getResults(), matters))
      continue;
    for (Value operand : op->getOperands())
      if (adjoints.isActive(operand) &&
          !(isa<RankedTensorType>(operand.getType()) &&
            getElementTypeOrSelf(operand).isF32()))
        return refuse(op) << "expected tensors of f32, got "
                          << operand.getType();
    if (failed(applyRule(b, op, adjoints)))
      return failure();
  }
  return success();
}

LogicalResult moe::pullBackThrough(OpBuilder &b, Value result,
                                   function_ref<Value()> build,
                                   Adjoints &adjoints) {
  // The operation before the insertion point marks where the new ones start.
  Block *block = b.getInsertionBlock();
  Block::iterator end = b.getInsertionPoint();
  Operation *before = end == block->begin() ? nullptr : &*std::prev(end);
  Value built = build();
  Block::iterator begin =
      before ? std::next(before->getIterator()) : block->begin();
  SmallVector<Operation *> operations;
  for (Operation &op : llvm::make_range(begin, end))
    operations.push_back(&op);
  adjoints.activateResults(operations);
  adjoints.add(b, result.getLoc(), built, adjoints.lookup(result));
  return pullBack(b, operations, adjoints);
}
