// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.count_pairs, scan_counts and place_pairs.
#include "Frame.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

#include "llvm/Support/MathExtras.h"

namespace mlir::moe::reference {
namespace {

/// Calls `body(chunk, pair, id)` for each pair; an error for an id that has no
/// column.
LogicalResult
forEachPair(Operation *op, const Tensor &ids, int64_t chunk, int64_t columns,
            llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
  for (auto [pair, id] : llvm::enumerate(ids.integers())) {
    if (id < 0 || id >= columns)
      return op->emitOpError("expected expert ids 0 to ")
             << columns - 1 << ", got " << id << " for pair " << pair;
    body(pair / chunk, pair, id);
  }
  return success();
}

LogicalResult evaluateCountPairs(CountPairsOp op, Frame &frame) {
  Tensor ids = frame.tensor(op.getIds());
  int64_t chunk = op.getChunk(),
          columns = frame.tensor(op.getOuts()[0]).getDim(1);
  Tensor counts(ElementKind::I32, {ids.getNumElements() / chunk + 1, columns});
  MutableArrayRef<int64_t> count = counts.mutableIntegers();
  llvm::fill(count, 0);
  if (failed(forEachPair(
          op, ids, chunk, columns,
          [&](int64_t c, int64_t, int64_t id) { ++count[c * columns + id]; })))
    return failure();
  frame.bind(op.getResult(0), std::move(counts));
  return success();
}

LogicalResult evaluateScanCounts(ScanCountsOp op, Frame &frame) {
  Tensor counts = frame.tensor(op.getCounts());
  int64_t chunks = counts.getDim(0), columns = counts.getDim(1);
  Tensor offsets(ElementKind::I32, {columns});
  Tensor starts(ElementKind::I32, counts.getShape());
  int64_t row = 0;
  for (int64_t e = 0; e < columns; ++e) {
    row = llvm::alignTo(row, op.getBlock().value_or(1));
    offsets.mutableIntegers()[e] = row;
    for (int64_t c = 0; c < chunks; ++c) {
      starts.mutableIntegers()[c * columns + e] = row;
      row += counts.integers()[c * columns + e];
    }
  }
  frame.bind(op.getResult(0), std::move(offsets));
  frame.bind(op.getResult(1), std::move(starts));
  return success();
}

LogicalResult evaluatePlacePairs(PlacePairsOp op, Frame &frame) {
  Tensor ids = frame.tensor(op.getIds());
  std::vector<int64_t> cursors = frame.tensor(op.getStarts()).integers().vec();
  int64_t columns = frame.tensor(op.getStarts()).getDim(1);
  Tensor order(ElementKind::I32, frame.tensor(op.getOuts()[0]).getShape());
  Tensor inverse(ElementKind::I32, ids.getShape());
  llvm::fill(order.mutableIntegers(), -1);
  bool fits = true;
  if (failed(forEachPair(op, ids, op.getChunk(), columns,
                         [&](int64_t c, int64_t pair, int64_t id) {
                           int64_t row = cursors[c * columns + id]++;
                           inverse.mutableIntegers()[pair] = row;
                           fits &= row >= 0 && row < order.getDim(0);
                           if (fits)
                             order.mutableIntegers()[row] = pair;
                         })))
    return failure();
  if (!fits)
    return op.emitOpError("expected rows of pairs below ")
           << order.getDim(0) << ", got starts that lead beyond";
  frame.bind(op.getResult(0), std::move(order));
  frame.bind(op.getResult(1), std::move(inverse));
  return success();
}

} // namespace

void addSortStepHandlers(HandlerTable &table) {
  addHandler<CountPairsOp, evaluateCountPairs>(table);
  addHandler<ScanCountsOp, evaluateScanCounts>(table);
  addHandler<PlacePairsOp, evaluatePlacePairs>(table);
}

} // namespace mlir::moe::reference
