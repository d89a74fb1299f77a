// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::moe;

/// Counts in `offsets[e + 1]`, sums them up in place, then scatters the pairs
/// in their order with one cursor per expert, which keeps the sort stable.
LogicalResult moe::lowerToRange(SortTokensOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value ids = op.getIds();
  Value offsets = op.getOuts()[0], order = op.getOuts()[1],
        inverse = op.getOuts()[2];
  int64_t experts = op.getExperts();
  Value cursors = b.scratch({experts}, b.getI32Type());
  Value zero = b.index(0), tokens = b.dim(ids, 0), slots = b.dim(ids, 1);

  auto forEachPair = [&](llvm::function_ref<void(Value, Value)> body) {
    b.loop(zero, tokens, 1, [&](Value t) {
      b.loop(zero, slots, 1, [&](Value s) { body(t, s); });
    });
  };
  auto increment = [&](Value counters, Value i) {
    Value count = b.load(counters, i);
    b.store(b.add(count, b.i32(1)), counters, i);
    return count;
  };

  // There is one unit: the range is that unit, or empty.
  b.loop(kernel.begin, kernel.end, 1, [&](Value) {
    b.loop(zero, b.index(experts + 1), 1,
           [&](Value e) { b.store(b.i32(0), offsets, e); });
    forEachPair([&](Value t, Value s) {
      increment(offsets, b.add(b.loadIndex(ids, {t, s}), 1));
    });
    b.loop(zero, b.index(experts), 1, b.i32(0),
           [&](Value e, ValueRange carried) {
             Value start = carried[0], next = b.add(e, 1);
             b.store(start, cursors, e);
             Value end = b.add(start, b.load(offsets, next));
             b.store(end, offsets, next);
             return SmallVector<Value>{end};
           });
    forEachPair([&](Value t, Value s) {
      Value row = increment(cursors, b.loadIndex(ids, {t, s}));
      Value pair = b.add(b.mul(t, slots), s);
      b.store(b.toI32(pair), order, b.toIndex(row));
      b.store(row, inverse, {t, s});
    });
  });
  return success();
}
