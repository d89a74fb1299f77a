// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens as loops (histogram, scan, stable scatter), and the steps of
// a sort by chunks, which are the same loops with counts for each chunk.
#include "ValueFormPattern.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "moe/Conversion/MoEToLinalg/MoEToLinalg.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

using namespace mlir;
using namespace mlir::moe;

using Values = ScalarBuilder::Values;

namespace {
/// The pairs of `ids` [T, k] in chunks of `size`, or in one.
class Pairs {
public:
  Pairs(ScalarBuilder &b, Value ids, std::optional<int64_t> size)
      : ids(ids), slots(cast<ShapedType>(ids.getType()).getDimSize(1)),
        size(size) {
    OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), ids, 0);
    count = arith::MulIOp::create(
        b, getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens),
        b.index(slots));
  }

  /// The token and the slot of a pair.
  Values getPlace(ScalarBuilder &b, Value pair) const {
    return b.split(pair, slots);
  }
  /// The chunk and the expert of a pair: its place in tables [C, E+1].
  Values getCell(ScalarBuilder &b, Value pair) const {
    Value chunk =
        size ? arith::DivUIOp::create(b, pair, b.index(*size)) : b.index(0);
    return {chunk, b.toIndex(b.load(ids, getPlace(b, pair)))};
  }

  Value count;

private:
  Value ids;
  int64_t slots;
  std::optional<int64_t> size;
};
} // namespace

static Value fill(ScalarBuilder &b, int32_t value, Value tensor) {
  return linalg::FillOp::create(b, b.i32(value), tensor).getResult(0);
}

/// How many pairs there are of each expert in each chunk.
static Value buildCounts(ScalarBuilder &b, const Pairs &pairs, Value out) {
  return b.loop(pairs.count, fill(b, 0, out),
                [&](ScalarBuilder &b, Value pair, ValueRange carried) {
                  Values cell = pairs.getCell(b, pair);
                  Value count = b.load(carried[0], cell);
                  return Values{
                      b.store(b.add(count, b.i32(1)), carried[0], cell)};
                })[0];
}

/// The first row of each expert, a multiple of `multiple`, and that of each
/// chunk in it.
static Values buildScan(ScalarBuilder &b, Value counts, int64_t multiple,
                        Value offsets, Value starts) {
  OpFoldResult chunks = tensor::getMixedSize(b, b.getLoc(), counts, 0);
  Value end = getValueOrCreateConstantIndexOp(b, b.getLoc(), chunks);
  int64_t columns = cast<ShapedType>(counts.getType()).getDimSize(1);
  Values scanned =
      b.loop(b.index(columns), {b.i32(0), offsets, starts},
             [&](ScalarBuilder &b, Value expert, ValueRange carried) {
               Value row = carried[0];
               if (multiple > 1)
                 row = arith::MulIOp::create(
                     b, arith::CeilDivUIOp::create(b, row, b.i32(multiple)),
                     b.i32(multiple));
               Value offsets = b.store(row, carried[1], expert);
               Values inner = b.loop(
                   end, {row, carried[2]},
                   [&](ScalarBuilder &b, Value chunk, ValueRange carried) {
                     Value starts =
                         b.store(carried[0], carried[1], {chunk, expert});
                     Value count = b.load(counts, {chunk, expert});
                     return Values{b.add(carried[0], count), starts};
                   });
               return Values{inner[0], offsets, inner[1]};
             });
  return {scanned[1], scanned[2]};
}

/// The pair in each row, and the row of each pair.
static Values buildPlaces(ScalarBuilder &b, const Pairs &pairs, Value starts,
                          Value order, Value inverse) {
  Values placed =
      b.loop(pairs.count, {starts, order, inverse},
             [&](ScalarBuilder &b, Value pair, ValueRange carried) {
               Values cell = pairs.getCell(b, pair);
               Value row = b.load(carried[0], cell);
               return Values{b.store(b.add(row, b.i32(1)), carried[0], cell),
                             b.store(b.toI32(pair), carried[1], b.toIndex(row)),
                             b.store(row, carried[2], pairs.getPlace(b, pair))};
             });
  return {placed[1], placed[2]};
}

namespace {
struct SortTokensToLoops : ValueFormPattern<SortTokensOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, SortTokensOp op) const override {
    Pairs pairs(b, op.getIds(), std::nullopt);
    // One column for each expert and one for skipped pairs.
    int64_t columns = op.getExperts() + 1;
    Value table = tensor::EmptyOp::create(b, ArrayRef<int64_t>{1, columns},
                                          b.getI32Type());
    Value counts = buildCounts(b, pairs, table);
    Values scanned =
        buildScan(b, counts, op.getRowMultiple(), op.getOuts()[0], table);
    Value order = op.getOuts()[1];
    if (op.getBlock())
      order = fill(b, -1, order);
    Values placed = buildPlaces(b, pairs, scanned[1], order, op.getOuts()[2]);
    return {scanned[0], placed[0], placed[1]};
  }
};

struct CountPairsToLoops : ValueFormPattern<CountPairsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, CountPairsOp op) const override {
    Pairs pairs(b, op.getIds(), op.getChunk());
    return {buildCounts(b, pairs, op.getOuts()[0])};
  }
};

struct ScanCountsToLoops : ValueFormPattern<ScanCountsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, ScanCountsOp op) const override {
    return buildScan(b, op.getCounts(), op.getBlock().value_or(1),
                     op.getOuts()[0], op.getOuts()[1]);
  }
};

struct PlacePairsToLoops : ValueFormPattern<PlacePairsOp> {
  using ValueFormPattern::ValueFormPattern;

  Values build(ScalarBuilder &b, PlacePairsOp op) const override {
    Pairs pairs(b, op.getIds(), op.getChunk());
    Value order = fill(b, -1, op.getOuts()[0]);
    return buildPlaces(b, pairs, op.getStarts(), order, op.getOuts()[1]);
  }
};
} // namespace

void moe::populateSortTokensToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<SortTokensToLoops, CountPairsToLoops, ScanCountsToLoops,
               PlacePairsToLoops>(patterns.getContext());
}
