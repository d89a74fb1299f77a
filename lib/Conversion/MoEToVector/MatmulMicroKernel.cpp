// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatmulMicroKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

/// Panel rows to a loop iteration.
static constexpr int64_t unroll = 4;

/// How far ahead of its use a panel is fetched. Panels follow each other in
/// memory, so running past the end of one brings the next.
static constexpr int64_t prefetchBytes = 2048;

/// Accumulators of a block: half of the vector registers of either target.
static int64_t getMaxAccumulators(int64_t lanes) { return lanes; }

FailureOr<PanelProduct> PanelProduct::create(KernelBuilder &b, Operation *op,
                                             Value weights, Value input,
                                             Value output,
                                             PanelLayoutAttr layout,
                                             int64_t lanes) {
  auto type = cast<MemRefType>(weights.getType());
  PanelProduct product(b);
  product.width = layout.getWidth();
  product.pair = layout.getPair();
  product.lanes = lanes;
  product.vectors = product.width / lanes;
  int64_t pairOfType = type.getElementType().isF32() ? 1 : 2;
  if (product.width % lanes != 0 ||
      product.vectors > getMaxAccumulators(lanes) / 2 ||
      product.pair != pairOfType)
    return op->emitOpError("expected a panel of ")
           << "pair = " << pairOfType << " and of a few times " << lanes
           << " columns for " << type.getElementType() << ", got " << layout;
  product.input = input;
  product.output = output;
  product.inner = cast<MemRefType>(input.getType()).getDimSize(1);
  product.outer = cast<MemRefType>(output.getType()).getDimSize(1);
  product.panels = llvm::divideCeil(product.outer, product.width);

  // One dimension over all rows of all panels, one along a row.
  int64_t split = type.getRank() - product.pair;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[i < split ? 0 : 1].push_back(i);
  product.weights = memref::CollapseShapeOp::create(b, weights, groups);
  return product;
}

void PanelProduct::emit(const Range &range) {
  if (!ShapedType::isDynamic(range.rows)) {
    // Few enough rows: one block, which reads every panel once.
    int64_t most = getMaxAccumulators(lanes) / vectors;
    if (range.rows <= most) {
      emitPanels(range, range.rows * 2 <= most / 2 ? 2 : 1,
                 [&](Value panel, int64_t count) {
                   emitBlock({range, range.rowBegin, panel, range.rows, count});
                 });
      return;
    }
    emitPanels(range, 1,
               [&](Value panel, int64_t) { emitRowBlocks(range, panel); });
    return;
  }
  Value rows = b.sub(range.rowEnd, range.rowBegin);
  b.when(
      b.isEqual(rows, b.index(1)),
      [&] {
        emitPanels(range, 2, [&](Value panel, int64_t count) {
          emitBlock({range, range.rowBegin, panel, 1, count});
        });
      },
      [&] {
        // No rows, no panels: an expert that nobody chose costs nothing.
        Range some = range;
        some.panelEnd = arith::SelectOp::create(
            b, b.isEqual(rows, b.index(0)), range.panelBegin, range.panelEnd);
        emitPanels(some, 1,
                   [&](Value panel, int64_t) { emitRowBlocks(some, panel); });
      });
}

/// The panels of the range, `panelsAtOnce` of them at a time while there are
/// as many.
void PanelProduct::emitPanels(const Range &range, int64_t panelsAtOnce,
                              llvm::function_ref<void(Value, int64_t)> body) {
  Value begin = range.panelBegin;
  panelsAtOnce = std::min(panelsAtOnce, panels);
  if (panelsAtOnce > 1) {
    Value count = b.sub(range.panelEnd, begin);
    Value end = b.add(begin, b.mul(b.div(count, panelsAtOnce), panelsAtOnce));
    b.loop(begin, end, panelsAtOnce,
           [&](Value panel) { body(panel, panelsAtOnce); });
    begin = end;
  }
  b.loop(begin, range.panelEnd, 1, [&](Value panel) { body(panel, 1); });
}

/// All rows of the range with one panel.
void PanelProduct::emitRowBlocks(const Range &range, Value panel) {
  Value begin = range.rowBegin;
  int64_t size = getMaxAccumulators(lanes) / vectors;
  if (!ShapedType::isDynamic(range.rows)) {
    int64_t rest = range.rows % size;
    Value end = b.add(begin, range.rows - rest);
    b.loop(begin, end, size,
           [&](Value row) { emitBlock({range, row, panel, size, 1}); });
    if (rest > 0)
      emitBlock({range, end, panel, rest, 1});
    return;
  }
  for (; size > 0; size /= 2) {
    Value count = b.sub(range.rowEnd, begin);
    Value end = b.add(begin, b.mul(b.div(count, size), size));
    b.loop(begin, end, size,
           [&](Value row) { emitBlock({range, row, panel, size, 1}); });
    begin = end;
  }
}

void PanelProduct::emitBlock(const Block &block) {
  const Range &range = block.range;
  Value inputRow = block.firstRow;
  if (range.inputBegin)
    inputRow = b.add(range.inputBegin, b.sub(block.firstRow, range.rowBegin));
  SmallVector<Value> inputRows, panelRows;
  for (int64_t i = 0; i < block.rows; ++i)
    inputRows.push_back(b.add(inputRow, i));
  int64_t rowsOfPanel = llvm::divideCeil(inner, pair);
  Value panel = block.firstPanel;
  if (range.matrix)
    panel = b.add(b.mul(range.matrix, panels), panel);
  for (int64_t i = 0; i < block.panels; ++i)
    panelRows.push_back(b.mul(b.add(panel, i), rowsOfPanel));

  SmallVector<Value> sums(block.rows * block.panels * vectors,
                          b.splatF32(0.0f, lanes));
  int64_t wholeRows = inner / pair;
  int64_t looped = wholeRows / unroll * unroll;
  if (looped > 0)
    sums = b.loop(b.index(0), b.index(looped), unroll, sums,
                  [&](Value position, ValueRange carried) {
                    SmallVector<Value> next(carried);
                    for (int64_t i = 0; i < unroll; ++i)
                      emitStep(block, inputRows, panelRows, b.add(position, i),
                               /*onlyFirst=*/false, /*prefetch=*/true, next);
                    return next;
                  });
  for (int64_t i = looped; i < wholeRows; ++i)
    emitStep(block, inputRows, panelRows, b.index(i), /*onlyFirst=*/false,
             /*prefetch=*/false, sums);
  if (inner % pair != 0)
    emitStep(block, inputRows, panelRows, b.index(wholeRows),
             /*onlyFirst=*/true, /*prefetch=*/false, sums);
  emitStores(block, sums);
}

/// The multiply-adds of panel row `position`: one inner index, or a pair of
/// them (`onlyFirst`: the padded last pair).
void PanelProduct::emitStep(const Block &block, ArrayRef<Value> inputRows,
                            ArrayRef<Value> panelRows, Value position,
                            bool onlyFirst, bool prefetch,
                            SmallVectorImpl<Value> &sums) {
  SmallVector<Value> rows;
  for (Value start : panelRows)
    rows.push_back(b.add(start, position));
  auto weightsType = cast<MemRefType>(weights.getType());
  int64_t columns = weightsType.getDimSize(1);
  int64_t elementBytes = weightsType.getElementTypeBitWidth() / 8;
  if (prefetch)
    for (Value row : rows) {
      Value ahead = b.add(row, prefetchBytes / (columns * elementBytes));
      for (int64_t c = 0; c < columns; c += cacheLineBytes / elementBytes)
        b.prefetch(weights, {ahead, b.index(c)});
    }

  // [panel][vector][half]
  SmallVector<SmallVector<Value>> loaded;
  for (Value row : rows)
    for (int64_t v = 0; v < vectors; ++v)
      loaded.push_back(loadPanelVectors(row, v, onlyFirst));
  int64_t halves = onlyFirst ? 1 : pair;
  for (int64_t half = 0; half < halves; ++half) {
    Value column = b.add(b.mul(position, pair), half);
    for (auto [r, row] : llvm::enumerate(inputRows)) {
      Value x = b.splat(b.load(input, {row, column}), lanes);
      for (auto [v, vector] : llvm::enumerate(loaded)) {
        Value &sum = sums[r * loaded.size() + v];
        sum = b.fma(x, vector[half], sum);
      }
    }
  }
}

/// One vector of columns of a panel row: a vector of f32, or one for each of
/// the two inner indices that a pair of 16-bit elements holds.
SmallVector<Value> PanelProduct::loadPanelVectors(Value row, int64_t vector,
                                                  bool onlyFirst) {
  Value column = b.index(vector * lanes * pair);
  Type elementType = cast<MemRefType>(weights.getType()).getElementType();
  Value loaded =
      vector::LoadOp::create(b, b.vectorOf(lanes * pair, elementType), weights,
                             ValueRange{row, column});
  if (pair == 1)
    return {loaded};
  // A bf16 is the upper half of an f32; the first of a pair lies lower.
  VectorType words = b.vectorOf(lanes, b.getI32Type());
  VectorType floats = b.vectorOf(lanes, b.getF32Type());
  Value pairs = vector::BitCastOp::create(b, words, loaded);
  Value first = arith::ShLIOp::create(b, pairs, b.splatI32(16, lanes));
  SmallVector<Value> halves = {arith::BitcastOp::create(b, floats, first)};
  if (!onlyFirst) {
    Value second =
        arith::AndIOp::create(b, pairs, b.splatI32(int32_t(0xffff0000), lanes));
    halves.push_back(arith::BitcastOp::create(b, floats, second));
  }
  return halves;
}

void PanelProduct::emitStores(const Block &block, ArrayRef<Value> sums) {
  auto storePanel = [&](int64_t p, int64_t columns) {
    Value first = b.mul(b.add(block.firstPanel, p), width);
    for (int64_t r = 0; r < block.rows; ++r)
      for (int64_t v = 0; v < vectors && v * lanes < columns; ++v)
        b.storeVector(sums[(r * block.panels + p) * vectors + v], output,
                      {b.add(block.firstRow, r), b.add(first, v * lanes)},
                      columns - v * lanes);
  };
  int64_t lastColumns = outer - (panels - 1) * width;
  for (int64_t p = 0; p < block.panels; ++p) {
    // A panel with another one behind it in the block is never the last.
    if (lastColumns == width || p + 1 < block.panels) {
      storePanel(p, width);
      continue;
    }
    if (panels == 1) {
      storePanel(p, lastColumns);
      continue;
    }
    b.when(
        b.isEqual(b.add(block.firstPanel, p), b.index(panels - 1)),
        [&] { storePanel(p, lastColumns); }, [&] { storePanel(p, width); });
  }
}
