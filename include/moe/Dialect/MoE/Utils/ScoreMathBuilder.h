// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_UTILS_SCOREMATHBUILDER_H
#define MOE_DIALECT_MOE_UTILS_SCOREMATHBUILDER_H

#include "moe/Dialect/MoE/Utils/ScoreMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::moe {

/// `Ops` of ScoreMath that emit arith and math operations, on f32 or, with
/// `lanes`, on vectors of that many.
class BuilderOps {
public:
  using Value = mlir::Value;
  using Bits = mlir::Value;
  using Condition = mlir::Value;

  explicit BuilderOps(ImplicitLocOpBuilder &b,
                      std::optional<int64_t> lanes = std::nullopt)
      : b(b), lanes(lanes) {}

  Value constant(float value) { return splat(b.getF32FloatAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  Value sqrt(Value x) { return math::SqrtOp::create(b, x); }
  Value less(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
  }
  Value equal(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
  }
  Value isNaN(Value x) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  Value bits(Value x) {
    return arith::BitcastOp::create(b, typed(b.getI32Type()), x);
  }
  Value fromBits(Value x) {
    return arith::BitcastOp::create(b, typed(b.getF32Type()), x);
  }
  Value toFloat(Value x) {
    return arith::SIToFPOp::create(b, typed(b.getF32Type()), x);
  }
  Value constantBits(int32_t value) {
    return splat(b.getI32IntegerAttr(value));
  }
  Value addBits(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subBits(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value andBits(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value xorBits(Value x, Value y) { return arith::XOrIOp::create(b, x, y); }
  Value shiftLeft(Value x, int32_t count) {
    return arith::ShLIOp::create(b, x, constantBits(count));
  }
  Value shiftRight(Value x, int32_t count) {
    return arith::ShRSIOp::create(b, x, constantBits(count));
  }

private:
  Type typed(Type element) {
    return lanes ? VectorType::get({*lanes}, element) : element;
  }
  Value splat(TypedAttr value) {
    if (lanes)
      value = DenseElementsAttr::get(VectorType::get({*lanes}, value.getType()),
                                     Attribute(value));
    return arith::ConstantOp::create(b, value);
  }

  ImplicitLocOpBuilder &b;
  std::optional<int64_t> lanes;
};

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_SCOREMATHBUILDER_H
