// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RouteKernel.h"
#include "moe/Conversion/MoEToVector/KernelUnits.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

/// Whether some stages need z and others what became of it.
static bool needsScoresAndLogits(RouteOp op) {
  switch (op.getScore()) {
  case ScoreFunction::Softmax:
  case ScoreFunction::Sigmoid:
  case ScoreFunction::SqrtSoftplus:
    return op.isChosenOnLogits();
  case ScoreFunction::SoftmaxTopK:
  case ScoreFunction::SparseMixer:
    return op.getWithScores();
  case ScoreFunction::None:
    return false;
  }
  llvm_unreachable("unknown score function");
}

RouteKernel::RouteKernel(KernelBuilder &b, RouteOp op)
    : b(b), op(op), columns(op.getNumColumns()), choices(op.getNumChoices()),
      experts(op.getNumRouted()), topK(op.getTopK()),
      scoredSlots(topK + (op.hasScoredShared() ? op.getNumShared() : 0)),
      weights(op.getOuts()[0]), ids(op.getOuts()[1]),
      logits(b, columns, b.getF32Type()),
      scores(needsScoresAndLogits(op) ? RouteRow(b, columns, b.getF32Type())
                                      : logits),
      keys(b, choices, b.getI32Type()) {}

void RouteKernel::forEachSlot(int64_t count, SlotBody body) {
  b.loop(b.index(0), b.index(count), 1, body);
}

Value RouteKernel::loadWeight(Value token, Value slot) {
  return b.load(weights, {token, slot});
}

void RouteKernel::storeWeight(Value weight, Value token, Value slot) {
  b.store(weight, weights, {token, slot});
}

Value RouteKernel::foldWeights(
    Value token, float start,
    llvm::function_ref<Value(Value, Value, Value)> body) {
  return b.loop(b.index(0), b.index(scoredSlots), 1, b.f32(start),
                [&](Value slot, ValueRange carried) {
                  Value weight = loadWeight(token, slot);
                  return SmallVector<Value>{body(carried[0], weight, slot)};
                })[0];
}

void RouteKernel::updateWeights(Value token,
                                llvm::function_ref<Value(Value, Value)> body) {
  forEachSlot(scoredSlots, [&](Value slot) {
    storeWeight(body(loadWeight(token, slot), slot), token, slot);
  });
}

/// What follows the choice, whoever made it.
void RouteKernel::finishToken(Value token) {
  emitNormalize(token);
  emitScale(token);
  emitIds(token);
  emitShared(token);
}

void RouteKernel::emitTokens(Value begin, Value end) {
  forEachToken(begin, end, [&](Value token) {
    emitScores(token);
    emitChoice(token);
    emitWeights(token);
    finishToken(token);
  });
}

void RouteKernel::emitBatch() {
  Value zero = b.index(0), tokens = b.dim(weights, 0);
  forEachToken(zero, tokens, [&](Value token) {
    emitScores(token);
    if (op.getExpertChoice())
      return emitExpertKeys(token);
    emitChoice(token);
    emitWeights(token);
  });
  if (op.getExpertChoice())
    emitExpertChoice(tokens);
  else if (op.getCapacity())
    emitCapacity(tokens);
  Value counts;
  if (op.getWithCounts()) {
    counts = op.getOuts()[op.getCountsIndex()];
    b.loop(zero, b.index(op.getNumExperts()), 1,
           [&](Value expert) { b.store(b.i32(0), counts, expert); });
  }
  b.loop(zero, tokens, 1, [&](Value token) {
    finishToken(token);
    if (counts)
      emitCounts(token);
  });
}

LogicalResult moe::lowerToRange(RouteOp op, const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  RouteKernel route(b, op);
  if (failed(route.prepareGate(kernel.lanes)))
    return failure();
  if (op.needsAllTokens())
    route.emitBatch();
  else
    route.emitTokens(kernel.begin, kernel.end);
  return success();
}
