// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::moe;

void CombineRowsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "combined");
}

/// What tells kept pairs from skipped ones.
static LogicalResult checkSkipping(CombineRowsOp op, int64_t tokens,
                                   int64_t topK) {
  if (op.getOffsets() && !op.getInverse())
    return op.emitOpError("expected inverse with offsets");
  if (op.getIds() && op.getInverse())
    return op.emitOpError("expected offsets, not ids, with inverse");
  if (!op.getIds() != !op.getExperts())
    return op.emitOpError("expected experts if and only if ids are given");
  if (op.getSkipped() && !op.getPartial())
    return op.emitOpError("expected offsets or ids with skipped");
  if (op.getOffsets() &&
      failed(checkRank(op, "offsets", op.getOffsets().getType(), 1)))
    return failure();
  return checkPairs(op, "ids", op.getIds(), tokens, topK);
}

LogicalResult CombineRowsOp::verify() {
  auto rows = cast<ShapedType>(getRows().getType());
  auto weights = cast<ShapedType>(getWeights().getType());
  if (failed(checkDestinations(*this, getOuts(), {{"result", 2}})) ||
      failed(checkRank(*this, "rows", rows, 2)) ||
      failed(checkRank(*this, "weights", weights, 2)))
    return failure();
  int64_t tokens = weights.getDimSize(0), topK = weights.getDimSize(1);
  if (ShapedType::isDynamic(topK))
    return emitOpError("expected a static number of slots, got ") << weights;
  if (failed(checkExtent(*this, "number of rows", getNumPairs(tokens, topK),
                         rows.getDimSize(0))) ||
      failed(checkPairs(*this, "inverse", getInverse(), tokens, topK)) ||
      failed(checkSkipping(*this, tokens, topK)))
    return failure();
  auto result = cast<ShapedType>(getOuts()[0].getType());
  if (failed(checkExtent(*this, "tokens of the result", tokens,
                         result.getDimSize(0))) ||
      failed(checkExtent(*this, "width of the result", rows.getDimSize(1),
                         result.getDimSize(1))))
    return failure();
  for (auto [name, value] : {std::pair<StringRef, Value>{"init", getInit()},
                             {"skipped", getSkipped()}}) {
    if (!value)
      continue;
    auto type = cast<ShapedType>(value.getType());
    if (failed(checkRank(*this, name, type, 2)) ||
        failed(checkExtent(*this, "tokens of " + name, tokens,
                           type.getDimSize(0))) ||
        failed(checkExtent(*this, "width of " + name, rows.getDimSize(1),
                           type.getDimSize(1))))
      return failure();
  }
  return success();
}

LogicalResult CombineRowsOp::canonicalize(CombineRowsOp op,
                                          PatternRewriter &rewriter) {
  return forwardEmptyDestination(rewriter, op);
}
