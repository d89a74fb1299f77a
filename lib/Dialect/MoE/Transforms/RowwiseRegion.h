// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H

#include "RowOrder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe {

/// An expert region in which only products with weights tell the experts apart
/// and every other operation works on each row for itself. It runs on the rows
/// of all experts at once when those products become `moe.grouped_matmul`.
class RowwiseRegion {
public:
  explicit RowwiseRegion(ExpertOp op);

  /// The first operation that does not fit and why; null if all do.
  Operation *getMismatch() const { return mismatch; }
  StringRef getReason() const { return reason; }

  /// Builds the region's operations on all rows before the expert operation and
  /// returns what it yields. Null `rows` stands for the dispatched token rows
  /// themselves. There must be no mismatch.
  Value inlineBefore(OpBuilder &b, const RowOrder &order, Value rows);

private:
  /// What a value of the region is.
  enum class Kind {
    Uniform,  ///< the same for all experts and rows
    Rows,     ///< [n, ..]: one row for each row of the block
    RowCount, ///< n
    Weight,   ///< the expert's slice of a weight
  };

  /// The kind of the results of an operation; null, with a reason, if it does
  /// not fit.
  std::optional<Kind> classify(Operation *op);
  std::optional<Kind> classifyProduct(linalg::MatmulOp op);
  std::optional<Kind> classifyLinalg(linalg::LinalgOp op);
  std::optional<Kind> classifyEmpty(tensor::EmptyOp op);

  Kind kindOf(Value value) const;
  bool isWeightProduct(Operation *op) const;
  std::nullopt_t fail(const Twine &why);

  ExpertOp expert;
  DenseMap<Value, Kind> kinds; ///< values of outside are uniform
  Operation *mismatch = nullptr;
  std::string reason;
};

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H
