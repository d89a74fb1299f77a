// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H

#include "RowOrder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::moe {

/// An expert region in which only products with weights and vectors tell the
/// experts apart and every other operation works on each row for itself. It
/// runs on the rows of all experts at once when those products become
/// `moe.grouped_matmul` and the vectors `moe.expert_rows`.
class RowwiseRegion {
public:
  explicit RowwiseRegion(ExpertOp op);

  /// The first operation that does not fit and why; null if all do.
  Operation *getMismatch() const { return mismatch; }
  StringRef getReason() const { return reason; }

  /// What a value of the region is.
  enum class Kind {
    Uniform,  ///< the same for all experts and rows
    Rows,     ///< [n, ..]: one row for each row of the block
    RowCount, ///< n
    Weight,   ///< the expert's slice of a weight, or its transpose
  };
  Kind kindOf(Value value) const;

  /// A product of rows and a weight.
  bool isWeightProduct(Operation *op) const;

  /// The expert's slice of a weight that `value`, a weight, is or is the
  /// transpose of.
  static std::pair<BlockArgument, bool> getSlice(Value value);

private:
  /// The kind of the results of an operation; null, with a reason, if it does
  /// not fit.
  std::optional<Kind> classify(Operation *op);
  std::optional<Kind> classifyProduct(linalg::MatmulOp op);
  std::optional<Kind> classifyLinalg(linalg::LinalgOp op);
  std::optional<Kind> classifyEmpty(tensor::EmptyOp op);
  std::optional<Kind> classifySlice(tensor::ExtractSliceOp op);
  std::optional<Kind> classifyReshape(Operation *op,
                                      ArrayRef<ReassociationIndices> groups);
  std::nullopt_t fail(const Twine &why);

  ExpertOp expert;
  DenseMap<Value, Kind> kinds; ///< values of outside are uniform
  Operation *mismatch = nullptr;
  std::string reason;
};

/// Builds the region's operations on all rows before the expert operation and
/// returns what it yields. Null `rows` stands for the dispatched token rows
/// themselves. There must be no mismatch.
Value inlineRegion(OpBuilder &b, ExpertOp expert, const RowwiseRegion &region,
                   const RowOrder &order, Value rows);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_ROWWISEREGION_H
