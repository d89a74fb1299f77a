// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOLINALG_SCALARBUILDER_H
#define MOE_LIB_CONVERSION_MOETOLINALG_SCALARBUILDER_H

#include "moe/Dialect/MoE/Utils/ScoreMathBuilder.h"

namespace mlir::moe {

/// Builds scalar code, and loops over tensors, at one place.
class ScalarBuilder : public ImplicitLocOpBuilder {
public:
  using Values = SmallVector<Value>;
  using LoopBody = function_ref<Values(ScalarBuilder &, Value, ValueRange)>;
  using ElementAt = function_ref<Value(ScalarBuilder &, Value)>;

  ScalarBuilder(Location loc, OpBuilder &b)
      : ImplicitLocOpBuilder(loc, b), ops(*this), math(ops) {}
  ScalarBuilder(const ScalarBuilder &) = delete;

  Value index(int64_t value);
  Value i32(int32_t value);
  Value f32(float value);
  Value toIndex(Value integer);
  Value toI32(Value index);
  Value add(Value lhs, Value rhs);
  Value sub(Value lhs, Value rhs);
  Value isLess(Value lhs, Value rhs);
  Value isEqual(Value lhs, Value rhs);
  Value both(Value lhs, Value rhs);
  Value either(Value lhs, Value rhs);
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value select(Value condition, Value lhs, Value rhs);
  /// The token and the slot of a pair.
  Values split(Value pair, int64_t topK);
  Value load(Value tensor, ValueRange indices);
  Value store(Value value, Value tensor, ValueRange indices);

  /// What is carried through `body(i, carried)` for i in [begin, end).
  Values loop(Value begin, Value end, ValueRange carried, LoopBody body);
  Values loop(Value end, ValueRange carried, LoopBody body) {
    return loop(index(0), end, carried, body);
  }
  /// The larger one of two f32; either may come out where one is NaN.
  Value maxF32(Value lhs, Value rhs);
  Value maxOf(int64_t count, ElementAt element);
  /// The sum as sumInLanes has it.
  Value sumOf(int64_t count, ElementAt element);

  BuilderOps ops;
  ScoreMath<BuilderOps> math;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_SCALARBUILDER_H
