// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult KVAppendOp::verify() {
  KVCacheType cache = getCache().getType();
  auto keys = cast<ShapedType>(getKeys().getType());
  auto values = cast<ShapedType>(getValues().getType());
  auto positions = cast<ShapedType>(getPositions().getType());
  int64_t tokens = keys.getDimSize(0);
  if (failed(checkRank(*this, "keys", keys, 3)) ||
      failed(checkRank(*this, "values", values, 3)) ||
      failed(checkRank(*this, "positions", positions, 1)) ||
      failed(checkExtent(*this, "heads of keys", cache.getHeads(),
                         keys.getDimSize(1))) ||
      failed(checkExtent(*this, "heads of values", cache.getHeads(),
                         values.getDimSize(1))) ||
      failed(checkExtent(*this, "width of keys", cache.getKeyDim(),
                         keys.getDimSize(2))) ||
      failed(checkExtent(*this, "width of values", cache.getValueDim(),
                         values.getDimSize(2))) ||
      failed(
          checkExtent(*this, "rows of values", tokens, values.getDimSize(0))) ||
      failed(checkExtent(*this, "number of positions", tokens,
                         positions.getDimSize(0))))
    return failure();
  return checkSequences(*this, getSequences(), tokens);
}

void KVAppendOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getCacheMutable());
  for (OpOperand &operand : getOperation()->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
}
