// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TrainingSupport.h"

using namespace mlir;
using namespace mlir::moe;

static int64_t getExperts(Value perExpert) {
  return cast<ShapedType>(perExpert.getType()).getShape().back();
}

LogicalResult moe::checkStaticExperts(Operation *op, Value perExpert) {
  if (!ShapedType::isDynamic(getExperts(perExpert)))
    return success();
  return op->emitOpError("expected a static number of experts, got ")
         << perExpert.getType();
}

LogicalResult moe::checkTopK(Operation *op, Value perExpert, int64_t topK) {
  int64_t experts = getExperts(perExpert);
  if (topK <= experts)
    return success();
  return op->emitOpError("expected top_k to be 1 to ")
         << experts << ", got " << topK;
}

LogicalResult moe::checkMask(Operation *op, Value rows, Value mask) {
  if (!mask)
    return success();
  auto type = cast<ShapedType>(mask.getType());
  ArrayRef<int64_t> shape =
      cast<ShapedType>(rows.getType()).getShape().drop_back();
  if (failed(checkRank(op, "mask", type, shape.size())))
    return failure();
  for (auto [i, extent] : llvm::enumerate(shape))
    if (failed(checkExtent(op, "extent " + Twine(i) + " of the mask", extent,
                           type.getDimSize(i))))
      return failure();
  return success();
}
