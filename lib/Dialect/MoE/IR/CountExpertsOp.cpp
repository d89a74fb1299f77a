// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

void CountExpertsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getCounts(), "counts");
}

LogicalResult CountExpertsOp::verify() {
  auto ids = cast<ShapedType>(getIds().getType());
  auto counts = cast<ShapedType>(getCounts().getType());
  if (failed(checkRank(*this, "counts", counts, ids.getRank() - 1)) ||
      failed(checkExtent(*this, "experts of counts", getExperts(),
                         counts.getShape().back())))
    return failure();
  if (ids.getRank() == 3 &&
      failed(checkExtent(*this, "sequences of counts", ids.getDimSize(0),
                         counts.getDimSize(0))))
    return failure();
  return checkMask(*this, getIds(), getMask());
}
