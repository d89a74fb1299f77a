// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

void PackedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "product");
}

LogicalResult PackedMatmulOp::verify() {
  Builder b(getContext());
  auto input = cast<ShapedType>(getInput().getType());
  if (failed(checkForm(*this, getOuts(), {{"result", b.getF32Type(), 2}})) ||
      failed(checkRank(*this, "input", input, 2)))
    return failure();
  ShapedType result = outputType(*this, getOuts(), 0);
  if (failed(checkExtent(*this, "rows of the result", input.getDimSize(0),
                         result.getDimSize(0))))
    return failure();
  return checkWeights(*this, cast<ShapedType>(getWeights().getType()),
                      getPanelAttr(), input.getDimSize(1), result.getDimSize(1),
                      /*grouped=*/false);
}

LogicalResult
PackedMatmulOp::reifyResultShapes(OpBuilder &b,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(
      {extentOf(b, getLoc(), getInput(), 0),
       b.getIndexAttr(outputType(*this, getOuts(), 0).getDimSize(1))});
  return success();
}

void PackedMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addComputeEffects(*this, getOuts(), effects);
}
