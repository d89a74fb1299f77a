// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

void GroupedMatmulOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "grouped");
}

LogicalResult GroupedMatmulOp::verify() {
  Builder b(getContext());
  auto input = cast<ShapedType>(getInput().getType());
  auto weights = cast<ShapedType>(getWeights().getType());
  if (failed(checkForm(*this, getOuts(), {{"result", b.getF32Type(), 2}})) ||
      failed(checkRank(*this, "input", input, 2)))
    return failure();
  if (!getOffsets() == !getIds())
    return emitOpError("expected either offsets or ids");
  if (getBroadcast() && !getIds())
    return emitOpError("expected ids with broadcast");
  ShapedType result = outputType(*this, getOuts(), 0);
  if (weights.getRank() < 3 || ShapedType::isDynamic(weights.getDimSize(0)))
    return emitOpError("expected weights with a static number of experts, got ")
           << weights;
  if (failed(checkWeights(*this, weights, getPanelAttr(), input.getDimSize(1),
                          result.getDimSize(1), /*grouped=*/true)))
    return failure();
  if (getOffsets()) {
    auto offsets = cast<ShapedType>(getOffsets().getType());
    if (failed(checkRank(*this, "offsets", offsets, 1)) ||
        failed(checkExtent(*this, "number of offsets",
                           weights.getDimSize(0) + 1, offsets.getDimSize(0))))
      return failure();
    return checkExtent(*this, "rows of the result", input.getDimSize(0),
                       result.getDimSize(0));
  }
  auto ids = cast<ShapedType>(getIds().getType());
  if (failed(checkRank(*this, "ids", ids, 2)))
    return failure();
  if (ShapedType::isDynamic(ids.getDimSize(1)))
    return emitOpError("expected a static number of slots, got ") << ids;
  int64_t tokens = ids.getDimSize(0);
  int64_t pairs =
      ShapedType::isDynamic(tokens) ? tokens : tokens * ids.getDimSize(1);
  if (failed(checkExtent(*this, "rows of the input",
                         getBroadcast() ? tokens : pairs, input.getDimSize(0))))
    return failure();
  return checkExtent(*this, "rows of the result", pairs, result.getDimSize(0));
}

LogicalResult
GroupedMatmulOp::reifyResultShapes(OpBuilder &b,
                                   ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult rows;
  if (getIds()) {
    AffineExpr t = b.getAffineDimExpr(0);
    int64_t topK = cast<ShapedType>(getIds().getType()).getDimSize(1);
    rows = affine::makeComposedFoldedAffineApply(
        b, getLoc(), t * topK, {extentOf(b, getLoc(), getIds(), 0)});
  } else {
    rows = extentOf(b, getLoc(), getInput(), 0);
  }
  OpFoldResult width = getPanel()
                           ? OpFoldResult(b.getIndexAttr(
                                 outputType(*this, getOuts(), 0).getDimSize(1)))
                           : extentOf(b, getLoc(), getWeights(), 1);
  shapes.push_back({rows, width});
  return success();
}

void GroupedMatmulOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addComputeEffects(*this, getOuts(), effects);
}

LogicalResult GroupedMatmulOp::canonicalize(GroupedMatmulOp op,
                                            PatternRewriter &rewriter) {
  if (!op.getBroadcast() ||
      cast<ShapedType>(op.getIds().getType()).getDimSize(1) != 1)
    return rewriter.notifyMatchFailure(op, "tokens and pairs are not the same");
  rewriter.modifyOpInPlace(op, [&] { op.setBroadcast(false); });
  return success();
}
