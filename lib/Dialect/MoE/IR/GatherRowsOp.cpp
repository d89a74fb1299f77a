// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

void GatherRowsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "gathered");
}

LogicalResult GatherRowsOp::verify() {
  if (failed(checkDestinations(*this, getOuts(), {{"result", 2}})))
    return failure();
  auto input = cast<ShapedType>(getInput().getType());
  auto result = cast<ShapedType>(getOuts()[0].getType());
  if (failed(checkRank(*this, "input", input, 2)))
    return failure();
  int64_t tokens = input.getDimSize(0), topK = getTopK();
  if (failed(checkExtent(*this, "width of the result", input.getDimSize(1),
                         result.getDimSize(1))) ||
      failed(checkExtent(*this, "rows of the result", getNumPairs(tokens, topK),
                         result.getDimSize(0))))
    return failure();
  if (getOrder()) {
    auto order = cast<ShapedType>(getOrder().getType());
    if (failed(checkRank(*this, "order", order, 1)) ||
        failed(checkExtent(*this, "length of order", result.getDimSize(0),
                           order.getDimSize(0))))
      return failure();
  }
  return checkPairs(*this, "scale", getScale(), tokens, topK);
}

LogicalResult GatherRowsOp::canonicalize(GatherRowsOp op,
                                         PatternRewriter &rewriter) {
  return forwardEmptyDestination(rewriter, op);
}
