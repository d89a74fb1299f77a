// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ScalarOp.h"

#include "Frame.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::moe::reference {

static const ScalarTable &getScalarTable() {
  static const ScalarTable table = [] {
    ScalarTable result;
    addFloatOps(result);
    addIntegerOps(result);
    addMathOps(result);
    return result;
  }();
  return table;
}

std::optional<ScalarOp> ScalarOp::resolve(Operation *op) {
  auto it = getScalarTable().find(op->getName().getStringRef());
  if (it == getScalarTable().end() || op->getNumOperands() > maxOperands)
    return std::nullopt;
  ScalarOp result;
  result.function = it->second;
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  std::optional<ElementKind> kind = getElementKind(type);
  if (!kind)
    return std::nullopt;
  result.kind = *kind;
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    result.predicate = static_cast<int64_t>(compare.getPredicate());
  else if (auto compare = dyn_cast<arith::CmpIOp>(op))
    result.predicate = static_cast<int64_t>(compare.getPredicate());
  return result;
}

LogicalResult emitUndefined(Operation *op, ArrayRef<Scalar> args) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(args, os);
  return op->emitOpError("has no defined result for (") << text << ")";
}

LogicalResult evaluateElementwise(Operation *op, const ScalarOp &scalarOp,
                                  Frame &frame) {
  Scalar args[ScalarOp::maxOperands];
  unsigned count = op->getNumOperands();
  auto apply = [&](Scalar &result) -> LogicalResult {
    result = scalarOp(args);
    if (result.isUndefined())
      return emitUndefined(op, ArrayRef(args, count));
    return success();
  };
  Value result = op->getResult(0);
  if (!isa<RankedTensorType>(result.getType())) {
    for (unsigned i = 0; i < count; ++i)
      args[i] = frame.scalar(op->getOperand(i));
    Scalar value;
    if (failed(apply(value)))
      return failure();
    frame.bind(result, value);
    return success();
  }
  // A select may choose between tensors by one scalar condition. `first` stays
  // valid: the operands fit the vector's own storage.
  SmallVector<Datum, ScalarOp::maxOperands> operands;
  const Tensor *first = nullptr;
  for (Value operand : op->getOperands()) {
    operands.push_back(frame.lookup(operand));
    auto *tensor = std::get_if<Tensor>(&operands.back());
    if (!tensor)
      continue;
    if (!first)
      first = tensor;
    if (first->getShape() != tensor->getShape())
      return op->emitOpError("expected operands of one shape, got ")
             << formatType(*first) << " and " << formatType(*tensor);
  }
  Tensor values(scalarOp.kind, first->getShape());
  for (int64_t i = 0, e = values.getNumElements(); i < e; ++i) {
    for (auto [arg, operand] : llvm::zip(args, operands)) {
      auto *tensor = std::get_if<Tensor>(&operand);
      arg = tensor ? tensor->get(i) : std::get<Scalar>(operand);
    }
    Scalar value;
    if (failed(apply(value)))
      return failure();
    values.set(i, value);
  }
  frame.bind(result, std::move(values));
  return success();
}

} // namespace mlir::moe::reference
