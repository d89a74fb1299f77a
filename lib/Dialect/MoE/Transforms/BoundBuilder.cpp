// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound follows the computation of what it bounds. Where there is no way on
// (an element of memory), the other operand of a minimum goes on, and last
// comes the constant that `moe.max_shape` allows.
#include "BoundBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/Analysis/UpperBound.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
class BoundBuilder {
public:
  BoundBuilder(OpBuilder &b, Location loc, function_ref<bool(Value)> isKnown)
      : b(b), loc(loc), isKnown(isKnown) {}

  Value bound(Value value);

private:
  Value boundOp(Operation *op);
  Value boundExtent(Value memref, int64_t dim);
  Value bound(OpFoldResult size);
  Value constant(Type type, int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  }
  Value index(int64_t value) { return constant(b.getIndexType(), value); }

  /// The operation on the bounds of both operands: of those that rise with
  /// each of them.
  template <typename OpTy>
  Value rising(OpTy op) {
    Value lhs = bound(op.getLhs()), rhs = bound(op.getRhs());
    return lhs && rhs ? b.createOrFold<OpTy>(loc, lhs, rhs) : Value();
  }
  /// A quotient falls with its divisor, which is 1 at the least.
  template <typename OpTy>
  Value quotient(OpTy op) {
    Value lhs = bound(op.getLhs()), divisor = op.getRhs();
    if (std::optional<int64_t> known = getConstantIntValue(divisor)) {
      if (*known < 1)
        return nullptr;
      divisor = constant(divisor.getType(), *known);
    } else if (!isKnown(divisor))
      return lhs;
    return lhs ? b.createOrFold<OpTy>(loc, lhs, divisor) : lhs;
  }

  OpBuilder &b;
  Location loc;
  function_ref<bool(Value)> isKnown;
};
} // namespace

Value BoundBuilder::bound(OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    return bound(value);
  return index(*getConstantIntValue(size));
}

Value BoundBuilder::boundExtent(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return index(type.getDimSize(dim));
  if (isKnown(memref))
    return b.createOrFold<memref::DimOp>(loc, memref, dim);
  Operation *op = memref.getDefiningOp();
  if (!op)
    return nullptr;
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<memref::ReinterpretCastOp>(
          [&](auto view) { return bound(view.getMixedSizes()[dim]); })
      .Case([&](memref::SubViewOp view) {
        llvm::SmallBitVector dropped = view.getDroppedDims();
        SmallVector<OpFoldResult> kept;
        for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
          if (!dropped.test(i))
            kept.push_back(size);
        return bound(kept[dim]);
      })
      .Case([&](memref::CastOp cast) {
        return boundExtent(cast.getSource(), dim);
      })
      .Case([&](memref::ExpandShapeOp expand) {
        return bound(expand.getMixedOutputShape()[dim]);
      })
      .Case([&](arith::SelectOp select) -> Value {
        Value lhs = boundExtent(select.getTrueValue(), dim);
        Value rhs = boundExtent(select.getFalseValue(), dim);
        return lhs && rhs ? b.createOrFold<arith::MaxSIOp>(loc, lhs, rhs)
                          : Value();
      })
      .Case([&](memref::CollapseShapeOp collapse) {
        Value product = index(1);
        for (int64_t source : collapse.getReassociationIndices()[dim]) {
          Value extent = boundExtent(collapse.getSrc(), source);
          if (!extent)
            return extent;
          product = b.createOrFold<arith::MulIOp>(loc, product, extent);
        }
        return product;
      })
      .Default([](Operation *) { return Value(); });
}

Value BoundBuilder::boundOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<arith::MinSIOp, arith::MinUIOp>([&](auto min) -> Value {
        Value lhs = bound(min.getLhs()), rhs = bound(min.getRhs());
        if (!lhs || !rhs)
          return lhs ? lhs : rhs;
        return b.createOrFold<decltype(min)>(loc, lhs, rhs);
      })
      .Case<arith::AddIOp, arith::MulIOp, arith::MaxSIOp, arith::MaxUIOp>(
          [&](auto op) { return rising(op); })
      .Case<arith::DivUIOp, arith::DivSIOp, arith::CeilDivUIOp,
            arith::CeilDivSIOp>([&](auto op) { return quotient(op); })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>([&](auto cast) -> Value {
        Value in = bound(cast.getIn());
        return in ? b.createOrFold<decltype(cast)>(loc, cast.getType(), in)
                  : Value();
      })
      .Case([&](arith::SelectOp select) -> Value {
        Value lhs = bound(select.getTrueValue());
        Value rhs = bound(select.getFalseValue());
        return lhs && rhs ? b.createOrFold<arith::MaxSIOp>(loc, lhs, rhs)
                          : Value();
      })
      .Case([&](memref::DimOp dim) {
        std::optional<int64_t> index = dim.getConstantIndex();
        return index ? boundExtent(dim.getSource(), *index) : Value();
      })
      .Default([](Operation *) { return Value(); });
}

Value BoundBuilder::bound(Value value) {
  // A product with a negative number would not rise with its other operand.
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return *known >= 0 ? constant(value.getType(), *known) : Value();
  if (isKnown(value))
    return value;
  Operation *op = value.getDefiningOp();
  if (Value built = op ? boundOp(op) : Value())
    return built;
  std::optional<int64_t> most = getUpperBound(value);
  return most ? constant(value.getType(), *most) : Value();
}

Value moe::buildBound(OpBuilder &b, Location loc, Value value,
                      function_ref<bool(Value)> isKnown) {
  return BoundBuilder(b, loc, isKnown).bound(value);
}
