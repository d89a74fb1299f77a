// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H
#define MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H

#include "moe/Conversion/MoEToVector/KernelBuilder.h"
#include "moe/Dialect/MoE/IR/MoEDialect.h"

namespace mlir::moe {

/// Rows times some panels of one or more packed weight matrices, in registers.
///
/// A block is a few rows times a few streams, which are panels of weights that
/// are read side by side: its accumulators stay in registers while the inner
/// dimension runs from 0 to K, and every loaded panel vector serves all rows
/// of the block. Rows come in the largest blocks that fit, then in smaller
/// ones; a single row takes several streams at once, so that enough chains of
/// multiply-adds and enough reads of memory are in flight. Since no block
/// splits the inner dimension, the blocking does not change a bit of the
/// result.
class PanelProduct {
public:
  /// Each of `weights` [.., panels, K / pair, width(, pair)] stands for
  /// matrices [`outer`, K]; `input` [.., K]. Fails at `op` where the layout
  /// does not suit vectors of `lanes`.
  static FailureOr<PanelProduct> create(KernelBuilder &b, Operation *op,
                                        ValueRange weights, Value input,
                                        int64_t outer, PanelLayoutAttr layout,
                                        int64_t lanes);

  /// Panels of one matrix, and the columns of all but the last one.
  int64_t getPanels() const { return panels; }
  int64_t getWidth() const { return width; }

  /// A panel of one of the weights, and the rows of the input that it meets.
  struct Stream {
    unsigned weights;
    /// The matrix among those of grouped weights; none for single weights.
    Value matrix;
    Value panel;
    SmallVector<Value> inputRows;
  };
  /// Sums [stream][row][vector] of a block. All streams have equally many
  /// rows.
  SmallVector<Value> multiply(ArrayRef<Stream> streams);

  /// Where a vector of columns lies.
  struct Place {
    /// Its panel, its first column there and in the matrix.
    Value panel, lane, column;
    /// The lanes that are columns; null if all are.
    Value mask;
  };
  Place getPlace(Value panel, Value lane);

  /// What becomes of a row's products with each of the weights.
  struct Store {
    llvm::function_ref<void(Value row, const Place &, ValueRange products)>
        body;
    /// Whether the body should not be repeated for each vector of a block.
    bool isLong = false;
  };

  /// Which rows meet which panels of which matrix.
  struct Range {
    Value matrix;
    Value panelBegin, panelEnd;
    Value rowBegin, rowEnd;
    /// The number of rows where it is known, or dynamic.
    int64_t rows;
    /// The row of the input for a row; the same if null.
    std::function<Value(Value row)> inputRow;
  };
  void emit(const Range &range, const Store &store);

private:
  /// A block: rows `firstRow`.. and panels `firstPanel`.. of `range`.
  struct Block {
    const Range &range;
    const Store &store;
    Value firstRow, firstPanel;
    int64_t rows, panels;
  };

  PanelProduct(KernelBuilder &b) : b(b) {}

  int64_t getMaxRows(int64_t count) const;
  void emitRowBlocks(const Range &range, const Store &store, Value panel,
                     int64_t count);
  void emitBlock(const Block &block);
  void storeUnrolled(const Block &block, ArrayRef<Value> sums);
  void storeInLoop(const Block &block, ArrayRef<Value> sums);
  void emitStep(ArrayRef<Stream> streams, ArrayRef<Value> panelRows,
                Value position, bool onlyFirst, bool prefetch,
                SmallVectorImpl<Value> &sums);
  SmallVector<Value> loadPanelVectors(Value weights, Value row, int64_t vector,
                                      bool onlyFirst);

  KernelBuilder &b;
  /// Each [rows of all panels, width * pair].
  SmallVector<Value> weights;
  Value input;
  int64_t width, pair, panels, inner, outer, lanes, vectors;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOVECTOR_MATMULMICROKERNEL_H
