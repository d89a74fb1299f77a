// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations on tensors that work on each row for itself, as one loop over
// rows.
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWKERNEL_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWKERNEL_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::moe {

/// A set of such operations, grown from the last of them towards what makes
/// their operands.
class RowKernel {
public:
  explicit RowKernel(Operation *root);

  /// Why the root cannot be in a loop over rows; empty if it can.
  const std::string &getReason() const { return reason; }
  /// Takes in what makes rows for members only, and in turn what makes theirs.
  void takeProducers();
  /// Takes in an elementwise operation whose result others read as well. Says
  /// why not, or nothing if it did.
  std::string takeShared(linalg::LinalgOp op);

  bool contains(Operation *op) const { return members.contains(op); }
  SmallVector<Operation *> getMembers() const;
  /// Members that compute, and do not only see rows in another shape.
  int64_t getNumWorking() const;
  /// Whether a member sums or compares over each row.
  bool hasReduction() const;
  /// Whether the operation shows rows in another shape.
  static bool isView(Operation *op);
  /// The tensor that `value` is in another shape.
  static Value lookThroughViews(Value value);

  /// Replaces the members by a loop. Its results are what is read outside.
  scf::ForallOp create(RewriterBase &rewriter) const;

private:
  /// What a member reads for each row that it makes: that row of these tensors.
  using Rows = llvm::SmallSetVector<Value, 4>;

  /// Whether a member reads rows at `use`, each where it makes the same row.
  bool isReadByRow(OpOperand &use) const;

  Operation *root;
  llvm::MapVector<Operation *, Rows> members;
  std::string reason;
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWKERNEL_H
