// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

void PackedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "product");
}

LogicalResult PackedMatmulOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  if (failed(checkDestinations(*this, getOuts(), {{"result", 2}})) ||
      failed(checkRank(*this, "input", input, 2)))
    return failure();
  auto result = cast<ShapedType>(getOuts()[0].getType());
  if (failed(checkExtent(*this, "rows of the result", input.getDimSize(0),
                         result.getDimSize(0))))
    return failure();
  return checkWeights(*this, cast<ShapedType>(getWeights().getType()),
                      getPanelAttr(), input.getDimSize(1), result.getDimSize(1),
                      /*grouped=*/false);
}
