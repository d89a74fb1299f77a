// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult VariationLossOp::verify() {
  if (failed(checkStaticExperts(*this, getValues())))
    return failure();
  return checkMask(*this, getValues(), getMask());
}
