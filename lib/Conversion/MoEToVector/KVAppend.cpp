// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

FailureOr<CacheBuffers> moe::viewCache(KernelBuilder &b, Operation *op,
                                       TypedValue<KVCacheType> cache) {
  auto view = cache.getDefiningOp<KVViewOp>();
  if (!view)
    return op->emitOpError("expected a cache that is a moe.kv_view");
  KVCacheType type = cache.getType();
  auto viewAt = [&](MemRefType buffer, int64_t offset) -> Value {
    return memref::ViewOp::create(b, buffer, view.getBuffer(), b.index(offset),
                                  ValueRange());
  };
  return CacheBuffers{viewAt(type.getKeyBufferType(), 0),
                      viewAt(type.getValueBufferType(), type.getKeyBytes())};
}

/// Rounds an f32 to a cache element. To bf16 by integer arithmetic, to nearest
/// even: the same bits on every processor, subnormals and NaN included.
static Value convert(KernelBuilder &b, Value value, Type elementType) {
  if (elementType.isF32())
    return value;
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), value);
  Value upper = arith::ShRUIOp::create(b, bits, b.i32(16));
  Value isOdd = arith::AndIOp::create(b, upper, b.i32(1));
  Value rounded = b.add(b.add(bits, b.i32(0x7fff)), isOdd);
  rounded = arith::ShRUIOp::create(b, rounded, b.i32(16));
  // Rounding could carry a NaN over to infinity: keep it, and quiet.
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  Value quiet = arith::OrIOp::create(b, upper, b.i32(0x40));
  Value result = arith::SelectOp::create(b, isNaN, quiet, rounded);
  result = arith::TruncIOp::create(b, b.getI16Type(), result);
  return arith::BitcastOp::create(b, elementType, result);
}

LogicalResult moe::lowerToRange(KVAppendOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  FailureOr<CacheBuffers> buffers = viewCache(b, op, op.getCache());
  if (failed(buffers))
    return failure();
  KVCacheType cache = op.getCache().getType();
  Type elementType = cache.getElementType();
  Value zero = b.index(0);
  Value padding =
      arith::ConstantOp::create(b, b.getFloatAttr(elementType, 0.0));
  int64_t paddedDim = llvm::alignTo(cache.getValueDim(), slotBlock);

  b.loop(kernel.begin, kernel.end, 1, [&](Value row) {
    Value sequence =
        op.getSequences() ? b.loadIndex(op.getSequences(), row) : zero;
    Value position = b.loadIndex(op.getPositions(), row);
    Value slot = b.rem(position, cache.getCapacity());
    Value block = b.div(slot, slotBlock), lane = b.rem(slot, slotBlock);
    b.loop(zero, b.index(cache.getHeads()), 1, [&](Value head) {
      b.loop(zero, b.index(cache.getKeyDim()), 1, [&](Value d) {
        Value key = b.load(op.getKeys(), {row, head, d});
        b.store(convert(b, key, elementType), buffers->keys,
                {sequence, head, block, d, lane});
      });
      b.loop(zero, b.index(cache.getValueDim()), 1, [&](Value d) {
        Value value = b.load(op.getValues(), {row, head, d});
        b.store(convert(b, value, elementType), buffers->values,
                {sequence, head, slot, d});
      });
      if (paddedDim > cache.getValueDim())
        b.loop(b.index(cache.getValueDim()), b.index(paddedDim), 1,
               [&](Value d) {
                 b.store(padding, buffers->values, {sequence, head, slot, d});
               });
    });
  });
  return success();
}
