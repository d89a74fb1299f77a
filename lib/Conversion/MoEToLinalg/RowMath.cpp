// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RowMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;
using utils::IteratorType;

/// An element from those of the inputs and, in a reduction, of the result.
using ElementBody = function_ref<Value(OpBuilder &, Location, ValueRange)>;

static Value constant(OpBuilder &b, Location loc, const APFloat &value) {
  return arith::ConstantOp::create(b, loc,
                                   FloatAttr::get(b.getF32Type(), value));
}

/// body(x[t, n], other[t] or other[n]) for all elements; `otherDim` says which.
static Value buildElementwise(OpBuilder &b, Location loc, Value x, Value other,
                              unsigned otherDim, ElementBody body) {
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(2));
  SmallVector<Value> inputs = {x};
  if (other) {
    inputs.push_back(other);
    maps.insert(maps.begin() + 1,
                AffineMap::get(2, 0, b.getAffineDimExpr(otherDim)));
  }
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, x), b.getF32Type());
  SmallVector<IteratorType> iterators(2, IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), inputs, empty, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args));
             })
      .getResult(0);
}

/// acc[t] = body(x[t, n], acc[t]) for rising n, from `start`.
static Value buildReduction(OpBuilder &b, Location loc, Value x,
                            const APFloat &start, ElementBody body) {
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSize(b, loc, x, 0), b.getF32Type());
  Value init = linalg::FillOp::create(b, loc, constant(b, loc, start), empty)
                   .getResult(0);
  AffineMap maps[] = {b.getMultiDimIdentityMap(2),
                      AffineMap::get(2, 0, b.getAffineDimExpr(0))};
  IteratorType iterators[] = {IteratorType::parallel, IteratorType::reduction};
  return linalg::GenericOp::create(
             b, loc, init.getType(), x, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args));
             })
      .getResult(0);
}

static Value buildSum(OpBuilder &b, Location loc, Value x) {
  return buildReduction(
      b, loc, x, APFloat(0.0f),
      [](OpBuilder &b, Location loc, ValueRange args) {
        return arith::AddFOp::create(b, loc, args[1], args[0]).getResult();
      });
}

static Value buildQuotient(OpBuilder &b, Location loc, Value x, Value divisor) {
  return buildElementwise(
      b, loc, x, divisor, /*otherDim=*/0,
      [](OpBuilder &b, Location loc, ValueRange args) {
        return arith::DivFOp::create(b, loc, args[0], args[1]).getResult();
      });
}

Value moe::buildSoftmax(OpBuilder &b, Location loc, Value x) {
  APFloat lowest = APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true);
  Value max = buildReduction(
      b, loc, x, lowest, [](OpBuilder &b, Location loc, ValueRange args) {
        return arith::MaximumFOp::create(b, loc, args[1], args[0]).getResult();
      });
  Value exp = buildElementwise(
      b, loc, x, max, /*otherDim=*/0,
      [](OpBuilder &b, Location loc, ValueRange args) {
        Value shifted = arith::SubFOp::create(b, loc, args[0], args[1]);
        return math::ExpOp::create(b, loc, shifted).getResult();
      });
  return buildQuotient(b, loc, exp, buildSum(b, loc, exp));
}

Value moe::buildSigmoid(OpBuilder &b, Location loc, Value x) {
  return buildElementwise(
      b, loc, x, /*other=*/nullptr, /*otherDim=*/0,
      [](OpBuilder &b, Location loc, ValueRange args) {
        Value one = constant(b, loc, APFloat(1.0f));
        Value negated = arith::NegFOp::create(b, loc, args[0]);
        Value exp = math::ExpOp::create(b, loc, negated);
        Value divisor = arith::AddFOp::create(b, loc, one, exp);
        return arith::DivFOp::create(b, loc, one, divisor).getResult();
      });
}

Value moe::buildAddVector(OpBuilder &b, Location loc, Value x, Value vector) {
  return buildElementwise(
      b, loc, x, vector, /*otherDim=*/1,
      [](OpBuilder &b, Location loc, ValueRange args) {
        return arith::AddFOp::create(b, loc, args[0], args[1]).getResult();
      });
}

Value moe::buildDivideBySum(OpBuilder &b, Location loc, Value x,
                            const APFloat &epsilon) {
  Value sum = buildSum(b, loc, x);
  return buildElementwise(
      b, loc, x, sum, /*otherDim=*/0,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value divisor =
            arith::AddFOp::create(b, loc, args[1], constant(b, loc, epsilon));
        return arith::DivFOp::create(b, loc, args[0], divisor).getResult();
      });
}

Value moe::buildScale(OpBuilder &b, Location loc, Value x,
                      const APFloat &factor) {
  return buildElementwise(
      b, loc, x, /*other=*/nullptr, /*otherDim=*/0,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        return arith::MulFOp::create(b, loc, args[0], constant(b, loc, factor))
            .getResult();
      });
}
