// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

RowOrder RowOrder::create(OpBuilder &b, DispatchOp dispatch, bool sorted) {
  Location loc = dispatch.getLoc();
  RowOrder order;
  order.tokens = dispatch.getInput();
  Value ids = dispatch.getIds();
  order.experts = dispatch.getExperts();
  order.topK = dispatch.getPlan().getType().getTopK();

  auto idsType = cast<RankedTensorType>(ids.getType());
  int64_t numTokens = idsType.getDimSize(0), numRows = numTokens;
  if (!idsType.isDynamicDim(0)) {
    numRows = numTokens * order.topK;
    order.numRows = b.getIndexAttr(numRows);
  } else {
    Value extent = tensor::DimOp::create(b, loc, order.tokens, 0);
    Value topK = arith::ConstantIndexOp::create(b, loc, order.topK);
    order.numRows = arith::MulIOp::create(b, loc, extent, topK).getResult();
  }
  if (!sorted) {
    order.ids = ids;
    return order;
  }

  Type i32 = b.getI32Type();
  Type types[] = {RankedTensorType::get({order.experts + 1}, i32),
                  RankedTensorType::get({numRows}, i32),
                  RankedTensorType::get({numTokens, order.topK}, i32)};
  auto sort = SortTokensOp::create(b, loc, types, ids, ValueRange(),
                                   b.getI64IntegerAttr(order.experts));
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
  // Unsorted rows of single slots are the tokens.
  if (!isSorted() && topK == 1)
    return tokens;

  AffineMap row = AffineMap::get(2, 0, b.getAffineDimExpr(0));
  AffineMap element = b.getMultiDimIdentityMap(2);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  if (isSorted()) {
    inputs.push_back(order);
    maps.push_back(row);
  }
  maps.push_back(element);
  Value empty = createEmpty(b, loc, tensor::getMixedSize(b, loc, tokens, 1));
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    Value pair =
        isSorted()
            ? arith::IndexCastOp::create(b, loc, b.getIndexType(), args.front())
                  .getResult()
            : linalg::IndexOp::create(b, loc, 0).getResult();
    Value slots = arith::ConstantIndexOp::create(b, loc, topK);
    Value token = arith::DivUIOp::create(b, loc, pair, slots);
    Value column = linalg::IndexOp::create(b, loc, 1);
    Value value =
        tensor::ExtractOp::create(b, loc, tokens, ValueRange{token, column});
    linalg::YieldOp::create(b, loc, value);
  };
  return linalg::GenericOp::create(
             b, loc, empty.getType(), inputs, empty, maps,
             SmallVector<IteratorType>(2, IteratorType::parallel), body)
      .getResult(0);
}

Value RowOrder::combine(OpBuilder &b, Location loc, Value rows, Value weights,
                        Value init) const {
  if (!init) {
    OpFoldResult sizes[] = {tensor::getMixedSize(b, loc, tokens, 0),
                            tensor::getMixedSize(b, loc, rows, 1)};
    Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0.0f));
    init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  }

  AffineExpr t, s, d;
  bindDims(b.getContext(), t, s, d);
  AffineMap pair = AffineMap::get(3, 0, {t, s}, b.getContext());
  AffineMap element = AffineMap::get(3, 0, {t, d}, b.getContext());
  SmallVector<Value> inputs = {weights};
  SmallVector<AffineMap> maps = {pair};
  if (isSorted()) {
    inputs.push_back(inverse);
    maps.push_back(pair);
  }
  maps.push_back(element);
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    Value row;
    if (isSorted()) {
      row = arith::IndexCastOp::create(b, loc, b.getIndexType(), args[1]);
    } else {
      Value slots = arith::ConstantIndexOp::create(b, loc, topK);
      Value token = linalg::IndexOp::create(b, loc, 0);
      Value first = arith::MulIOp::create(b, loc, token, slots);
      Value slot = linalg::IndexOp::create(b, loc, 1);
      row = arith::AddIOp::create(b, loc, first, slot);
    }
    Value column = linalg::IndexOp::create(b, loc, 2);
    Value value =
        tensor::ExtractOp::create(b, loc, rows, ValueRange{row, column});
    Value sum = math::FmaOp::create(b, loc, args[0], value, args.back());
    linalg::YieldOp::create(b, loc, sum);
  };
  return linalg::GenericOp::create(
             b, loc, init.getType(), inputs, init, maps,
             ArrayRef<IteratorType>{IteratorType::parallel,
                                    IteratorType::reduction,
                                    IteratorType::parallel},
             body)
      .getResult(0);
}
