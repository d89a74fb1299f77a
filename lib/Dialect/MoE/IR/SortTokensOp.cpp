// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace mlir::moe;

void SortTokensOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() != 3)
    return;
  setName(getResult(0), "offsets");
  setName(getResult(1), "order");
  setName(getResult(2), "inverse");
}

LogicalResult SortTokensOp::verify() {
  Builder b(getContext());
  Type i32 = b.getI32Type();
  auto ids = cast<ShapedType>(getIds().getType());
  if (failed(checkForm(
          *this, getOuts(),
          {{"offsets", i32, 1}, {"order", i32, 1}, {"inverse", i32, 2}})) ||
      failed(checkRank(*this, "ids", ids, 2)))
    return failure();
  int64_t tokens = ids.getDimSize(0), topK = ids.getDimSize(1);
  if (ShapedType::isDynamic(topK))
    return emitOpError("expected a static number of slots, got ") << ids;
  int64_t pairs = ShapedType::isDynamic(tokens) ? tokens : tokens * topK;
  ShapedType inverse = outputType(*this, getOuts(), 2);
  if (failed(checkExtent(*this, "number of offsets", getExperts() + 1,
                         outputType(*this, getOuts(), 0).getDimSize(0))) ||
      failed(checkExtent(*this, "length of order", pairs,
                         outputType(*this, getOuts(), 1).getDimSize(0))) ||
      failed(checkExtent(*this, "tokens of inverse", tokens,
                         inverse.getDimSize(0))))
    return failure();
  return checkExtent(*this, "slots of inverse", topK, inverse.getDimSize(1));
}

LogicalResult
SortTokensOp::reifyResultShapes(OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult tokens = extentOf(b, getLoc(), getIds(), 0);
  int64_t topK = cast<ShapedType>(getIds().getType()).getDimSize(1);
  AffineExpr t = b.getAffineDimExpr(0);
  OpFoldResult pairs =
      affine::makeComposedFoldedAffineApply(b, getLoc(), t * topK, {tokens});
  shapes.push_back({b.getIndexAttr(getExperts() + 1)});
  shapes.push_back({pairs});
  shapes.push_back({tokens, b.getIndexAttr(topK)});
  return success();
}

void SortTokensOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addComputeEffects(*this, getOuts(), effects);
}
