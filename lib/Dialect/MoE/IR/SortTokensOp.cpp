// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::moe;

void SortTokensOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() != 3)
    return;
  setName(getResult(0), "offsets");
  setName(getResult(1), "order");
  setName(getResult(2), "inverse");
}

int64_t SortTokensOp::getNumRows(int64_t pairs) {
  int64_t multiple = getRowMultiple();
  return llvm::alignTo(pairs + int64_t(getExperts()) * (multiple - 1),
                       multiple);
}

LogicalResult SortTokensOp::verify() {
  auto ids = cast<ShapedType>(getIds().getType());
  if (failed(checkDestinations(
          *this, getOuts(), {{"offsets", 1}, {"order", 1}, {"inverse", 2}})) ||
      failed(checkRank(*this, "ids", ids, 2)))
    return failure();
  int64_t tokens = ids.getDimSize(0), topK = ids.getDimSize(1);
  if (ShapedType::isDynamic(topK))
    return emitOpError("expected a static number of slots, got ") << ids;
  int64_t rows =
      ShapedType::isDynamic(tokens) ? tokens : getNumRows(tokens * topK);
  auto inverse = cast<ShapedType>(getOuts()[2].getType());
  if (failed(checkExtent(
          *this, "number of offsets", getExperts() + 1,
          cast<ShapedType>(getOuts()[0].getType()).getDimSize(0))) ||
      failed(checkExtent(
          *this, "length of order", rows,
          cast<ShapedType>(getOuts()[1].getType()).getDimSize(0))) ||
      failed(checkExtent(*this, "tokens of inverse", tokens,
                         inverse.getDimSize(0))))
    return failure();
  return checkExtent(*this, "slots of inverse", topK, inverse.getDimSize(1));
}
