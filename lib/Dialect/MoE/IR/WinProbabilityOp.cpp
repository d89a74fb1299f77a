// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

#include <cmath>

using namespace mlir;
using namespace mlir::moe;

LogicalResult WinProbabilityOp::verify() {
  if (failed(checkStaticExperts(*this, getLogits())) ||
      failed(checkTopK(*this, getLogits(), getTopK())))
    return failure();
  std::optional<APFloat> sigma = getSigma();
  if (!sigma || (sigma->isFiniteNonZero() && !sigma->isNegative()))
    return success();
  return emitOpError("expected sigma to be positive and finite, got ")
         << getSigmaAttr();
}

float WinProbabilityOp::getSlope() {
  std::optional<APFloat> sigma = getSigma();
  double inverse = sigma ? 1.0 / sigma->convertToFloat()
                         : double(getLogits().getType().getDimSize(1));
  return static_cast<float>(inverse * M_SQRT1_2);
}
