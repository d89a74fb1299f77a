// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_UTILS_EXPERTLOOP_H
#define MOE_DIALECT_MOE_UTILS_EXPERTLOOP_H

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Which expert each of some rows belongs to: one of `offsets` and `ids` is
/// set.
struct RowGroups {
  Value offsets; ///< [E+1] i32: rows offsets[e]..offsets[e+1] are expert e's
  Value ids;     ///< [T, k] i32: row q is of expert ids[q / k, q mod k]
  bool partial = false; ///< a row of id E is nobody's; any expert may take it
  int64_t experts = 0;  ///< E
  OpFoldResult numRows; ///< of all experts together
};

/// Computes a block's result rows `[n, width]` from the block's rows and the
/// expert's slice of each weight (leading dimension dropped).
using ExpertBody =
    function_ref<Value(OpBuilder &, Location, Value block, ValueRange weights)>;

/// Builds a loop that runs `body` on each expert's rows (with offsets; blocks
/// have dynamically many rows, 0 included) or on each row (with ids; blocks
/// have one row) and returns all result rows, written into `init`
/// `[numRows, width]`, f32. `rows` has one row for each of the groups' rows, or
/// with `broadcast`, which needs ids, one for each token.
Value buildExpertLoop(OpBuilder &b, Location loc, const RowGroups &groups,
                      Value rows, bool broadcast, ValueRange weights,
                      Value init, ExpertBody body);

/// `value`, through a tensor.cast if it is not of `type`.
Value castTo(OpBuilder &b, Location loc, Value value, Type type);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_EXPERTLOOP_H
