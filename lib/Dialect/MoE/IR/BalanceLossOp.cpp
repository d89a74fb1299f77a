// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult BalanceLossOp::verify() {
  auto scores = cast<ShapedType>(getScores().getType());
  auto counts = cast<ShapedType>(getCounts().getType());
  if (failed(checkStaticExperts(*this, getScores())) ||
      failed(checkTopK(*this, getScores(), getTopK())) ||
      failed(checkRank(*this, "counts", counts, scores.getRank() - 1)) ||
      failed(checkExtent(*this, "experts of counts", scores.getShape().back(),
                         counts.getShape().back())))
    return failure();
  if (scores.getRank() == 3 &&
      failed(checkExtent(*this, "sequences of counts", scores.getDimSize(0),
                         counts.getDimSize(0))))
    return failure();
  return checkMask(*this, getScores(), getMask());
}
