// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

RowOrder RowOrder::create(OpBuilder &b, DispatchOp dispatch, bool sorted) {
  Location loc = dispatch.getLoc();
  RowOrder order;
  order.tokens = dispatch.getInput();
  Value ids = dispatch.getIds();
  order.experts = dispatch.getExperts();
  order.topK = dispatch.getPlan().getType().getTopK();
  order.partial = dispatch.getPartial();
  order.scale = dispatch.getScale();

  auto idsType = cast<RankedTensorType>(ids.getType());
  if (!idsType.isDynamicDim(0)) {
    order.numRows = b.getIndexAttr(idsType.getDimSize(0) * order.topK);
  } else {
    Value extent = tensor::DimOp::create(b, loc, order.tokens, 0);
    Value topK = arith::ConstantIndexOp::create(b, loc, order.topK);
    order.numRows = arith::MulIOp::create(b, loc, extent, topK).getResult();
  }
  if (!sorted) {
    order.ids = ids;
    return order;
  }

  auto empty = [&](ArrayRef<OpFoldResult> shape) -> Value {
    return tensor::EmptyOp::create(b, loc, shape, b.getI32Type());
  };
  Value outs[] = {empty({b.getIndexAttr(order.experts + 1)}),
                  empty({order.numRows}),
                  empty(tensor::getMixedSizes(b, loc, ids))};
  auto sort = SortTokensOp::create(b, loc, ids, outs, order.experts);
  sort.setPartial(order.partial);
  order.offsets = sort.getResult(0);
  order.order = sort.getResult(1);
  order.inverse = sort.getResult(2);
  return order;
}

RankedTensorType RowOrder::getRowsType(int64_t width) const {
  int64_t rows = getConstantIntValue(numRows).value_or(ShapedType::kDynamic);
  return RankedTensorType::get(
      {rows, width}, cast<ShapedType>(tokens.getType()).getElementType());
}

Value RowOrder::createEmpty(OpBuilder &b, Location loc,
                            OpFoldResult width) const {
  return tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>{numRows, width},
                                 getElementTypeOrSelf(tokens));
}

Value RowOrder::gather(OpBuilder &b, Location loc) const {
  // Rows of single slots are the tokens.
  if (hasTokenRows() && topK == 1)
    return tokens;
  Value empty = createEmpty(b, loc, tensor::getMixedSize(b, loc, tokens, 1));
  return GatherRowsOp::create(b, loc, tokens, order, scale, empty, topK)
      .getResult(0);
}

Value RowOrder::createVectors(OpBuilder &b, Location loc, Value vectors) const {
  OpFoldResult sizes[] = {numRows, tensor::getMixedSize(b, loc, vectors, 1)};
  Value empty =
      tensor::EmptyOp::create(b, loc, sizes, getElementTypeOrSelf(vectors));
  return ExpertRowsOp::create(b, loc, vectors, offsets, ids, empty, partial)
      .getResult(0);
}

Value RowOrder::combine(OpBuilder &b, Location loc, Value rows, Value weights,
                        Value init, Value skipped) const {
  OpFoldResult sizes[] = {tensor::getMixedSize(b, loc, tokens, 0),
                          tensor::getMixedSize(b, loc, rows, 1)};
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  if (!partial)
    return CombineRowsOp::create(b, loc, rows, weights, inverse,
                                 /*offsets=*/nullptr, /*ids=*/nullptr,
                                 /*skipped=*/nullptr, init, empty,
                                 /*experts=*/nullptr)
        .getResult(0);
  return CombineRowsOp::create(
             b, loc, rows, weights, inverse, offsets, ids, skipped, init, empty,
             isSorted() ? nullptr : b.getI64IntegerAttr(experts))
      .getResult(0);
}
