// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatmulMicroKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

/// Panel rows to a loop iteration.
static constexpr int64_t unroll = 4;

/// How far ahead of its use a panel is fetched. Panels follow each other in
/// memory, so running past the end of one brings the next.
static constexpr int64_t prefetchBytes = 2048;

/// Streams that one thread reads side by side: more do not read faster.
static constexpr int64_t maxStreams = 4;

/// Accumulators of a block: half of the vector registers of either target.
static int64_t getMaxAccumulators(int64_t lanes) { return lanes; }

FailureOr<PanelProduct> PanelProduct::create(KernelBuilder &b, Operation *op,
                                             ValueRange weights, Value input,
                                             int64_t outer,
                                             PanelLayoutAttr layout,
                                             int64_t lanes) {
  auto type = cast<MemRefType>(weights.front().getType());
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
  product.inner = cast<MemRefType>(input.getType()).getDimSize(1);
  product.outer = outer;
  product.panels = llvm::divideCeil(outer, product.width);

  // One dimension over all rows of all panels, one along a row.
  int64_t split = type.getRank() - product.pair;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[i < split ? 0 : 1].push_back(i);
  for (Value matrices : weights)
    product.weights.push_back(
        memref::CollapseShapeOp::create(b, matrices, groups));
  return product;
}

/// Rows of the largest block of `count` panels of each weights. With one panel
/// a block may take the weights one after another.
int64_t PanelProduct::getMaxRows(int64_t count) const {
  int64_t streams = count > 1 ? count * int64_t(weights.size()) : 1;
  return std::max<int64_t>(1, getMaxAccumulators(lanes) / (streams * vectors));
}

void PanelProduct::emit(const Range &range, const Store &store) {
  if (range.rows == 0)
    return;
  bool anyRows = ShapedType::isDynamic(range.rows);
  Value rows = b.sub(range.rowEnd, range.rowBegin);
  Value begin = range.panelBegin, end = range.panelEnd;
  // No rows, no panels: an expert that nobody chose costs nothing.
  if (anyRows)
    end = arith::SelectOp::create(b, b.isEqual(rows, b.index(0)), begin, end);

  // A few rows take several panels at once while there are as many.
  int64_t matrices = weights.size();
  for (int64_t count = maxStreams; count > 0; count /= 2) {
    if (count > 1 && (count > panels || count * matrices > maxStreams))
      continue;
    int64_t most = getMaxRows(count);
    if (count > 1 && !anyRows && range.rows > most)
      continue;
    Value stop = b.add(begin, b.mul(b.div(b.sub(end, begin), count), count));
    if (count > 1 && anyRows)
      stop = arith::SelectOp::create(b, b.isLess(rows, b.index(most + 1)), stop,
                                     begin);
    b.loop(begin, stop, count,
           [&](Value panel) { emitRowBlocks(range, store, panel, count); });
    begin = stop;
  }
}

/// All rows of the range with `count` panels from `panel` on.
void PanelProduct::emitRowBlocks(const Range &range, const Store &store,
                                 Value panel, int64_t count) {
  Value begin = range.rowBegin;
  int64_t size = getMaxRows(count);
  auto emitRows = [&](Value row, int64_t rows) {
    emitBlock({range, store, row, panel, rows, count});
  };
  if (!ShapedType::isDynamic(range.rows)) {
    int64_t rest = range.rows % size;
    Value end = b.add(begin, range.rows - rest);
    b.loop(begin, end, size, [&](Value row) { emitRows(row, size); });
    if (rest > 0)
      emitRows(end, rest);
    return;
  }
  // Several panels serve at most one block: every size pays.
  for (; size > 0; size = count > 1 ? size - 1 : size / 2) {
    Value rows = b.sub(range.rowEnd, begin);
    Value end = b.add(begin, b.mul(b.div(rows, size), size));
    b.loop(begin, end, size, [&](Value row) { emitRows(row, size); });
    begin = end;
  }
}

void PanelProduct::emitBlock(const Block &block) {
  const Range &range = block.range;
  SmallVector<Value> inputRows;
  for (int64_t i = 0; i < block.rows; ++i) {
    Value row = b.add(block.firstRow, i);
    inputRows.push_back(range.inputRow ? range.inputRow(row) : row);
  }
  SmallVector<Stream> streams;
  for (int64_t p = 0; p < block.panels; ++p)
    for (unsigned w = 0; w < weights.size(); ++w)
      streams.push_back(
          {w, range.matrix, b.add(block.firstPanel, p), inputRows});

  // Many rows take the weights one after another rather than some columns of
  // all: each of the passes then reads as much memory as any other, beside its
  // multiply-adds, and none reads what an earlier one brought in.
  int64_t atOnce = streams.size();
  if (atOnce * block.rows * vectors > getMaxAccumulators(lanes))
    atOnce = 1;
  SmallVector<Value> sums;
  for (ArrayRef<Stream> rest = streams; !rest.empty();
       rest = rest.drop_front(atOnce))
    llvm::append_range(sums, multiply(rest.take_front(atOnce)));
  if (block.store.isLong)
    storeInLoop(block, sums);
  else
    storeUnrolled(block, sums);
}

void PanelProduct::storeUnrolled(const Block &block, ArrayRef<Value> sums) {
  int64_t matrices = weights.size();
  for (int64_t p = 0; p < block.panels; ++p)
    for (int64_t v = 0; v < vectors; ++v) {
      Place place = getPlace(b.add(block.firstPanel, p), b.index(v * lanes));
      for (int64_t r = 0; r < block.rows; ++r) {
        SmallVector<Value> products;
        for (int64_t w = 0; w < matrices; ++w)
          products.push_back(
              sums[((p * matrices + w) * block.rows + r) * vectors + v]);
        block.store.body(b.add(block.firstRow, r), place, products);
      }
    }
}

/// The same through memory, with one copy of the body.
void PanelProduct::storeInLoop(const Block &block, ArrayRef<Value> sums) {
  int64_t matrices = weights.size();
  Value zero = b.index(0);
  Value buffer = b.scratch({int64_t(sums.size()), lanes}, b.getF32Type());
  for (auto [i, sum] : llvm::enumerate(sums))
    vector::StoreOp::create(b, sum, buffer, ValueRange{b.index(i), zero});
  b.loop(zero, b.index(block.panels), 1, [&](Value p) {
    b.loop(zero, b.index(vectors), 1, [&](Value v) {
      Place place = getPlace(b.add(block.firstPanel, p), b.mul(v, lanes));
      b.loop(zero, b.index(block.rows), 1, [&](Value r) {
        SmallVector<Value> products;
        for (int64_t w = 0; w < matrices; ++w) {
          Value stream = b.add(b.mul(p, matrices), w);
          Value row = b.add(b.mul(stream, block.rows), r);
          Value index = b.add(b.mul(row, vectors), v);
          products.push_back(b.loadVector(buffer, {index, zero}, lanes));
        }
        block.store.body(b.add(block.firstRow, r), place, products);
      });
    });
  });
}

PanelProduct::Place PanelProduct::getPlace(Value panel, Value lane) {
  Place place = {panel, lane, b.add(b.mul(panel, width), lane), nullptr};
  if (outer % width != 0)
    place.mask = vector::CreateMaskOp::create(
        b, b.vectorOf(lanes, b.getI1Type()),
        ValueRange{b.sub(b.index(outer), place.column)});
  return place;
}

/// Leaves `loop` to LLVM as it is. Its body has as many copies as pay; making
/// more took LLVM a third of the time of compiling a small model.
static void keepRolled(Operation *loop) {
  MLIRContext *context = loop->getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {},
      {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       context, {}, {}, {}, unroll, {}, {}, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}));
}

SmallVector<Value> PanelProduct::multiply(ArrayRef<Stream> streams) {
  int64_t rowsOfPanel = llvm::divideCeil(inner, pair);
  SmallVector<Value> panelRows;
  for (const Stream &stream : streams) {
    Value panel = stream.panel;
    if (stream.matrix)
      panel = b.add(b.mul(stream.matrix, panels), panel);
    panelRows.push_back(b.mul(panel, rowsOfPanel));
  }
  SmallVector<Value> sums(streams.size() * streams[0].inputRows.size() *
                              vectors,
                          b.splatF32(0.0f, lanes));
  auto step = [&](Value position, bool onlyFirst, bool prefetch,
                  SmallVectorImpl<Value> &sums) {
    emitStep(streams, panelRows, position, onlyFirst, prefetch, sums);
  };
  int64_t wholeRows = inner / pair;
  int64_t looped = wholeRows / unroll * unroll;
  if (looped > 0) {
    sums = b.loop(b.index(0), b.index(looped), unroll, sums,
                  [&](Value position, ValueRange carried) {
                    SmallVector<Value> next(carried);
                    for (int64_t i = 0; i < unroll; ++i)
                      step(b.add(position, i), /*onlyFirst=*/false,
                           /*prefetch=*/true, next);
                    return next;
                  });
    keepRolled(sums.front().getDefiningOp());
  }
  for (int64_t i = looped; i < wholeRows; ++i)
    step(b.index(i), /*onlyFirst=*/false, /*prefetch=*/false, sums);
  if (inner % pair != 0)
    step(b.index(wholeRows), /*onlyFirst=*/true, /*prefetch=*/false, sums);
  return sums;
}

/// The multiply-adds of panel row `position`: one inner index, or a pair of
/// them (`onlyFirst`: the padded last pair).
void PanelProduct::emitStep(ArrayRef<Stream> streams, ArrayRef<Value> panelRows,
                            Value position, bool onlyFirst, bool prefetch,
                            SmallVectorImpl<Value> &sums) {
  SmallVector<Value> rows;
  for (Value start : panelRows)
    rows.push_back(b.add(start, position));
  auto weightsType = cast<MemRefType>(weights.front().getType());
  int64_t columns = weightsType.getDimSize(1);
  int64_t elementBytes = weightsType.getElementTypeBitWidth() / 8;
  if (prefetch)
    for (auto [stream, row] : llvm::zip_equal(streams, rows)) {
      Value ahead = b.add(row, prefetchBytes / (columns * elementBytes));
      for (int64_t c = 0; c < columns; c += cacheLineBytes / elementBytes)
        b.prefetch(weights[stream.weights], {ahead, b.index(c)});
    }

  // [stream][vector][half]
  SmallVector<SmallVector<Value>> loaded;
  for (auto [stream, row] : llvm::zip_equal(streams, rows))
    for (int64_t v = 0; v < vectors; ++v)
      loaded.push_back(
          loadPanelVectors(weights[stream.weights], row, v, onlyFirst));
  int64_t halves = onlyFirst ? 1 : pair;
  for (int64_t half = 0; half < halves; ++half) {
    Value column = b.add(b.mul(position, pair), half);
    SmallVector<Value>::iterator sum = sums.begin();
    DenseMap<Value, Value> splats;
    for (auto [s, stream] : llvm::enumerate(streams)) {
      for (Value row : stream.inputRows) {
        Value &x = splats[row];
        if (!x)
          x = b.splat(b.load(input, {row, column}), lanes);
        for (int64_t v = 0; v < vectors; ++v, ++sum)
          *sum = b.fma(x, loaded[s * vectors + v][half], *sum);
      }
    }
  }
}

/// One vector of columns of a panel row: a vector of f32, or one for each of
/// the two inner indices that a pair of 16-bit elements holds.
SmallVector<Value> PanelProduct::loadPanelVectors(Value weights, Value row,
                                                  int64_t vector,
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
