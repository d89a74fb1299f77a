// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;

void DispatchOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getRows(), "rows");
  setName(getPlan(), "plan");
}

void DispatchOp::build(OpBuilder &b, OperationState &state, Type rows,
                       Type plan, Value input, Value ids, uint64_t experts) {
  build(b, state, rows, plan, input, ids, /*scale=*/Value(), experts);
}

LogicalResult DispatchOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto ids = cast<ShapedType>(getIds().getType());
  auto rows = cast<ShapedType>(getRows().getType());
  PlanType plan = getPlan().getType();
  int64_t topK = ids.getDimSize(1), tokens = ids.getDimSize(0);
  if (ShapedType::isDynamic(topK))
    return emitOpError("expected a static number of slots, got ") << ids;
  if (failed(checkExtent(*this, "experts of the plan", getExperts(),
                         plan.getExperts())) ||
      failed(checkExtent(*this, "slots of the plan", topK, plan.getTopK())) ||
      failed(
          checkExtent(*this, "tokens of ids", input.getDimSize(0), tokens)) ||
      failed(checkExtent(*this, "width of rows", input.getDimSize(1),
                         rows.getDimSize(1))))
    return failure();
  if (failed(checkPairs(*this, "scale", getScale(), tokens, topK)))
    return failure();
  if (ShapedType::isDynamic(tokens))
    return success();
  return checkExtent(*this, "number of rows", tokens * topK,
                     rows.getDimSize(0));
}

LogicalResult
DispatchOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  int64_t topK = getPlan().getType().getTopK();
  OpFoldResult rows = extentOf(b, getLoc(), getIds(), 0);
  if (auto tokens = dyn_cast<Value>(rows)) {
    Value slots = arith::ConstantIndexOp::create(b, getLoc(), topK);
    rows = b.createOrFold<arith::MulIOp>(getLoc(), tokens, slots);
  } else {
    rows = b.getIndexAttr(*getConstantIntValue(rows) * topK);
  }
  shapes.push_back({rows, extentOf(b, getLoc(), getInput(), 1)});
  return success();
}
