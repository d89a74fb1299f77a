// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

static ShapedType typeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Checks the shape of a matrix of counts or of first rows, [C, columns].
static LogicalResult checkChunks(Operation *op, StringRef what, Value matrix,
                                 Value ids, int64_t chunk) {
  int64_t tokens = typeOf(ids).getDimSize(0), topK = typeOf(ids).getDimSize(1);
  if (ShapedType::isDynamic(tokens) || ShapedType::isDynamic(topK))
    return success();
  return checkExtent(op, "chunks of " + what, tokens * topK / chunk + 1,
                     typeOf(matrix).getDimSize(0));
}

//===----------------------------------------------------------------------===//
// count_pairs
//===----------------------------------------------------------------------===//

void CountPairsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() == 1)
    setName(getResult(0), "counts");
}

LogicalResult CountPairsOp::verify() {
  if (failed(checkDestinations(*this, getOuts(), {{"counts", 2}})) ||
      failed(checkRank(*this, "ids", getIds().getType(), 2)))
    return failure();
  return checkChunks(*this, "counts", getOuts()[0], getIds(), getChunk());
}

//===----------------------------------------------------------------------===//
// scan_counts
//===----------------------------------------------------------------------===//

void ScanCountsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() != 2)
    return;
  setName(getResult(0), "offsets");
  setName(getResult(1), "starts");
}

LogicalResult ScanCountsOp::verify() {
  if (failed(checkDestinations(*this, getOuts(),
                               {{"offsets", 1}, {"starts", 2}})) ||
      failed(checkRank(*this, "counts", getCounts().getType(), 2)))
    return failure();
  ShapedType counts = typeOf(getCounts()), offsets = typeOf(getOuts()[0]),
             starts = typeOf(getOuts()[1]);
  if (failed(checkExtent(*this, "number of offsets", counts.getDimSize(1),
                         offsets.getDimSize(0))) ||
      failed(checkExtent(*this, "chunks of starts", counts.getDimSize(0),
                         starts.getDimSize(0))))
    return failure();
  return checkExtent(*this, "columns of starts", counts.getDimSize(1),
                     starts.getDimSize(1));
}

//===----------------------------------------------------------------------===//
// place_pairs
//===----------------------------------------------------------------------===//

void PlacePairsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() != 2)
    return;
  setName(getResult(0), "order");
  setName(getResult(1), "inverse");
}

LogicalResult PlacePairsOp::verify() {
  if (failed(checkDestinations(*this, getOuts(),
                               {{"order", 1}, {"inverse", 2}})) ||
      failed(checkRank(*this, "ids", getIds().getType(), 2)) ||
      failed(checkRank(*this, "starts", getStarts().getType(), 2)) ||
      failed(checkRank(*this, "offsets", getOffsets().getType(), 1)) ||
      failed(checkChunks(*this, "starts", getStarts(), getIds(), getChunk())))
    return failure();
  ShapedType ids = typeOf(getIds()), inverse = typeOf(getOuts()[1]);
  if (failed(checkExtent(*this, "columns of starts",
                         typeOf(getOffsets()).getDimSize(0),
                         typeOf(getStarts()).getDimSize(1))) ||
      failed(checkExtent(*this, "tokens of inverse", ids.getDimSize(0),
                         inverse.getDimSize(0))) ||
      failed(checkExtent(*this, "slots of inverse", ids.getDimSize(1),
                         inverse.getDimSize(1))))
    return failure();
  int64_t rows = typeOf(getOuts()[0]).getDimSize(0);
  if (!ids.hasStaticShape() || ShapedType::isDynamic(rows) ||
      rows >= ids.getNumElements())
    return success();
  return emitOpError("expected at least ")
         << ids.getNumElements() << " rows in order, got " << rows;
}
