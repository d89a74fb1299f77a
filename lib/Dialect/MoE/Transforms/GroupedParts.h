// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the passes that fuse into moe.grouped_matmul share.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_GROUPEDPARTS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_GROUPEDPARTS_H

#include "mlir/IR/Builders.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

/// A grouped product taken apart, to be put together with changes.
struct GroupedParts {
  explicit GroupedParts(GroupedMatmulOp op);

  /// The changed product, its epilogue still empty.
  GroupedMatmulOp create(OpBuilder &b, Location loc) const;

  /// Adds an operand of the epilogue, unless there already; returns its place
  /// among them.
  unsigned addExtra(Value value, AffineMap map);

  Value input;
  SmallVector<Value> weights;
  Value offsets, ids, order;
  SmallVector<Value> extras;
  SmallVector<AffineMap> maps;
  Value combine, inverse, skipped, init;
  SmallVector<Value> outs;
  std::optional<int64_t> topK;
  PanelLayoutAttr panel;
  bool broadcast, partial;
};

/// Whether row r of the product stands for the pair `order[r]`, or r where
/// `order` is null.
bool areRowsOrderedBy(GroupedMatmulOp op, Value order, int64_t topK);

/// Whether the pair (t, s) is in row `inverse[t, s]` of the product, or t·k + s
/// where `inverse` is null.
bool areRowsFoundBy(GroupedMatmulOp op, Value inverse, int64_t topK);

/// Whether these are the groups of the product's rows.
bool areRowsGroupedBy(GroupedMatmulOp op, Value offsets, Value ids);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_GROUPEDPARTS_H
