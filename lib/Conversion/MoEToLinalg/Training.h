// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What lowers the operations of MoETrainingOps.td, one function each.
#ifndef MOE_LIB_CONVERSION_MOETOLINALG_TRAINING_H
#define MOE_LIB_CONVERSION_MOETOLINALG_TRAINING_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/LinalgBuilder.h"

#include <numeric>

namespace mlir::moe {

/// Builds linalg whose maps are lists of loops.
struct MathBuilder : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Body = function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;
  using Loops = SmallVector<unsigned>;

  /// A linalg.generic; operands with the loops of their dimensions.
  Value generic(ArrayRef<std::pair<Value, Loops>> inputs, unsigned numLoops,
                std::pair<Value, Loops> output, Body body) {
    SmallVector<LinalgOperand> operands;
    for (auto &[value, loops] : inputs)
      operands.push_back({value, selectLoops(*this, numLoops, loops)});
    return buildGeneric(
        *this, getLoc(), operands,
        {output.first, selectLoops(*this, numLoops, output.second)},
        [&](OpBuilder &b, Location loc, ValueRange args) {
          ImplicitLocOpBuilder inner(loc, b);
          return body(inner, args);
        });
  }
  Value zeros(ArrayRef<OpFoldResult> shape) {
    return createFilled(*this, getLoc(), shape, getF32FloatAttr(0.0f));
  }
  Value empty(ArrayRef<OpFoldResult> shape) {
    return createEmpty(*this, getLoc(), shape, getF32Type());
  }
  SmallVector<OpFoldResult> shapeOf(Value value) {
    return tensor::getMixedSizes(*this, getLoc(), value);
  }
  /// An elementwise function of tensors of one shape.
  Value map(ValueRange inputs, Body body) {
    SmallVector<OpFoldResult> shape = shapeOf(inputs.front());
    Loops loops = firstLoops(shape.size());
    SmallVector<std::pair<Value, Loops>> operands;
    for (Value input : inputs)
      operands.emplace_back(input, loops);
    return generic(operands, shape.size(), {empty(shape), loops}, body);
  }
  static Loops firstLoops(unsigned count) {
    Loops loops(count);
    std::iota(loops.begin(), loops.end(), 0u);
    return loops;
  }
};

/// An f32 constant, rounded from `value`.
Value f32(ImplicitLocOpBuilder &b, double value);

/// `value` where the mask counts, else 0. Null masks count everything.
Value keepCounted(ImplicitLocOpBuilder &b, Value value, Value mask);

Value build(MathBuilder &b, CountExpertsOp op);
Value build(MathBuilder &b, BalanceLossOp op);
Value build(MathBuilder &b, VariationLossOp op);
Value build(MathBuilder &b, WinProbabilityOp op);
Value build(MathBuilder &b, ZLossOp op);
Value build(MathBuilder &b, UpdateBiasOp op);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_TRAINING_H
