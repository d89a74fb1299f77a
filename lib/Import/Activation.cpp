// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Activation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::moe {

Value createF32(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(
      b, b.getF32FloatAttr(static_cast<float>(value)));
}

/// x / (1 + exp(-x)).
static Value createSiLU(ImplicitLocOpBuilder &b, Value x) {
  Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, x,
                               arith::AddFOp::create(b, createF32(b, 1), exp));
}

/// x · (1 + gate) / 2, the common part of both forms of GELU.
static Value createHalfGated(ImplicitLocOpBuilder &b, Value x, Value gate) {
  Value half = arith::MulFOp::create(b, x, createF32(b, 0.5));
  return arith::MulFOp::create(b, half,
                               arith::AddFOp::create(b, createF32(b, 1), gate));
}

/// x · (1 + erf(x / √2)) / 2.
static Value createGELU(ImplicitLocOpBuilder &b, Value x) {
  Value scaled =
      arith::MulFOp::create(b, x, createF32(b, 0.70710678118654752440));
  return createHalfGated(b, x, math::ErfOp::create(b, scaled));
}

/// x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.
static Value createGELUTanh(ImplicitLocOpBuilder &b, Value x) {
  Value square = arith::MulFOp::create(b, x, x);
  Value cube = arith::MulFOp::create(b, square, x);
  Value inner = arith::AddFOp::create(
      b, x, arith::MulFOp::create(b, createF32(b, 0.044715), cube));
  Value scaled =
      arith::MulFOp::create(b, createF32(b, 0.79788456080286535588), inner);
  return createHalfGated(b, x, math::TanhOp::create(b, scaled));
}

Value createActivation(ImplicitLocOpBuilder &b, Activation activation,
                       Value x) {
  switch (activation) {
  case Activation::SiLU:
    return createSiLU(b, x);
  case Activation::GELU:
    return createGELU(b, x);
  case Activation::GELUTanh:
    return createGELUTanh(b, x);
  case Activation::ReLU:
    return arith::MaximumFOp::create(b, x, createF32(b, 0));
  }
  llvm_unreachable("every activation has a formula");
}

} // namespace mlir::moe
