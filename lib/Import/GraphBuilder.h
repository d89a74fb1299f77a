// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The building blocks of a decoder as linalg on tensors.
#ifndef MOE_LIB_IMPORT_GRAPHBUILDER_H
#define MOE_LIB_IMPORT_GRAPHBUILDER_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Import/Config.h"

namespace mlir::moe {

/// Cosines and sines of the rotation of each row, [T, d/2] each.
struct RotaryTables {
  Value cos, sin;
};

/// Builds operations on `[T, ...]` tensors of f32, all with the same number of
/// rows T: a constant, or one SSA value, so that later passes see at once that
/// shapes agree. Elementwise operations are `linalg.generic` with rows
/// outermost and the contiguous dimension innermost.
class GraphBuilder {
public:
  GraphBuilder(ImplicitLocOpBuilder &b, OpFoldResult rows) : b(b), rows(rows) {}

  ImplicitLocOpBuilder &builder() { return b; }
  /// `tensor<T x extents x f32>`.
  RankedTensorType rowsOf(llvm::ArrayRef<int64_t> extents,
                          Type elementType = {});

  /// x[T, K] · weightᵀ, weight [N, K].
  Value linear(Value x, Value weight);
  /// x + bias over the last dimension.
  Value addBias(Value x, Value bias);
  Value add(Value x, Value y);
  /// min(max(x, -bound), bound).
  Value clamp(Value x, double bound);
  /// x / sqrt(mean(x²) + eps) · weight over the last dimension.
  Value rmsNorm(Value x, Value weight, double eps);
  /// activation(gate) · up.
  Value gatedActivation(Activation activation, Value gate, Value up);

  /// Row `indices[t]` of `table` [N, D], as f32.
  Value gatherRows(Value table, Value indices);

  /// [T, heads · d] as [T, heads, d] and back.
  Value splitHeads(Value x, int64_t heads);
  Value mergeHeads(Value x);
  /// Angles `positions[t] · frequencies[j]`.
  RotaryTables rotaryTables(Value positions, Value frequencies);
  /// Rotates the pairs (x[j], x[j + d/2]) of each head of x [T, heads, d].
  Value rotate(Value x, const RotaryTables &tables);

private:
  using Body = llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;

  /// `out[t, ...] = body(inputs through their maps)`, the identity map where
  /// none is given.
  Value elementwise(llvm::ArrayRef<int64_t> extents, ValueRange inputs,
                    llvm::ArrayRef<AffineMap> maps, Body body);
  Value empty(llvm::ArrayRef<int64_t> extents);
  /// The last dimension n as [n / inner, inner].
  Value splitLast(Value x, int64_t inner);
  /// Sum over loop dimension `reduced` in rising order, of x or of its squares.
  Value sumOver(Value x, bool ofSquares, unsigned reduced);
  /// Sum of squares over the last dimension.
  Value sumOfSquares(Value x);
  AffineMap identity(unsigned rank) {
    return AffineMap::getMultiDimIdentityMap(rank, b.getContext());
  }
  /// The map of `rank` loops to some of them.
  AffineMap project(unsigned rank, llvm::ArrayRef<unsigned> dims);

  ImplicitLocOpBuilder &b;
  OpFoldResult rows;
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_GRAPHBUILDER_H
