// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants, calls, scf and affine.
#include "Frame.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "Constant.h"

namespace mlir::moe::reference {
namespace {

LogicalResult evaluateConstant(arith::ConstantOp op, Frame &frame) {
  std::optional<Datum> datum = convertAttribute(op.getValue());
  if (!datum)
    return frame.unsupported(op, "is not evaluated by the reference for type ")
           << op.getType();
  frame.bind(op, std::move(*datum));
  return success();
}

LogicalResult bindAll(ValueRange results, FailureOr<SmallVector<Datum>> data,
                      Frame &frame) {
  if (failed(data))
    return failure();
  for (auto [result, datum] : llvm::zip_equal(results, *data))
    frame.bind(result, datum);
  return success();
}

SmallVector<Datum> lookupAll(ValueRange operands, Frame &frame) {
  return llvm::map_to_vector(
      operands, [&](Value operand) { return frame.lookup(operand); });
}

LogicalResult evaluateCall(func::CallOp op, Frame &frame) {
  return bindAll(
      op.getResults(),
      frame.call(op, op.getCallee(), lookupAll(op.getOperands(), frame)),
      frame);
}

LogicalResult evaluateAssert(cf::AssertOp op, Frame &frame) {
  if (frame.integer(op.getArg()))
    return success();
  return op.emitError(op.getMsg());
}

LogicalResult evaluateFor(scf::ForOp op, Frame &frame) {
  Scalar index = frame.scalar(op.getLowerBound());
  int64_t upper = frame.integer(op.getUpperBound());
  int64_t step = frame.integer(op.getStep());
  if (step <= 0)
    return op.emitOpError("expected a positive step, got ") << step;
  SmallVector<Datum> state = lookupAll(op.getInitArgs(), frame);
  for (; index.i < upper; index.i += step) {
    state.insert(state.begin(), index);
    FailureOr<SmallVector<Datum>> next = frame.run(*op.getBody(), state);
    if (failed(next))
      return failure();
    state = std::move(*next);
  }
  return bindAll(op.getResults(), std::move(state), frame);
}

LogicalResult evaluateIf(scf::IfOp op, Frame &frame) {
  Region &region = frame.integer(op.getCondition()) ? op.getThenRegion()
                                                    : op.getElseRegion();
  if (region.empty())
    return success();
  return bindAll(op.getResults(), frame.run(region.front(), {}), frame);
}

LogicalResult evaluateWhile(scf::WhileOp op, Frame &frame) {
  SmallVector<Datum> state = lookupAll(op.getInits(), frame);
  while (true) {
    FailureOr<SmallVector<Datum>> before =
        frame.run(*op.getBeforeBody(), state);
    if (failed(before))
      return failure();
    bool goesOn = std::get<Scalar>(before->front()).i;
    before->erase(before->begin());
    if (!goesOn)
      return bindAll(op.getResults(), std::move(before), frame);
    FailureOr<SmallVector<Datum>> after =
        frame.run(*op.getAfterBody(), *before);
    if (failed(after))
      return failure();
    state = std::move(*after);
  }
}

/// The values of an affine map's results; nothing where it divides by zero or
/// less.
std::optional<SmallVector<int64_t>>
apply(AffineMap map, ArrayRef<int64_t> operands, MLIRContext *context) {
  Builder b(context);
  SmallVector<Attribute> inputs =
      llvm::map_to_vector(operands, [&](int64_t value) -> Attribute {
        return b.getIndexAttr(value);
      });
  SmallVector<Attribute> outputs;
  bool hasPoison = false;
  if (failed(map.constantFold(inputs, outputs, &hasPoison)) || hasPoison)
    return std::nullopt;
  return llvm::map_to_vector(outputs, [](Attribute value) {
    return cast<IntegerAttr>(value).getInt();
  });
}

template <typename OpT>
LogicalResult evaluateAffine(OpT op, Frame &frame) {
  SmallVector<int64_t> operands = frame.integers(op->getOperands());
  std::optional<SmallVector<int64_t>> values =
      apply(op.getMap(), operands, op.getContext());
  if (!values)
    return op->emitOpError("has no defined result: it divides by zero or less");
  // An apply has one result; the others choose.
  int64_t value = std::is_same_v<OpT, affine::AffineMaxOp>
                      ? *llvm::max_element(*values)
                      : *llvm::min_element(*values);
  frame.bind(op->getResult(0), Scalar::makeInteger(ElementKind::Index, value));
  return success();
}

} // namespace

void addConstantHandlers(HandlerTable &table) {
  addHandler<arith::ConstantOp, evaluateConstant>(table);
}

void addControlHandlers(HandlerTable &table) {
  addHandler<func::CallOp, evaluateCall>(table);
  addHandler<cf::AssertOp, evaluateAssert>(table);
  addHandler<scf::ForOp, evaluateFor>(table);
  addHandler<scf::IfOp, evaluateIf>(table);
  addHandler<scf::WhileOp, evaluateWhile>(table);
  addHandler<affine::AffineApplyOp, evaluateAffine>(table);
  addHandler<affine::AffineMinOp, evaluateAffine>(table);
  addHandler<affine::AffineMaxOp, evaluateAffine>(table);
}

} // namespace mlir::moe::reference
