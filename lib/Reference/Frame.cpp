// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Frame.h"

#include "ScalarOp.h"
#include "WeightStore.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe::reference {

static const HandlerTable &getHandlerTable() {
  static const HandlerTable table = [] {
    HandlerTable result;
    addConstantHandlers(result);
    addControlHandlers(result);
    addTensorHandlers(result);
    addSliceHandlers(result);
    addLinalgHandlers(result);
    addRouteHandlers(result);
    addRoutingHandlers(result);
    addSortedHandlers(result);
    addGroupedMatmulHandlers(result);
    addRowHandlers(result);
    addSortStepHandlers(result);
    addCacheHandlers(result);
    addTrainingHandlers(result);
    return result;
  }();
  return table;
}

SmallVector<int64_t> Frame::integers(ValueRange list) const {
  return llvm::map_to_vector(list, [&](Value value) { return integer(value); });
}

SmallVector<int64_t> Frame::integers(ArrayRef<OpFoldResult> mixed) const {
  return llvm::map_to_vector(mixed, [&](OpFoldResult entry) {
    auto attribute = dyn_cast<Attribute>(entry);
    return attribute ? cast<IntegerAttr>(attribute).getInt()
                     : integer(cast<Value>(entry));
  });
}

FailureOr<Tensor> Frame::weight(Operation *user, StringRef name) {
  auto op = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
      user, StringAttr::get(user->getContext(), name));
  return evaluator.weights->get(op);
}

InFlightDiagnostic Frame::unsupported(Operation *op, const Twine &message) {
  evaluator.unsupported = true;
  return op->emitOpError(message);
}

FailureOr<SmallVector<Datum>> Frame::run(Block &block,
                                         ArrayRef<Datum> arguments) {
  for (auto [argument, datum] :
       llvm::zip_equal(block.getArguments(), arguments))
    bind(argument, datum);
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  return llvm::map_to_vector(block.getTerminator()->getOperands(),
                             [&](Value operand) { return lookup(operand); });
}

LogicalResult Frame::evaluate(Operation *op) {
  auto handler = getHandlerTable().find(op->getName().getStringRef());
  LogicalResult status = success();
  if (handler != getHandlerTable().end())
    status = handler->second(op, *this);
  else if (std::optional<ScalarOp> scalarOp = ScalarOp::resolve(op))
    status = evaluateElementwise(op, *scalarOp, *this);
  else if (isa<linalg::LinalgOp>(op))
    status = evaluateLinalg(op, *this);
  else
    return unsupported(op, "is not evaluated by the reference");
  if (failed(status))
    return failure();
  for (OpResult result : op->getResults())
    if (failed(checkType(op, "result " + Twine(result.getResultNumber()),
                         result.getType(), values.at(result))))
      return failure();
  return success();
}

LogicalResult checkEqual(Operation *op, const Twine &what, int64_t expected,
                         int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError("expected ")
         << what << " " << expected << ", got " << got;
}

static std::string describe(const Datum &datum) {
  if (auto *scalar = std::get_if<Scalar>(&datum))
    return getName(scalar->kind).str();
  if (auto *tensor = std::get_if<Tensor>(&datum))
    return "tensor<" + formatType(*tensor) + ">";
  return std::holds_alternative<Cache *>(datum) ? "a cache" : "a plan";
}

static bool isOfType(Type type, const Datum &datum) {
  if (isa<PlanType>(type))
    return std::holds_alternative<std::shared_ptr<const Plan>>(datum);
  if (isa<KVCacheType>(type)) {
    auto *cache = std::get_if<Cache *>(&datum);
    return cache && (*cache)->getType() == type;
  }
  std::optional<ElementKind> kind = getElementKind(getElementTypeOrSelf(type));
  auto tensorType = dyn_cast<RankedTensorType>(type);
  if (!tensorType) {
    auto *scalar = std::get_if<Scalar>(&datum);
    return scalar && kind == scalar->kind;
  }
  auto *tensor = std::get_if<Tensor>(&datum);
  return tensor && kind == tensor->getKind() &&
         tensorType.getRank() == tensor->getRank() &&
         llvm::all_of(llvm::zip(tensorType.getShape(), tensor->getShape()),
                      [](auto extents) {
                        auto [expected, got] = extents;
                        return ShapedType::isDynamic(expected) ||
                               expected == got;
                      });
}

LogicalResult checkType(Operation *op, const Twine &what, Type type,
                        const Datum &datum) {
  if (isOfType(type, datum))
    return success();
  return op->emitOpError("expected ")
         << what << " of type " << type << ", got " << describe(datum);
}

} // namespace mlir::moe::reference
