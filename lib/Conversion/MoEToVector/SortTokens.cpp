// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens in one pass, and the three steps of a sort by chunks. In
// both, cursors hold the next row of each expert, the last one that of skipped
// pairs; pairs are placed in their order, which keeps the sort stable.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

/// The pairs [begin, end) of ids [T, k], each as its token, slot and number.
static void
forEachPair(KernelBuilder &b, Value ids, Value begin, Value end,
            llvm::function_ref<void(Value t, Value s, Value pair)> body) {
  int64_t topK = cast<ShapedType>(ids.getType()).getDimSize(1);
  b.loop(begin, end, 1,
         [&](Value pair) { body(b.div(pair, topK), b.rem(pair, topK), pair); });
}

static Value countPairs(KernelBuilder &b, Value ids) {
  int64_t topK = cast<ShapedType>(ids.getType()).getDimSize(1);
  return b.mul(b.dim(ids, 0), topK);
}

static void fill(KernelBuilder &b, Value memref, Value begin, Value end,
                 int32_t value) {
  b.loop(begin, end, 1, [&](Value i) { b.store(b.i32(value), memref, {i}); });
}

/// Adds one at `counters[i]` and gives what was there.
static Value increment(KernelBuilder &b, Value counters, ValueRange i) {
  Value count = b.load(counters, i);
  b.store(b.add(count, b.i32(1)), counters, i);
  return count;
}

/// `row` rounded up to a multiple.
static Value align(KernelBuilder &b, Value row, int64_t multiple) {
  if (multiple == 1)
    return row;
  return b.mul(b.div(b.add(row, multiple - 1), multiple), multiple);
}

/// Places the pairs [begin, end) at the cursors.
static void placePairs(KernelBuilder &b, Value ids, Value begin, Value end,
                       Value cursors, Value order, Value inverse) {
  forEachPair(b, ids, begin, end, [&](Value t, Value s, Value pair) {
    Value row = increment(b, cursors, {b.loadIndex(ids, {t, s})});
    b.store(b.toI32(pair), order, {b.toIndex(row)});
    b.store(row, inverse, {t, s});
  });
}

/// Marks the rows that are left when all pairs are placed.
static void markPadding(KernelBuilder &b, Value cursors, Value offsets,
                        Value order, Value experts) {
  b.loop(b.index(0), experts, 1, [&](Value e) {
    fill(b, order, b.loadIndex(cursors, {e}),
         b.loadIndex(offsets, {b.add(e, 1)}), -1);
  });
  fill(b, order, b.loadIndex(cursors, {experts}), b.dim(order, 0), -1);
}

LogicalResult moe::lowerToRange(SortTokensOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value ids = op.getIds();
  Value offsets = op.getOuts()[0], order = op.getOuts()[1],
        inverse = op.getOuts()[2];
  int64_t columns = op.getExperts() + 1;
  Value cursors = b.scratch({columns}, b.getI32Type());
  Value zero = b.index(0), pairs = countPairs(b, ids);

  // There is one unit: the range is that unit, or empty.
  b.loop(kernel.begin, kernel.end, 1, [&](Value) {
    fill(b, cursors, zero, b.index(columns), 0);
    forEachPair(b, ids, zero, pairs, [&](Value t, Value s, Value) {
      increment(b, cursors, {b.loadIndex(ids, {t, s})});
    });
    // Counts become first rows.
    b.loop(zero, b.index(columns), 1, zero, [&](Value e, ValueRange carried) {
      Value row = carried[0];
      Value next = b.add(row, b.loadIndex(cursors, {e}));
      b.store(b.toI32(row), offsets, {e});
      b.store(b.toI32(row), cursors, {e});
      return SmallVector<Value>{align(b, next, op.getRowMultiple())};
    });
    placePairs(b, ids, zero, pairs, cursors, order, inverse);
    if (op.getBlock())
      markPadding(b, cursors, offsets, order, b.index(op.getExperts()));
  });
  return success();
}

/// The pairs [begin, end) of a chunk.
static std::pair<Value, Value> getChunkBounds(KernelBuilder &b, Value ids,
                                              Value chunk, int64_t size) {
  Value begin = b.mul(chunk, size);
  return {begin, b.min(b.add(begin, size), countPairs(b, ids))};
}

LogicalResult moe::lowerToRange(CountPairsOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value ids = op.getIds(), counts = op.getOuts()[0];
  b.loop(kernel.begin, kernel.end, 1, [&](Value c) {
    b.loop(b.index(0), b.dim(counts, 1), 1,
           [&](Value e) { b.store(b.i32(0), counts, {c, e}); });
    auto [begin, end] = getChunkBounds(b, ids, c, op.getChunk());
    forEachPair(b, ids, begin, end, [&](Value t, Value s, Value) {
      increment(b, counts, {c, b.loadIndex(ids, {t, s})});
    });
  });
  return success();
}

LogicalResult moe::lowerToRange(ScanCountsOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value counts = op.getCounts(), offsets = op.getOuts()[0],
        starts = op.getOuts()[1];
  Value zero = b.index(0), chunks = b.dim(counts, 0);
  // There is one unit, as in a sort in one pass.
  b.loop(kernel.begin, kernel.end, 1, [&](Value) {
    b.loop(zero, b.dim(counts, 1), 1, zero, [&](Value e, ValueRange carried) {
      b.store(b.toI32(carried[0]), offsets, {e});
      SmallVector<Value> end =
          b.loop(zero, chunks, 1, carried, [&](Value c, ValueRange row) {
            b.store(b.toI32(row[0]), starts, {c, e});
            return SmallVector<Value>{
                b.add(row[0], b.loadIndex(counts, {c, e}))};
          });
      return SmallVector<Value>{
          align(b, end.front(), op.getBlock().value_or(1))};
    });
  });
  return success();
}

LogicalResult moe::lowerToRange(PlacePairsOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value ids = op.getIds(), starts = op.getStarts();
  Value order = op.getOuts()[0], inverse = op.getOuts()[1];
  int64_t columns = cast<ShapedType>(op.getOffsets().getType()).getDimSize(0);
  Value cursors = b.scratch({columns}, b.getI32Type());
  Value last = b.sub(b.dim(starts, 0), b.index(1));
  b.loop(kernel.begin, kernel.end, 1, [&](Value c) {
    b.loop(b.index(0), b.index(columns), 1,
           [&](Value e) { b.store(b.load(starts, {c, e}), cursors, {e}); });
    auto [begin, end] = getChunkBounds(b, ids, c, op.getChunk());
    placePairs(b, ids, begin, end, cursors, order, inverse);
    // The cursors of the last chunk end where an expert's pairs do.
    b.when(b.isEqual(c, last), [&] {
      markPadding(b, cursors, op.getOffsets(), order, b.index(columns - 1));
    });
  });
  return success();
}
