// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

AffineMap moe::selectLoops(OpBuilder &b, unsigned numLoops,
                           ArrayRef<unsigned> loops) {
  SmallVector<AffineExpr> results;
  for (unsigned loop : loops)
    results.push_back(b.getAffineDimExpr(loop));
  return AffineMap::get(numLoops, 0, results, b.getContext());
}

Value moe::buildGeneric(OpBuilder &b, Location loc,
                        ArrayRef<LinalgOperand> inputs, LinalgOperand output,
                        ElementBody body) {
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (const LinalgOperand &input : inputs) {
    values.push_back(input.value);
    maps.push_back(input.map);
  }
  maps.push_back(output.map);
  SmallVector<IteratorType> iterators;
  for (unsigned loop = 0, e = output.map.getNumDims(); loop < e; ++loop)
    iterators.push_back(output.map.isFunctionOfDim(loop)
                            ? IteratorType::parallel
                            : IteratorType::reduction);
  return linalg::GenericOp::create(
             b, loc, output.value.getType(), values, output.value, maps,
             iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args));
             })
      .getResult(0);
}

Value moe::createEmpty(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> shape,
                       Type elementType) {
  return tensor::EmptyOp::create(b, loc, shape, elementType);
}

Value moe::createFilled(OpBuilder &b, Location loc,
                        ArrayRef<OpFoldResult> shape, TypedAttr value) {
  Value scalar = arith::ConstantOp::create(b, loc, value);
  Value empty = createEmpty(b, loc, shape, value.getType());
  return linalg::FillOp::create(b, loc, scalar, empty).getResult(0);
}

Value moe::createZerosLike(OpBuilder &b, Location loc, Value like) {
  return createFilled(b, loc, tensor::getMixedSizes(b, loc, like),
                      b.getF32FloatAttr(0.0f));
}

Value moe::createF32(OpBuilder &b, Location loc, float value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}
