// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H
#define MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H

#include "KernelBuilder.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"

namespace mlir::moe {

/// Rows times some panels of packed weights, in registers.
///
/// A block is a few rows times one or two panels: its accumulators stay in
/// registers while the inner dimension runs from 0 to K, and every loaded
/// panel vector serves all rows of the block. Rows come in the largest blocks
/// that fit, then in smaller ones; a single row takes two panels at once, so
/// that enough chains of multiply-adds are in flight. Since no block splits
/// the inner dimension, the blocking does not change a bit of the result.
class PanelProduct {
public:
  /// `weights` [.., panels, K / pair, width(, pair)], `input` [.., K],
  /// `output` [.., N]. Fails at `op` where the layout does not suit vectors
  /// of `lanes`.
  static FailureOr<PanelProduct> create(KernelBuilder &b, Operation *op,
                                        Value weights, Value input,
                                        Value output, PanelLayoutAttr layout,
                                        int64_t lanes);

  /// Panels of one matrix.
  int64_t getPanels() const { return panels; }

  /// Which rows meet which panels of which matrix.
  struct Range {
    /// The matrix among those of grouped weights; none for single weights.
    Value matrix;
    /// Panels of the matrix.
    Value panelBegin, panelEnd;
    /// Rows of the output.
    Value rowBegin, rowEnd;
    /// The row of the input for output row `rowBegin`, where it is another.
    Value inputBegin;
    /// The number of rows where it is known, or dynamic.
    int64_t rows;
  };
  void emit(const Range &range);

private:
  /// A block: rows `firstRow`.. and panels `firstPanel`.. of `range`.
  struct Block {
    const Range &range;
    Value firstRow, firstPanel;
    int64_t rows, panels;
  };

  PanelProduct(KernelBuilder &b) : b(b) {}

  void emitPanels(const Range &range, int64_t panelsAtOnce,
                  llvm::function_ref<void(Value, int64_t)> body);
  void emitRowBlocks(const Range &range, Value panel);
  void emitBlock(const Block &block);
  void emitStep(const Block &block, ArrayRef<Value> inputRows,
                ArrayRef<Value> panelRows, Value position, bool onlyFirst,
                bool prefetch, SmallVectorImpl<Value> &sums);
  void emitStores(const Block &block, ArrayRef<Value> sums);
  SmallVector<Value> loadPanelVectors(Value row, int64_t vector,
                                      bool onlyFirst);

  KernelBuilder &b;
  /// [rows of all panels, width * pair]
  Value weights;
  Value input, output;
  int64_t width, pair, panels, inner, outer, lanes, vectors;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H
