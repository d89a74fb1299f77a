// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

void CombineOp::build(OpBuilder &b, OperationState &state, Type result,
                      Value rows, Value plan, Value weights, Value residual) {
  build(b, state, result, rows, plan, weights, residual, /*skipped=*/Value());
}

LogicalResult CombineOp::verify() {
  auto rows = cast<ShapedType>(getRows().getType());
  auto weights = cast<ShapedType>(getWeights().getType());
  auto result = cast<ShapedType>(getResult().getType());
  int64_t topK = getPlan().getType().getTopK(), tokens = weights.getDimSize(0);
  if (failed(checkExtent(*this, "slots of weights", topK,
                         weights.getDimSize(1))) ||
      failed(checkExtent(*this, "tokens of the result", tokens,
                         result.getDimSize(0))) ||
      failed(checkExtent(*this, "width of the result", rows.getDimSize(1),
                         result.getDimSize(1))))
    return failure();
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"residual", getResidual()},
        {"skipped", getSkipped()}})
    if (value && value.getType() != result)
      return emitOpError("expected ")
             << name << " of type " << result << ", got " << value.getType();
  if (ShapedType::isDynamic(tokens))
    return success();
  return checkExtent(*this, "number of rows", tokens * topK,
                     rows.getDimSize(0));
}

LogicalResult
CombineOp::reifyResultShapes(OpBuilder &b,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({extentOf(b, getLoc(), getWeights(), 0),
                    extentOf(b, getLoc(), getRows(), 1)});
  return success();
}
