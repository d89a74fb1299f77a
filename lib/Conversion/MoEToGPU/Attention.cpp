// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention of one query head of one row, with the softmax computed along the
// way: positions come one after another, and a running maximum rescales the
// sums so far. Neither the ring buffer's state nor the cutting of a prompt into
// chunks changes the order of any sum.
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
class AttentionThread {
public:
  AttentionThread(KernelBuilder &b, AttentionOp op, CacheBuffers buffers)
      : b(b), op(op), cache(op.getCache().getType()), buffers(buffers),
        heads(cast<ShapedType>(op.getQuery().getType()).getDimSize(1)),
        sums(b.scratch({cache.getValueDim()}, b.getF32Type())) {}

  void emit(Value unit);

private:
  Value emitScore(Value slot);
  void forEachColumn(llvm::function_ref<void(Value)> body) {
    b.loop(b.index(0), b.index(cache.getValueDim()), 1, body);
  }

  KernelBuilder &b;
  AttentionOp op;
  KVCacheType cache;
  CacheBuffers buffers;
  int64_t heads;
  /// Weighted sums of values, in the thread's own memory.
  Value sums;
  Value row, head, sequence, cacheHead;
};
} // namespace

/// scale * <query, key>.
Value AttentionThread::emitScore(Value slot) {
  Value block = b.div(slot, slotBlock), lane = b.rem(slot, slotBlock);
  Value product =
      b.loop(b.index(0), b.index(cache.getKeyDim()), 1, b.f32(0.0f),
             [&](Value d, ValueRange carried) {
               Value query = b.load(op.getQuery(), {row, head, d});
               Value key = loadF32(b, buffers.keys,
                                   {sequence, cacheHead, block, d, lane});
               return SmallVector<Value>{b.fma(query, key, carried[0])};
             })[0];
  return arith::MulFOp::create(b, product,
                               b.f32(op.getScale().convertToFloat()));
}

void AttentionThread::emit(Value unit) {
  row = b.div(unit, heads);
  head = b.rem(unit, heads);
  cacheHead = b.div(head, heads / cache.getHeads());
  sequence =
      op.getSequences() ? b.loadIndex(op.getSequences(), row) : b.index(0);
  Value position = b.loadIndex(op.getPositions(), row);
  Value first = b.index(0);
  if (cache.isSliding())
    first = b.max(b.add(position, 1 - cache.getWindow()), first);

  Value zero = b.f32(0.0f);
  forEachColumn([&](Value d) { b.store(zero, sums, d); });
  Value lowest = b.f32(-std::numeric_limits<float>::infinity());
  Value divisor = b.loop(
      first, b.add(position, 1), 1, ValueRange{lowest, zero},
      [&](Value p, ValueRange carried) {
        Value slot = b.rem(p, cache.getCapacity());
        Value score = emitScore(slot);
        Value maximum = b.maxF32(carried[0], score);
        auto exponential = [&](Value x) -> Value {
          return math::ExpOp::create(b, arith::SubFOp::create(b, x, maximum));
        };
        Value rescale = exponential(carried[0]);
        Value probability = exponential(score);
        forEachColumn([&](Value d) {
          Value value =
              loadF32(b, buffers.values, {sequence, cacheHead, slot, d});
          Value sum = arith::MulFOp::create(b, b.load(sums, d), rescale);
          b.store(b.fma(probability, value, sum), sums, d);
        });
        return SmallVector<Value>{maximum,
                                  b.fma(carried[1], rescale, probability)};
      })[1];
  forEachColumn([&](Value d) {
    Value result = arith::DivFOp::create(b, b.load(sums, d), divisor);
    b.store(result, op.getOuts()[0], {row, head, d});
  });
}

LogicalResult moe::lowerToThread(AttentionOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  FailureOr<CacheBuffers> buffers = viewCache(b, op, op.getCache());
  if (failed(buffers))
    return failure();
  AttentionThread(b, op, *buffers).emit(kernel.begin);
  return success();
}
