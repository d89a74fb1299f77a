// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RouteBuilder.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::moe;

RouteBuilder::RouteBuilder(OpBuilder &builder, RouteOp op)
    : b(op.getLoc(), builder), op(op), numColumns(op.getNumColumns()),
      choices(op.getNumChoices()), experts(op.getNumRouted()),
      topK(op.getTopK()),
      scoredSlots(topK + (op.hasScoredShared() ? op.getNumShared() : 0)),
      numTokens(tensor::getMixedSize(b, b.getLoc(), op.getLogits(), 0)),
      tokens(getValueOrCreateConstantIndexOp(b, b.getLoc(), numTokens)) {}

Value RouteBuilder::empty(int64_t width, Type elementType) {
  OpFoldResult sizes[] = {numTokens, b.getIndexAttr(width)};
  return tensor::EmptyOp::create(b, sizes, elementType);
}

Value RouteBuilder::generate(int64_t width, Type elementType, ValueRange inputs,
                             Body body) {
  Value init = empty(width, elementType);
  SmallVector<AffineMap> maps(inputs.size() + 1, b.getMultiDimIdentityMap(2));
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange elements) {
               ScalarBuilder inner(loc, builder);
               Value t = linalg::IndexOp::create(inner, 0);
               Value i = linalg::IndexOp::create(inner, 1);
               linalg::YieldOp::create(inner,
                                       body(inner, t, i, elements.drop_back()));
             })
      .getResult(0);
}

Value RouteBuilder::generateRows(TokenBody body) {
  Value init = tensor::EmptyOp::create(b, ArrayRef(numTokens), b.getF32Type());
  AffineMap map = b.getMultiDimIdentityMap(1);
  auto parallel = utils::IteratorType::parallel;
  return linalg::GenericOp::create(
             b, init.getType(), ValueRange(), init, map, parallel,
             [&](OpBuilder &builder, Location loc, ValueRange) {
               ScalarBuilder inner(loc, builder);
               Value t = linalg::IndexOp::create(inner, 0);
               linalg::YieldOp::create(inner, body(inner, t));
             })
      .getResult(0);
}
