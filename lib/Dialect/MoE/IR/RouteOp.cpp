// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

void RouteOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() != 2)
    return;
  setName(getResult(0), "weights");
  setName(getResult(1), "ids");
}

LogicalResult RouteOp::verify() {
  Builder b(getContext());
  if (failed(checkForm(
          *this, getOuts(),
          {{"weights", b.getF32Type(), 2}, {"ids", b.getI32Type(), 2}})) ||
      failed(checkRank(*this, "logits", getLogits().getType(), 2)))
    return failure();
  auto logits = cast<ShapedType>(getLogits().getType());
  int64_t experts = logits.getDimSize(1), topK = getTopK();
  if (ShapedType::isDynamic(experts))
    return emitOpError("expected a static number of experts, got ") << logits;
  if (topK > experts)
    return emitOpError("expected top_k to be 1 to ")
           << experts << ", got " << topK;
  if (getBias()) {
    auto bias = cast<ShapedType>(getBias().getType());
    if (failed(checkRank(*this, "bias", bias, 1)) ||
        failed(checkExtent(*this, "length of the bias", experts,
                           bias.getDimSize(0))))
      return failure();
  }
  for (unsigned i : {0u, 1u}) {
    ShapedType out = outputType(*this, getOuts(), i);
    StringRef name = i == 0 ? "weights" : "ids";
    if (failed(checkExtent(*this, "tokens of " + name, logits.getDimSize(0),
                           out.getDimSize(0))) ||
        failed(checkExtent(*this, "slots of " + name, topK, out.getDimSize(1))))
      return failure();
  }
  return success();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &b,
                                         ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> shape = {extentOf(b, getLoc(), getLogits(), 0),
                                     b.getIndexAttr(getTopK())};
  shapes.assign(2, shape);
  return success();
}

void RouteOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addComputeEffects(*this, getOuts(), effects);
}

LogicalResult RouteOp::canonicalize(RouteOp op, PatternRewriter &rewriter) {
  std::optional<APFloat> epsilon = op.getNormalize();
  if (!epsilon || !epsilon->isZero())
    return rewriter.notifyMatchFailure(op, "does not divide by the plain sum");
  if (op.getScore() == ScoreFunction::SoftmaxTopK) {
    // The weights sum to 1 already.
    rewriter.modifyOpInPlace(op, [&] { op.removeNormalizeAttr(); });
    return success();
  }
  if (op.getScore() != ScoreFunction::Softmax || op.getBias())
    return rewriter.notifyMatchFailure(op, "the divisor does not cancel");
  // Softmax over the k chosen needs k exponentials instead of E, and no second
  // division. Both subtract the same largest logit, which is always chosen, so
  // numerators are equal and the weights differ only by rounding.
  rewriter.modifyOpInPlace(op, [&] {
    op.setScore(ScoreFunction::SoftmaxTopK);
    op.removeNormalizeAttr();
  });
  return success();
}
