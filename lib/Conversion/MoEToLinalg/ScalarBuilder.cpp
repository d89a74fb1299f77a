// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ScalarBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

Value ScalarBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value ScalarBuilder::i32(int32_t value) { return ops.constantBits(value); }
Value ScalarBuilder::f32(float value) { return ops.constant(value); }
Value ScalarBuilder::toIndex(Value integer) {
  return arith::IndexCastOp::create(*this, getIndexType(), integer);
}
Value ScalarBuilder::toI32(Value index) {
  return arith::IndexCastOp::create(*this, getI32Type(), index);
}
Value ScalarBuilder::add(Value lhs, Value rhs) {
  return arith::AddIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::sub(Value lhs, Value rhs) {
  return arith::SubIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::isLess(Value lhs, Value rhs) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, lhs, rhs);
}
Value ScalarBuilder::isEqual(Value lhs, Value rhs) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, lhs, rhs);
}
Value ScalarBuilder::both(Value lhs, Value rhs) {
  return arith::AndIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::either(Value lhs, Value rhs) {
  return arith::OrIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::min(Value lhs, Value rhs) {
  return arith::MinSIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::max(Value lhs, Value rhs) {
  return arith::MaxSIOp::create(*this, lhs, rhs);
}
Value ScalarBuilder::select(Value condition, Value lhs, Value rhs) {
  return arith::SelectOp::create(*this, condition, lhs, rhs);
}
ScalarBuilder::Values ScalarBuilder::split(Value pair, int64_t topK) {
  Value slots = index(topK);
  return {arith::DivUIOp::create(*this, pair, slots),
          arith::RemUIOp::create(*this, pair, slots)};
}
Value ScalarBuilder::load(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(*this, tensor, indices);
}
Value ScalarBuilder::store(Value value, Value tensor, ValueRange indices) {
  return tensor::InsertOp::create(*this, value, tensor, indices);
}

ScalarBuilder::Values ScalarBuilder::loop(Value begin, Value end,
                                          ValueRange carried, LoopBody body) {
  auto forOp = scf::ForOp::create(
      *this, begin, end, index(1), carried,
      [&](OpBuilder &builder, Location loc, Value i, ValueRange values) {
        ScalarBuilder inner(loc, builder);
        scf::YieldOp::create(builder, loc, body(inner, i, values));
      });
  return llvm::to_vector_of<Value>(forOp.getResults());
}

Value ScalarBuilder::maxF32(Value lhs, Value rhs) {
  return select(ops.less(rhs, lhs), lhs, rhs);
}

Value ScalarBuilder::maxOf(int64_t count, ElementAt element) {
  return loop(index(count), f32(-std::numeric_limits<float>::infinity()),
              [&](ScalarBuilder &b, Value i, ValueRange carried) {
                return Values{b.maxF32(carried[0], element(b, i))};
              })[0];
}

Value ScalarBuilder::sumOf(int64_t count, ElementAt element) {
  int64_t rounds = count / sumLanes;
  Values sums(sumLanes, f32(0.0f));
  if (rounds > 0)
    sums =
        loop(index(rounds), sums,
             [&](ScalarBuilder &b, Value round, ValueRange carried) {
               Value first = arith::MulIOp::create(b, round, b.index(sumLanes));
               Values next;
               for (auto [lane, sum] : llvm::enumerate(carried))
                 next.push_back(
                     b.ops.add(sum, element(b, b.add(first, b.index(lane)))));
               return next;
             });
  for (int64_t i = rounds * sumLanes; i < count; ++i)
    sums[i % sumLanes] = ops.add(sums[i % sumLanes], element(*this, index(i)));
  for (int64_t half = sumLanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      sums[lane] = ops.add(sums[lane], sums[lane + half]);
  return sums[0];
}
