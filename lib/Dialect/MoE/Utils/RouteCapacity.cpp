// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Utils/RouteCapacity.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::moe;

Value moe::buildCapacity(ImplicitLocOpBuilder &b, RouteOp op, Value tokens) {
  RouteCapacityAttr capacity = *op.getCapacity();
  if (!capacity.hasFactor())
    return arith::ConstantIndexOp::create(b, capacity.getTokens());
  Type f64 = b.getF64Type(), i64 = b.getI64Type();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
  };
  Value share = arith::SIToFPOp::create(
      b, f64, arith::IndexCastOp::create(b, i64, tokens));
  share = arith::MulFOp::create(
      b, share, constant(capacity.getFactor().convertToDouble()));
  share = arith::DivFOp::create(b, share, constant(op.getNumRouted()));
  // Rounded up: a truncation, and one more where it lost something.
  Value whole = arith::FPToSIOp::create(b, i64, share);
  Value lost =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                            arith::SIToFPOp::create(b, f64, whole), share);
  whole = arith::AddIOp::create(b, whole, arith::ExtUIOp::create(b, i64, lost));
  Value times = arith::ConstantIndexOp::create(b, capacity.getTimes());
  return arith::MulIOp::create(
      b, arith::IndexCastOp::create(b, b.getIndexType(), whole), times);
}
