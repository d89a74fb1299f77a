// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GraphBuilder.h"

#include "Activation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace llvm;

namespace mlir::moe {
namespace {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Extents after the rows.
SmallVector<int64_t> extentsOf(Value value) {
  return llvm::to_vector(typeOf(value).getShape().drop_front());
}

} // namespace

RankedTensorType GraphBuilder::rowsOf(ArrayRef<int64_t> extents,
                                      Type elementType) {
  SmallVector<int64_t> shape = {
      getConstantIntValue(rows).value_or(ShapedType::kDynamic)};
  shape.append(extents.begin(), extents.end());
  return RankedTensorType::get(shape,
                               elementType ? elementType : b.getF32Type());
}

Value GraphBuilder::empty(ArrayRef<int64_t> extents) {
  SmallVector<OpFoldResult> sizes = {rows};
  for (int64_t extent : extents)
    sizes.push_back(b.getIndexAttr(extent));
  return tensor::EmptyOp::create(b, sizes, b.getF32Type());
}

AffineMap GraphBuilder::project(unsigned rank, ArrayRef<unsigned> dims) {
  return AffineMap::getMultiDimMapWithTargets(rank, dims, b.getContext());
}

Value GraphBuilder::elementwise(ArrayRef<int64_t> extents, ValueRange inputs,
                                ArrayRef<AffineMap> maps, Body body) {
  unsigned rank = extents.size() + 1;
  SmallVector<AffineMap> allMaps(maps);
  allMaps.resize(inputs.size() + 1, identity(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, rowsOf(extents), inputs, empty(extents), allMaps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, nested);
        linalg::YieldOp::create(inner, body(inner, args.drop_back()));
      });
  return generic.getResult(0);
}

Value GraphBuilder::linear(Value x, Value weight) {
  int64_t columns = typeOf(weight).getDimSize(0);
  Value zero =
      linalg::FillOp::create(b, createF32(b, 0), empty(columns)).getResult(0);
  return linalg::MatmulTransposeBOp::create(b, b.getLoc(), rowsOf(columns),
                                            ValueRange{x, weight}, zero)
      ->getResult(0);
}

Value GraphBuilder::addBias(Value x, Value bias) {
  SmallVector<int64_t> extents = extentsOf(x);
  unsigned rank = extents.size() + 1;
  return elementwise(extents, {x, bias},
                     {identity(rank), project(rank, rank - 1)},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(b, args[0], args[1]);
                     });
}

Value GraphBuilder::add(Value x, Value y) {
  return elementwise(extentsOf(x), {x, y}, {},
                     [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::AddFOp::create(b, args[0], args[1]);
                     });
}

Value GraphBuilder::clamp(Value x, double bound) {
  return elementwise(
      extentsOf(x), x, {},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value low = arith::MaximumFOp::create(b, args[0], createF32(b, -bound));
        return arith::MinimumFOp::create(b, low, createF32(b, bound));
      });
}

Value GraphBuilder::sumOver(Value x, bool ofSquares, unsigned reduced) {
  SmallVector<int64_t> extents = extentsOf(x);
  unsigned rank = extents.size() + 1;
  AffineMap kept = identity(rank).dropResult(reduced);
  SmallVector<int64_t> outer = extents;
  outer.erase(outer.begin() + reduced - 1);
  Value zero =
      linalg::FillOp::create(b, createF32(b, 0), empty(outer)).getResult(0);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[reduced] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, rowsOf(outer), x, zero, {identity(rank), kept}, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange args) {
               Value term = args[0];
               if (ofSquares)
                 term = arith::MulFOp::create(nested, loc, term, term);
               Value next = arith::AddFOp::create(nested, loc, args[1], term);
               linalg::YieldOp::create(nested, loc, next);
             })
      .getResult(0);
}

Value GraphBuilder::sumOfSquares(Value x) {
  constexpr int64_t lanes = 16;
  unsigned last = extentsOf(x).size();
  int64_t width = extentsOf(x).back();
  if (width % lanes != 0 || width == lanes)
    return sumOver(x, /*ofSquares=*/true, last);
  // Sixteen sums side by side: an order that is fixed and still runs in
  // vectors.
  Value split = splitLast(x, lanes);
  Value partial = sumOver(split, /*ofSquares=*/true, last);
  return sumOver(partial, /*ofSquares=*/false, last);
}

Value GraphBuilder::rmsNorm(Value x, Value weight, double eps) {
  SmallVector<int64_t> extents = extentsOf(x);
  unsigned rank = extents.size() + 1;
  int64_t width = extents.back();
  AffineMap withoutLast = identity(rank).getMajorSubMap(rank - 1);
  Value sum = sumOfSquares(x);

  return elementwise(
      extents, {x, sum, weight},
      {identity(rank), withoutLast, project(rank, rank - 1)},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value mean = arith::DivFOp::create(b, args[1], createF32(b, width));
        Value root = math::SqrtOp::create(
            b, arith::AddFOp::create(b, mean, createF32(b, eps)));
        Value scale = arith::DivFOp::create(b, createF32(b, 1), root);
        return arith::MulFOp::create(
            b, arith::MulFOp::create(b, args[0], scale), args[2]);
      });
}

Value GraphBuilder::gatedActivation(Activation activation, Value gate,
                                    Value up) {
  return elementwise(extentsOf(gate), {gate, up}, {},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                       return arith::MulFOp::create(
                           b, createActivation(b, activation, args[0]),
                           args[1]);
                     });
}

Value GraphBuilder::gatherRows(Value table, Value indices) {
  return elementwise(
      typeOf(table).getDimSize(1), indices, project(2, 0u),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
        Value column = linalg::IndexOp::create(b, 1);
        Value element =
            tensor::ExtractOp::create(b, table, ValueRange{row, column});
        if (element.getType().isF32())
          return element;
        return arith::ExtFOp::create(b, b.getF32Type(), element);
      });
}

Value GraphBuilder::splitHeads(Value x, int64_t heads) {
  int64_t width = typeOf(x).getDimSize(1) / heads;
  SmallVector<OpFoldResult> shape = {rows, b.getIndexAttr(heads),
                                     b.getIndexAttr(width)};
  return tensor::ExpandShapeOp::create(
      b, rowsOf({heads, width}), x, ArrayRef<ReassociationIndices>{{0}, {1, 2}},
      shape);
}

Value GraphBuilder::mergeHeads(Value x) {
  return tensor::CollapseShapeOp::create(
      b, x, ArrayRef<ReassociationIndices>{{0}, {1, 2}});
}

RotaryTables GraphBuilder::rotaryTables(Value positions, Value frequencies) {
  int64_t half = typeOf(frequencies).getDimSize(0);
  auto table = [&](auto function) {
    return elementwise(
        half, {positions, frequencies}, {project(2, 0u), project(2, 1u)},
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          Value position = arith::SIToFPOp::create(b, b.getF32Type(), args[0]);
          return function(b, arith::MulFOp::create(b, position, args[1]));
        });
  };
  return {table([](ImplicitLocOpBuilder &b, Value angle) -> Value {
            return math::CosOp::create(b, angle);
          }),
          table([](ImplicitLocOpBuilder &b, Value angle) -> Value {
            return math::SinOp::create(b, angle);
          })};
}

Value GraphBuilder::splitLast(Value x, int64_t inner) {
  SmallVector<int64_t> extents = extentsOf(x);
  SmallVector<ReassociationIndices> groups;
  for (unsigned dim = 0; dim < extents.size(); ++dim)
    groups.push_back({dim});
  groups.push_back({int64_t(extents.size()), int64_t(extents.size()) + 1});
  extents.back() /= inner;
  extents.push_back(inner);
  SmallVector<OpFoldResult> shape = {rows};
  for (int64_t extent : extents)
    shape.push_back(b.getIndexAttr(extent));
  return tensor::ExpandShapeOp::create(b, rowsOf(extents), x, groups, shape);
}

Value GraphBuilder::rotate(Value x, const RotaryTables &tables) {
  int64_t heads = typeOf(x).getDimSize(1), half = typeOf(x).getDimSize(2) / 2;
  Value halves = splitLast(x, half);
  // out[t, h, 0, j] = x0·cos - x1·sin; out[t, h, 1, j] = x1·cos + x0·sin: the
  // other half is read by its index.
  AffineMap byRow = project(4, {0u, 3u});
  Value rotated = elementwise(
      {heads, 2, half}, {halves, tables.cos, tables.sin},
      {identity(4), byRow, byRow},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value side = linalg::IndexOp::create(b, 2);
        Value other = arith::SubIOp::create(
            b, arith::ConstantIndexOp::create(b, 1), side);
        Value partner = tensor::ExtractOp::create(
            b, halves,
            ValueRange{linalg::IndexOp::create(b, 0),
                       linalg::IndexOp::create(b, 1), other,
                       linalg::IndexOp::create(b, 3)});
        Value first =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, side,
                                  arith::ConstantIndexOp::create(b, 0));
        Value signedPartner = arith::SelectOp::create(
            b, first, arith::NegFOp::create(b, partner), partner);
        Value own = arith::MulFOp::create(b, args[0], args[1]);
        return arith::AddFOp::create(
            b, own, arith::MulFOp::create(b, signedPartner, args[2]));
      });
  return tensor::CollapseShapeOp::create(
      b, rotated, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
}

} // namespace mlir::moe
