// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building blocks of the sorted level: rows of (token, slot) pairs in an order,
// brought together and summed up per token.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWORDER_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWORDER_H

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Utils/ExpertLoop.h"

namespace mlir::moe {

/// The T·k rows of one layer. Sorted, row r is the pair order[r]; unsorted, row
/// q is the pair q = t·k + s itself.
struct RowOrder : RowGroups {
  /// The rows of `dispatch` in either order; builds `moe.sort_tokens` if
  /// sorted.
  static RowOrder create(OpBuilder &b, DispatchOp dispatch, bool sorted);

  bool isSorted() const { return static_cast<bool>(order); }

  /// `[T·k, width]`, uninitialised.
  Value createEmpty(OpBuilder &b, Location loc, OpFoldResult width) const;

  /// The type of T·k rows of `width`.
  RankedTensorType getRowsType(int64_t width) const;

  /// Whether every pair's row is its token's, which can be read in its place.
  bool hasTokenRows() const { return !isSorted() && !scale; }

  /// Each pair's token row, scaled if the pairs have factors, `[T·k, D]`.
  Value gather(OpBuilder &b, Location loc) const;

  /// Each row's copy of the vector of its expert; `vectors [E, N]`.
  Value createVectors(OpBuilder &b, Location loc, Value vectors) const;

  /// `init[t, :] + sum over slots of weights[t, s] * rows[row(t, s), :]` in
  /// slot order, one fused multiply-add a slot; without `init` from 0. A
  /// skipped pair adds the row of `skipped`, or nothing without one.
  Value combine(OpBuilder &b, Location loc, Value rows, Value weights,
                Value init, Value skipped) const;

  Value tokens;     ///< [T, D]
  Value scale;      ///< [T, k], or null
  int64_t topK = 0; ///< k
  Value order;      ///< [T·k], sorted only
  Value inverse;    ///< [T, k], sorted only
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWORDER_H
