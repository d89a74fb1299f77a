// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

void AttentionOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "attention");
}

LogicalResult AttentionOp::verify() {
  Builder b(getContext());
  KVCacheType cache = getCache().getType();
  auto query = cast<ShapedType>(getQuery().getType());
  auto positions = cast<ShapedType>(getPositions().getType());
  if (failed(checkForm(*this, getOuts(), {{"result", b.getF32Type(), 3}})) ||
      failed(checkRank(*this, "query", query, 3)) ||
      failed(checkRank(*this, "positions", positions, 1)))
    return failure();
  ShapedType result = outputType(*this, getOuts(), 0);
  int64_t tokens = query.getDimSize(0), heads = query.getDimSize(1);
  if (ShapedType::isDynamic(heads) || heads % cache.getHeads() != 0)
    return emitOpError("expected query heads to be a multiple of ")
           << cache.getHeads() << ", got " << query;
  if (failed(checkExtent(*this, "width of queries", cache.getKeyDim(),
                         query.getDimSize(2))) ||
      failed(checkExtent(*this, "rows of the result", tokens,
                         result.getDimSize(0))) ||
      failed(checkExtent(*this, "heads of the result", heads,
                         result.getDimSize(1))) ||
      failed(checkExtent(*this, "width of the result", cache.getValueDim(),
                         result.getDimSize(2))) ||
      failed(checkExtent(*this, "number of positions", tokens,
                         positions.getDimSize(0))))
    return failure();
  return checkSequences(*this, getSequences(), tokens);
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({extentOf(b, getLoc(), getQuery(), 0),
                    extentOf(b, getLoc(), getQuery(), 1),
                    b.getIndexAttr(getCache().getType().getValueDim())});
  return success();
}

void AttentionOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  // The cache is memory in either form.
  effects.emplace_back(MemoryEffects::Read::get(), &getCacheMutable());
  addComputeEffects(*this, getOuts(), effects);
}
