// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Routing of one token: scores in blocks of 16 experts, then k times the
// largest selection value. Selection compares integers that order like the
// numbers they stand for, which settles NaN, ties and experts already taken in
// one comparison.
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::moe;

/// Experts handled at a time.
static constexpr int64_t block = 16;

/// Selection keys below all numbers: of NaN, and of what cannot be chosen.
static constexpr int32_t keyOfNaN = std::numeric_limits<int32_t>::min() + 1,
                         keyOfNone = std::numeric_limits<int32_t>::min();

namespace {
class RouteKernel {
public:
  RouteKernel(KernelBuilder &b, RouteOp op);
  void emitToken(Value token);

private:
  void emitScores(Value token);
  void emitSoftmax();
  void emitKeys();
  void emitChoice(Value token);
  void emitWeights(Value token);
  void emitTopKSoftmax(Value token);

  /// Runs over the blocks of experts, carrying values.
  SmallVector<Value>
  forEachBlock(ValueRange initial,
               llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  /// Replaces every score by a function of the block of scores.
  void mapScores(llvm::function_ref<Value(Value)> function);
  void forEachSlot(llvm::function_ref<void(Value)> body);

  KernelBuilder &b;
  RouteOp op;
  int64_t experts, paddedExperts;
  /// On the stack: scores and selection keys, padded to whole blocks.
  Value scores, keys;
};
} // namespace

RouteKernel::RouteKernel(KernelBuilder &b, RouteOp op) : b(b), op(op) {
  experts = cast<MemRefType>(op.getLogits().getType()).getDimSize(1);
  paddedExperts = llvm::alignTo(experts, block);
  scores = b.scratch({paddedExperts}, b.getF32Type());
  keys = b.scratch({paddedExperts}, b.getI32Type());
}

SmallVector<Value> RouteKernel::forEachBlock(
    ValueRange initial,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  return b.loop(b.index(0), b.index(paddedExperts), block, initial, body);
}

void RouteKernel::mapScores(llvm::function_ref<Value(Value)> function) {
  forEachBlock({}, [&](Value e, ValueRange) -> SmallVector<Value> {
    Value mapped = function(b.loadVector(scores, e, block));
    b.storeVector(mapped, scores, e, block);
    return {};
  });
}

void RouteKernel::forEachSlot(llvm::function_ref<void(Value)> body) {
  b.loop(b.index(0), b.index(op.getTopK()), 1, body);
}

void RouteKernel::emitToken(Value token) {
  emitScores(token);
  emitKeys();
  emitChoice(token);
  emitWeights(token);
}

void RouteKernel::emitScores(Value token) {
  b.loop(b.index(0), b.index(experts), 1, [&](Value e) {
    b.store(b.load(op.getLogits(), {token, e}), scores, e);
  });
  // The padding: of no weight in a softmax.
  Value lowest = b.f32(-std::numeric_limits<float>::infinity());
  for (int64_t e = experts; e < paddedExperts; ++e)
    b.store(lowest, scores, b.index(e));
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
    return emitSoftmax();
  case ScoreFunction::Sigmoid: {
    Value one = b.splatF32(1.0f, block);
    return mapScores([&](Value logits) -> Value {
      Value exponential =
          math::ExpOp::create(b, arith::NegFOp::create(b, logits));
      return arith::DivFOp::create(b, one,
                                   arith::AddFOp::create(b, one, exponential));
    });
  }
  case ScoreFunction::SoftmaxTopK:
    return;
  }
}

void RouteKernel::emitSoftmax() {
  Value lowest = b.splatF32(-std::numeric_limits<float>::infinity(), block);
  Value maxima = forEachBlock(lowest, [&](Value e, ValueRange carried) {
    Value next = b.loadVector(scores, e, block);
    return SmallVector<Value>{b.maxF32(carried[0], next)};
  })[0];
  Value maximum = b.splat(b.reduceMaxF32(maxima), block);
  Value zeros = b.splatF32(0.0f, block);
  Value sums = forEachBlock(zeros, [&](Value e, ValueRange carried) {
    Value logits = b.loadVector(scores, e, block);
    Value exponential =
        math::ExpOp::create(b, arith::SubFOp::create(b, logits, maximum));
    b.storeVector(exponential, scores, e, block);
    return SmallVector<Value>{
        arith::AddFOp::create(b, carried[0], exponential).getResult()};
  })[0];
  Value sum = b.splat(b.reduceSumF32(sums), block);
  mapScores([&](Value exponential) -> Value {
    return arith::DivFOp::create(b, exponential, sum);
  });
}

/// keys[e]: an integer that orders like score + bias.
void RouteKernel::emitKeys() {
  b.loop(b.index(0), b.index(experts), 1, [&](Value e) {
    Value selection = b.load(scores, e);
    if (op.getBias())
      selection = arith::AddFOp::create(b, selection, b.load(op.getBias(), e));
    Value zero = b.f32(0.0f);
    Value isZero =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, selection, zero);
    Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, selection,
                                        selection);
    // -0 is equal to +0. Of negative numbers the larger bits are the smaller.
    Value number = arith::SelectOp::create(b, isZero, zero, selection);
    Value bits = arith::BitcastOp::create(b, b.getI32Type(), number);
    Value sign = arith::ShRSIOp::create(b, bits, b.i32(31));
    Value flip = arith::AndIOp::create(b, sign, b.i32(0x7fffffff));
    Value key = arith::XOrIOp::create(b, bits, flip);
    b.store(arith::SelectOp::create(b, isNaN, b.i32(keyOfNaN), key), keys, e);
  });
  for (int64_t e = experts; e < paddedExperts; ++e)
    b.store(b.i32(keyOfNone), keys, b.index(e));
}

void RouteKernel::emitChoice(Value token) {
  Value none = b.splatI32(keyOfNone, block);
  Value noId = b.splatI32(std::numeric_limits<int32_t>::max(), block);
  auto loadKeys = [&](Value e) -> Value {
    return vector::LoadOp::create(b, b.vectorOf(block, b.getI32Type()), keys,
                                  ValueRange{e});
  };
  auto reduce = [&](vector::CombiningKind kind, Value vector) -> Value {
    return vector::ReductionOp::create(b, kind, vector);
  };
  forEachSlot([&](Value slot) {
    Value maxima = forEachBlock(none, [&](Value e, ValueRange carried) {
      return SmallVector<Value>{b.max(carried[0], loadKeys(e))};
    })[0];
    Value best = b.splat(reduce(vector::CombiningKind::MAXSI, maxima), block);
    // The lowest id of those that have the largest key.
    Value ids = forEachBlock(noId, [&](Value e, ValueRange carried) {
      Value isBest = b.isEqual(loadKeys(e), best);
      Value own = b.add(b.splat(b.toI32(e), block), b.iota(block));
      return SmallVector<Value>{
          arith::SelectOp::create(b, isBest, b.min(carried[0], own), carried[0])
              .getResult()};
    })[0];
    Value id = reduce(vector::CombiningKind::MINSI, ids);
    b.store(id, op.getOuts()[1], {token, slot});
    b.store(b.i32(keyOfNone), keys, b.toIndex(id));
  });
}

void RouteKernel::emitWeights(Value token) {
  Value weights = op.getOuts()[0], ids = op.getOuts()[1];
  forEachSlot([&](Value slot) {
    Value id = b.loadIndex(ids, {token, slot});
    b.store(b.load(scores, id), weights, {token, slot});
  });
  if (op.getScore() == ScoreFunction::SoftmaxTopK)
    emitTopKSoftmax(token);

  auto update = [&](llvm::function_ref<Value(Value)> function) {
    forEachSlot([&](Value slot) {
      b.store(function(b.load(weights, {token, slot})), weights, {token, slot});
    });
  };
  if (std::optional<APFloat> epsilon = op.getNormalize()) {
    Value sum =
        b.loop(b.index(0), b.index(op.getTopK()), 1, b.f32(0.0f),
               [&](Value slot, ValueRange carried) {
                 Value weight = b.load(weights, {token, slot});
                 return SmallVector<Value>{
                     arith::AddFOp::create(b, carried[0], weight).getResult()};
               })[0];
    sum = arith::AddFOp::create(b, sum, b.f32(epsilon->convertToFloat()));
    update([&](Value weight) -> Value {
      return arith::DivFOp::create(b, weight, sum);
    });
  }
  float scale = op.getScale().convertToFloat();
  if (scale != 1.0f)
    update([&](Value weight) -> Value {
      return arith::MulFOp::create(b, weight, b.f32(scale));
    });
}

/// The weights of the token, so far chosen logits, become their softmax.
void RouteKernel::emitTopKSoftmax(Value token) {
  Value weights = op.getOuts()[0];
  Value zero = b.index(0), slots = b.index(op.getTopK());
  Value maximum =
      b.loop(zero, slots, 1, b.f32(-std::numeric_limits<float>::infinity()),
             [&](Value slot, ValueRange carried) {
               Value logit = b.load(weights, {token, slot});
               return SmallVector<Value>{b.maxF32(carried[0], logit)};
             })[0];
  Value sum =
      b.loop(zero, slots, 1, b.f32(0.0f), [&](Value slot, ValueRange carried) {
        Value logit = b.load(weights, {token, slot});
        Value exponential =
            math::ExpOp::create(b, arith::SubFOp::create(b, logit, maximum));
        b.store(exponential, weights, {token, slot});
        return SmallVector<Value>{
            arith::AddFOp::create(b, carried[0], exponential).getResult()};
      })[0];
  forEachSlot([&](Value slot) {
    Value exponential = b.load(weights, {token, slot});
    b.store(arith::DivFOp::create(b, exponential, sum), weights, {token, slot});
  });
}

LogicalResult moe::lowerToRange(RouteOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  RouteKernel route(b, op);
  b.loop(kernel.begin, kernel.end, 1,
         [&](Value token) { route.emitToken(token); });
  return success();
}
