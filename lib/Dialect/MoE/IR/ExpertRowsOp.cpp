// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

void ExpertRowsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "vectors");
}

LogicalResult ExpertRowsOp::verify() {
  auto vectors = cast<ShapedType>(getVectors().getType());
  if (failed(checkDestinations(*this, getOuts(), {{"result", 2}})) ||
      failed(checkRank(*this, "vectors", vectors, 2)))
    return failure();
  if (ShapedType::isDynamic(vectors.getDimSize(0)))
    return emitOpError("expected vectors of a static number of experts, got ")
           << vectors;
  if (!getOffsets() == !getIds())
    return emitOpError("expected either offsets or ids");
  auto result = cast<ShapedType>(getOuts()[0].getType());
  if (result.getElementType() != vectors.getElementType())
    return emitOpError("expected a result of element type ")
           << vectors.getElementType() << ", got " << result;
  if (failed(checkExtent(*this, "width of the result", vectors.getDimSize(1),
                         result.getDimSize(1))))
    return failure();
  if (getOffsets()) {
    auto offsets = cast<ShapedType>(getOffsets().getType());
    if (failed(checkRank(*this, "offsets", offsets, 1)))
      return failure();
    return checkExtent(*this, "number of offsets", vectors.getDimSize(0) + 1,
                       offsets.getDimSize(0));
  }
  auto ids = cast<ShapedType>(getIds().getType());
  if (failed(checkRank(*this, "ids", ids, 2)))
    return failure();
  if (ShapedType::isDynamic(ids.getDimSize(1)))
    return emitOpError("expected a static number of slots, got ") << ids;
  return checkExtent(*this, "rows of the result",
                     getNumPairs(ids.getDimSize(0), ids.getDimSize(1)),
                     result.getDimSize(0));
}

LogicalResult ExpertRowsOp::canonicalize(ExpertRowsOp op,
                                         PatternRewriter &rewriter) {
  return forwardEmptyDestination(rewriter, op);
}
