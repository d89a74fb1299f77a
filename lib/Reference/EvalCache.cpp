// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.kv_append and moe.attention over a cache that keeps every position; the
// window is applied when reading, so ring buffers can be judged by it.
#include "Frame.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

/// Sequence and position of each row of an append or attention.
struct RowPlaces {
  std::vector<int64_t> sequences, positions;
};

/// Checked to lie in the cache's batch and length.
template <typename OpT>
FailureOr<RowPlaces> readPlaces(OpT op, int64_t rows, Frame &frame) {
  KVCacheType type = op.getCache().getType();
  RowPlaces places;
  places.positions = frame.tensor(op.getPositions()).integers().vec();
  places.sequences.assign(places.positions.size(), 0);
  if (op.getSequences())
    places.sequences = frame.tensor(op.getSequences()).integers().vec();
  if (failed(checkEqual(op, "number of positions", rows,
                        places.positions.size())) ||
      failed(
          checkEqual(op, "number of sequences", rows, places.sequences.size())))
    return failure();
  for (int64_t t = 0; t < rows; ++t) {
    int64_t position = places.positions[t], sequence = places.sequences[t];
    if (sequence < 0 || sequence >= type.getBatch()) {
      op->emitOpError("expected sequences 0 to ")
          << type.getBatch() - 1 << ", got " << sequence << " in row " << t;
      return failure();
    }
    if (!type.isSliding() && (position < 0 || position >= type.getLength())) {
      op->emitOpError("expected positions 0 to ")
          << type.getLength() - 1 << ", got " << position << " in row " << t;
      return failure();
    }
    if (position < 0) {
      op->emitOpError("expected positions of 0 or more, got ")
          << position << " in row " << t;
      return failure();
    }
  }
  return places;
}

/// Positions of a sequence rise by one from row to row, and a ring takes no
/// more of them at once than its chunk.
LogicalResult checkOrder(KVAppendOp op, const RowPlaces &places) {
  KVCacheType type = op.getCache().getType();
  std::map<int64_t, std::pair<int64_t, int64_t>> lastAndCount;
  for (auto [t, sequence] : llvm::enumerate(places.sequences)) {
    int64_t position = places.positions[t];
    auto [it, inserted] = lastAndCount.try_emplace(sequence, position, 1);
    if (inserted)
      continue;
    auto &[last, count] = it->second;
    if (position != last + 1)
      return op.emitOpError("expected position ")
             << last + 1 << " after " << last << " in sequence " << sequence
             << ", got " << position << " in row " << t;
    last = position;
    if (++count > type.getChunk() && type.isSliding())
      return op.emitOpError("expected at most ")
             << type.getChunk() << " rows of a sequence, got more of sequence "
             << sequence;
  }
  return success();
}

std::vector<float> roundRow(ArrayRef<float> row, Type elementType) {
  ElementKind kind = *getElementKind(elementType);
  std::vector<float> result;
  for (float value : row)
    result.push_back(Scalar::makeFloat(kind, value).f);
  return result;
}

LogicalResult evaluateKVAppend(KVAppendOp op, Frame &frame) {
  auto *cache = std::get<Cache *>(frame.lookup(op.getCache()));
  KVCacheType type = cache->getType();
  Tensor keys = frame.tensor(op.getKeys()),
         values = frame.tensor(op.getValues());
  int64_t rows = keys.getDim(0);
  if (failed(checkEqual(op, "rows of values", rows, values.getDim(0))))
    return failure();
  FailureOr<RowPlaces> places = readPlaces(op, rows, frame);
  if (failed(places) || failed(checkOrder(op, *places)))
    return failure();
  int64_t keySize = type.getHeads() * type.getKeyDim();
  int64_t valueSize = type.getHeads() * type.getValueDim();
  for (int64_t t = 0; t < rows; ++t)
    cache->append(places->sequences[t], places->positions[t],
                  {roundRow(keys.floats().slice(t * keySize, keySize),
                            type.getElementType()),
                   roundRow(values.floats().slice(t * valueSize, valueSize),
                            type.getElementType())});
  return success();
}

/// The rows that a query at `position` sees, oldest first.
FailureOr<SmallVector<const Cache::Row *>> getVisibleRows(AttentionOp op,
                                                          const Cache &cache,
                                                          int64_t sequence,
                                                          int64_t position) {
  KVCacheType type = cache.getType();
  int64_t first = type.isSliding()
                      ? std::max<int64_t>(0, position - type.getWindow() + 1)
                      : 0;
  SmallVector<const Cache::Row *> rows;
  for (int64_t p = first; p <= position; ++p) {
    rows.push_back(cache.lookup(sequence, p));
    if (!rows.back()) {
      op.emitOpError("expected position ")
          << p << " of sequence " << sequence
          << " in the cache, got none, for the query at position " << position;
      return failure();
    }
  }
  return rows;
}

/// One head of one query: softmax of scaled scores, then the weighted sum.
void attend(ArrayRef<const Cache::Row *> rows, ArrayRef<float> query,
            int64_t head, float scale, MutableArrayRef<float> out) {
  int64_t keyDim = query.size(), valueDim = out.size();
  std::vector<float> scores;
  float largest = -std::numeric_limits<float>::infinity();
  for (const Cache::Row *row : rows) {
    float dot = 0.0f;
    for (int64_t d = 0; d < keyDim; ++d)
      dot = std::fma(query[d], row->keys[head * keyDim + d], dot);
    scores.push_back(scale * dot);
    largest = std::fmax(largest, scores.back());
  }
  float sum = 0.0f;
  for (float &score : scores)
    sum += score = ::expf(score - largest);
  llvm::fill(out, 0.0f);
  for (auto [score, row] : llvm::zip_equal(scores, rows))
    for (int64_t d = 0; d < valueDim; ++d)
      out[d] = std::fma(score / sum, row->values[head * valueDim + d], out[d]);
}

LogicalResult evaluateAttention(AttentionOp op, Frame &frame) {
  const auto *cache = std::get<Cache *>(frame.lookup(op.getCache()));
  KVCacheType type = cache->getType();
  Tensor query = frame.tensor(op.getQuery());
  int64_t tokens = query.getDim(0), heads = query.getDim(1);
  int64_t keyDim = type.getKeyDim(), valueDim = type.getValueDim();
  int64_t headsPerGroup = heads / type.getHeads();
  FailureOr<RowPlaces> places = readPlaces(op, tokens, frame);
  if (failed(places))
    return failure();
  Tensor result(ElementKind::F32, {tokens, heads, valueDim});
  for (int64_t t = 0; t < tokens; ++t) {
    FailureOr<SmallVector<const Cache::Row *>> rows =
        getVisibleRows(op, *cache, places->sequences[t], places->positions[t]);
    if (failed(rows))
      return failure();
    for (int64_t h = 0; h < heads; ++h) {
      int64_t row = t * heads + h;
      attend(*rows, query.floats().slice(row * keyDim, keyDim),
             h / headsPerGroup, op.getScale().convertToFloat(),
             result.mutableFloats().slice(row * valueDim, valueDim));
    }
  }
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

} // namespace

void addCacheHandlers(HandlerTable &table) {
  addHandler<KVAppendOp, evaluateKVAppend>(table);
  addHandler<AttentionOp, evaluateAttention>(table);
}

} // namespace mlir::moe::reference
