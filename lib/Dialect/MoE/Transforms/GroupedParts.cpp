// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GroupedParts.h"

using namespace mlir;
using namespace mlir::moe;

GroupedParts::GroupedParts(GroupedMatmulOp op)
    : input(op.getInput()), weights(op.getWeights()), offsets(op.getOffsets()),
      ids(op.getIds()), order(op.getOrder()), extras(op.getExtras()),
      maps(op.getEpilogueMaps()), combine(op.getCombine()),
      inverse(op.getInverse()), skipped(op.getSkipped()), init(op.getInit()),
      outs(op.getOuts()), topK(op.getTopK()), panel(op.getPanelAttr()),
      broadcast(op.getBroadcast()), partial(op.getPartial()) {}

GroupedMatmulOp GroupedParts::create(OpBuilder &b, Location loc) const {
  return GroupedMatmulOp::create(
      b, loc, input, weights, offsets, ids, order, extras, combine, inverse,
      skipped, init, /*scratch=*/Value(), outs,
      topK ? b.getI64IntegerAttr(*topK) : IntegerAttr(),
      maps.empty() ? ArrayAttr() : b.getAffineMapArrayAttr(maps), panel,
      broadcast, partial);
}

unsigned GroupedParts::addExtra(Value value, AffineMap map) {
  for (auto [i, extra] : llvm::enumerate(extras))
    if (extra == value && maps[i] == map)
      return i;
  extras.push_back(value);
  maps.push_back(map);
  return extras.size() - 1;
}

/// The sort whose result `i` is `value`.
static SortTokensOp getSort(Value value, unsigned i) {
  auto sort = value.getDefiningOp<SortTokensOp>();
  return sort && value == sort.getResult(i) ? sort : nullptr;
}

bool moe::areRowsOrderedBy(GroupedMatmulOp op, Value order, int64_t topK) {
  if (op.getIds())
    return !order && *op.getNumSlots() == topK;
  SortTokensOp sort = getSort(op.getOffsets(), 0);
  return sort && order == sort.getResult(1);
}

bool moe::areRowsFoundBy(GroupedMatmulOp op, Value inverse, int64_t topK) {
  if (op.getIds())
    return !inverse && *op.getNumSlots() == topK;
  SortTokensOp sort = getSort(op.getOffsets(), 0);
  return sort && inverse == sort.getResult(2);
}

bool moe::areRowsGroupedBy(GroupedMatmulOp op, Value offsets, Value ids) {
  return op.getOffsets() == offsets && op.getIds() == ids;
}
