// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention of one row over one key/value head, for all query heads of its
// group, with the softmax computed along the way (online): blocks of 16
// positions come one after another; a running maximum rescales the sums so
// far. Blocks are aligned to absolute positions and lanes outside the window
// are masked, so neither the ring buffer's state nor the cutting of a prompt
// into chunks changes the order of any sum.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

static int64_t getElementBytes(KVCacheType cache) {
  return cache.getElementType().getIntOrFloatBitWidth() / 8;
}

namespace {
class AttentionKernel {
public:
  AttentionKernel(KernelBuilder &b, AttentionOp op, CacheBuffers buffers,
                  int64_t lanes);
  void emitUnit(Value unit);

private:
  /// What all heads of a unit share.
  struct Unit {
    Value row, head, sequence, position, firstPosition;
  };
  /// One block of 16 positions.
  struct Block {
    /// Its first position, and the index of its slots in the cache.
    Value start, slots;
    /// Lanes within the window.
    Value mask, laneBegin, laneEnd;
  };
  /// Per head: the running maximum, and 16 partial sums of probabilities.
  struct Running {
    SmallVector<Value> maxima, sums;
  };

  void emitHeads(const Unit &unit, Value firstQuery, int64_t heads);
  Block emitBlockMask(const Unit &unit, Value index);
  SmallVector<Value> emitScores(const Unit &unit, const Block &block,
                                Value firstQuery, int64_t heads);
  Running emitSoftmax(const Block &block, ArrayRef<Value> scores,
                      const Running &before);
  void emitValues(const Unit &unit, const Block &block, int64_t heads);
  void emitResult(const Unit &unit, Value firstQuery,
                  ArrayRef<Value> probabilitySums);

  KernelBuilder &b;
  AttentionOp op;
  KVCacheType cache;
  CacheBuffers buffers;
  int64_t group, lanes, headsAtOnce, chunks;
  /// Decoding streams the cache from memory, so the next block is fetched
  /// ahead; the rows of a prompt find it in the processor's cache.
  bool fetchesAhead;
  /// On the stack: weighted sums of values [heads, chunks * lanes],
  /// probabilities of a block [heads, 16], and what rescales the sums [heads].
  Value outputSums, probabilities, rescales;
};
} // namespace

AttentionKernel::AttentionKernel(KernelBuilder &b, AttentionOp op,
                                 CacheBuffers buffers, int64_t lanes)
    : b(b), op(op), cache(op.getCache().getType()), buffers(buffers),
      lanes(lanes) {
  auto query = cast<MemRefType>(op.getQuery().getType());
  group = query.getDimSize(1) / cache.getHeads();
  fetchesAhead = !query.isDynamicDim(0);
  // A score vector of 16 lanes takes two registers of 8.
  headsAtOnce = std::min<int64_t>(group, lanes == 16 ? 8 : 4);
  chunks = llvm::divideCeil(cache.getValueDim(), lanes);
  outputSums = b.scratch({headsAtOnce, chunks * lanes}, b.getF32Type());
  probabilities = b.scratch({headsAtOnce, slotBlock}, b.getF32Type());
  rescales = b.scratch({headsAtOnce}, b.getF32Type());
}

void AttentionKernel::emitUnit(Value index) {
  Unit unit;
  // All rows of one head come one after another: they read the same keys and
  // values.
  Value rows = b.dim(op.getQuery(), 0);
  unit.head = b.createOrFold<arith::DivUIOp>(index, rows);
  unit.row = b.createOrFold<arith::RemUIOp>(index, rows);
  unit.sequence =
      op.getSequences() ? b.loadIndex(op.getSequences(), unit.row) : b.index(0);
  unit.position = b.loadIndex(op.getPositions(), unit.row);
  unit.firstPosition = b.index(0);
  if (cache.isSliding())
    unit.firstPosition =
        b.max(b.add(unit.position, 1 - cache.getWindow()), b.index(0));
  Value firstQuery = b.mul(unit.head, group);
  int64_t rest = group % headsAtOnce;
  b.loop(b.index(0), b.index(group - rest), headsAtOnce, [&](Value offset) {
    emitHeads(unit, b.add(firstQuery, offset), headsAtOnce);
  });
  if (rest > 0)
    emitHeads(unit, b.add(firstQuery, group - rest), rest);
}

void AttentionKernel::emitHeads(const Unit &unit, Value firstQuery,
                                int64_t heads) {
  Value zeros = b.splatF32(0.0f, lanes);
  for (int64_t h = 0; h < heads; ++h)
    b.loop(b.index(0), b.index(chunks * lanes), lanes, [&](Value d) {
      b.storeVector(zeros, outputSums, {b.index(h), d}, lanes);
    });
  Value lowest = b.f32(-std::numeric_limits<float>::infinity());
  SmallVector<Value> initial(heads, lowest);
  initial.append(heads, b.splatF32(0.0f, slotBlock));
  Value firstBlock = b.div(unit.firstPosition, slotBlock);
  Value endBlock = b.add(b.div(unit.position, slotBlock), 1);
  SmallVector<Value> last = b.loop(
      firstBlock, endBlock, 1, initial, [&](Value index, ValueRange carried) {
        Block block = emitBlockMask(unit, index);
        Running before = {llvm::to_vector(carried.take_front(heads)),
                          llvm::to_vector(carried.drop_front(heads))};
        SmallVector<Value> scores = emitScores(unit, block, firstQuery, heads);
        Running after = emitSoftmax(block, scores, before);
        emitValues(unit, block, heads);
        SmallVector<Value> next = after.maxima;
        next.append(after.sums);
        return next;
      });
  emitResult(unit, firstQuery, ArrayRef(last).drop_front(heads));
}

AttentionKernel::Block AttentionKernel::emitBlockMask(const Unit &unit,
                                                      Value index) {
  Block block;
  block.start = b.mul(index, slotBlock);
  block.slots = b.rem(index, cache.getCapacity() / slotBlock);
  block.laneBegin = b.max(b.sub(unit.firstPosition, block.start), b.index(0));
  block.laneEnd =
      b.min(b.add(b.sub(unit.position, block.start), 1), b.index(slotBlock));
  auto compare = [&](arith::CmpIPredicate predicate, Value bound) -> Value {
    return arith::CmpIOp::create(b, predicate, b.iota(slotBlock),
                                 b.splat(b.toI32(bound), slotBlock));
  };
  block.mask = arith::AndIOp::create(
      b, compare(arith::CmpIPredicate::sge, block.laneBegin),
      compare(arith::CmpIPredicate::slt, block.laneEnd));
  return block;
}

/// Products of the queries with the 16 keys of a block. Few heads keep several
/// partial sums each, so that enough multiply-adds are in flight.
SmallVector<Value> AttentionKernel::emitScores(const Unit &unit,
                                               const Block &block,
                                               Value firstQuery,
                                               int64_t heads) {
  int64_t parts = llvm::bit_floor<uint64_t>((lanes == 16 ? 8 : 4) / heads);
  int64_t step = std::max<int64_t>(parts, 4);
  SmallVector<Value> queries;
  for (int64_t h = 0; h < heads; ++h)
    queries.push_back(b.add(firstQuery, h));
  int64_t stepsOfLine = cacheLineBytes / (slotBlock * getElementBytes(cache));
  Value nextSlots = b.add(block.slots, 1);
  auto emitStep = [&](Value d, int64_t index, MutableArrayRef<Value> sums) {
    if (fetchesAhead && index % stepsOfLine == 0)
      b.prefetch(buffers.keys,
                 {unit.sequence, unit.head, nextSlots, d, b.index(0)});
    Value keys = b.loadVector(
        buffers.keys, {unit.sequence, unit.head, block.slots, d, b.index(0)},
        slotBlock);
    for (auto [h, query] : llvm::enumerate(queries)) {
      Value q = b.splat(b.load(op.getQuery(), {unit.row, query, d}), slotBlock);
      Value &sum = sums[h * parts + index % parts];
      sum = b.fma(q, keys, sum);
    }
  };
  int64_t width = cache.getKeyDim(), looped = width / step * step;
  SmallVector<Value> sums(heads * parts, b.splatF32(0.0f, slotBlock));
  if (looped > 0)
    sums = b.loop(b.index(0), b.index(looped), step, sums,
                  [&](Value d, ValueRange carried) {
                    SmallVector<Value> next(carried);
                    for (int64_t i = 0; i < step; ++i)
                      emitStep(b.add(d, i), i, next);
                    return next;
                  });
  for (int64_t d = looped; d < width; ++d)
    emitStep(b.index(d), d, sums);

  Value scale = b.splatF32(op.getScale().convertToFloat(), slotBlock);
  SmallVector<Value> scores;
  for (int64_t h = 0; h < heads; ++h) {
    MutableArrayRef<Value> own = MutableArrayRef(sums).slice(h * parts, parts);
    for (int64_t half = parts / 2; half > 0; half /= 2)
      for (int64_t i = 0; i < half; ++i)
        own[i] = arith::AddFOp::create(b, own[i], own[i + half]);
    scores.push_back(arith::MulFOp::create(b, own[0], scale));
  }
  return scores;
}

AttentionKernel::Running AttentionKernel::emitSoftmax(const Block &block,
                                                      ArrayRef<Value> scores,
                                                      const Running &before) {
  Value lowest = b.splatF32(-std::numeric_limits<float>::infinity(), slotBlock);
  Value zeros = b.splatF32(0.0f, slotBlock);
  Running after;
  for (auto [h, score] : llvm::enumerate(scores)) {
    Value row = b.index(h);
    Value seen = arith::SelectOp::create(b, block.mask, score, lowest);
    Value maximum = b.maxF32(before.maxima[h], b.reduceMaxF32(seen));
    Value rescale = math::ExpOp::create(
        b, arith::SubFOp::create(b, before.maxima[h], maximum));
    Value exponential = math::ExpOp::create(
        b, arith::SubFOp::create(b, seen, b.splat(maximum, slotBlock)));
    // Exactly 0 outside of the window, whatever the exponential does at -inf.
    Value probability =
        arith::SelectOp::create(b, block.mask, exponential, zeros);
    b.store(rescale, rescales, row);
    b.storeVector(probability, probabilities, {row, b.index(0)}, slotBlock);
    after.maxima.push_back(maximum);
    after.sums.push_back(
        b.fma(before.sums[h], b.splat(rescale, slotBlock), probability));
  }
  return after;
}

/// Adds probability times value over the lanes of the window, for as many
/// chunks of the value width at a time as there are registers.
void AttentionKernel::emitValues(const Unit &unit, const Block &block,
                                 int64_t heads) {
  int64_t together =
      std::clamp<int64_t>((lanes == 16 ? 16 : 8) / heads, 1, chunks);
  Value firstSlot = b.mul(block.slots, slotBlock);
  int64_t chunksOfLine = cacheLineBytes / (lanes * getElementBytes(cache));
  auto emitChunks = [&](Value firstColumn, int64_t count) {
    SmallVector<Value> columns, sums;
    for (int64_t c = 0; c < count; ++c)
      columns.push_back(b.add(firstColumn, c * lanes));
    for (int64_t h = 0; h < heads; ++h) {
      Value rescale = b.splat(b.load(rescales, b.index(h)), lanes);
      for (Value column : columns) {
        Value sum = b.loadVector(outputSums, {b.index(h), column}, lanes);
        sums.push_back(arith::MulFOp::create(b, sum, rescale));
      }
    }
    sums = b.loop(
        block.laneBegin, block.laneEnd, 1, sums,
        [&](Value lane, ValueRange carried) {
          SmallVector<Value> values, next;
          Value slot = b.add(firstSlot, lane);
          Value ahead = b.add(slot, slotBlock);
          for (int64_t c = 0; fetchesAhead && c < count; c += chunksOfLine)
            b.prefetch(buffers.values,
                       {unit.sequence, unit.head, ahead, columns[c]});
          for (Value column : columns)
            values.push_back(
                b.loadVector(buffers.values,
                             {unit.sequence, unit.head, slot, column}, lanes));
          for (int64_t h = 0; h < heads; ++h) {
            Value p = b.splat(b.load(probabilities, {b.index(h), lane}), lanes);
            for (Value value : values)
              next.push_back(b.fma(p, value, carried[next.size()]));
          }
          return next;
        });
    for (auto [i, sum] : llvm::enumerate(sums))
      b.storeVector(sum, outputSums, {b.index(i / count), columns[i % count]},
                    lanes);
  };
  int64_t rest = chunks % together;
  b.loop(b.index(0), b.index((chunks - rest) * lanes), together * lanes,
         [&](Value column) { emitChunks(column, together); });
  if (rest > 0)
    emitChunks(b.index((chunks - rest) * lanes), rest);
}

void AttentionKernel::emitResult(const Unit &unit, Value firstQuery,
                                 ArrayRef<Value> probabilitySums) {
  for (auto [h, sums] : llvm::enumerate(probabilitySums)) {
    Value divisor = b.splat(b.reduceSumF32(sums), lanes);
    for (int64_t c = 0; c < chunks; ++c) {
      Value column = b.index(c * lanes);
      Value sum = b.loadVector(outputSums, {b.index(h), column}, lanes);
      b.storeVector(arith::DivFOp::create(b, sum, divisor), op.getOuts()[0],
                    {unit.row, b.add(firstQuery, h), column},
                    cache.getValueDim() - c * lanes);
    }
  }
}

LogicalResult moe::lowerToRange(AttentionOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  FailureOr<CacheBuffers> buffers = viewCache(b, op, op.getCache());
  if (failed(buffers))
    return failure();
  AttentionKernel attention(b, op, *buffers, kernel.lanes);
  b.loop(kernel.begin, kernel.end, 1,
         [&](Value unit) { attention.emitUnit(unit); });
  return success();
}
