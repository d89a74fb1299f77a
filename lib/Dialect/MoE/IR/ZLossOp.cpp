// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult ZLossOp::verify() {
  if (failed(checkStaticExperts(*this, getLogits())))
    return failure();
  return checkMask(*this, getLogits(), getMask());
}
