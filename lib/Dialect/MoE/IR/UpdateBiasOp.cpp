// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult UpdateBiasOp::verify() {
  if (failed(checkStaticExperts(*this, getBias())))
    return failure();
  return checkExtent(*this, "length of counts",
                     getBias().getType().getDimSize(0),
                     getCounts().getType().getDimSize(0));
}
