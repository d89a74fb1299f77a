// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel of moe.route, stage after stage as its text has them. Scores are
// computed in blocks of 16 experts. Selection compares integers that order like
// the numbers they stand for, which settles NaN, ties, experts already taken
// and columns that cannot be chosen in one comparison.
//
// Between stages a token's state is on the stack, and in its rows of the
// outputs: weights so far, and for each slot the column of the logits that was
// chosen. What a capacity or an expert's choice decides needs all tokens; then
// one unit runs the stages over all of them, with nothing but the outputs to
// keep the state.
#ifndef MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEKERNEL_H
#define MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEKERNEL_H

#include "MatmulMicroKernel.h"
#include "RouteRow.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

class RouteKernel {
public:
  RouteKernel(KernelBuilder &b, RouteOp op);

  /// What follows needs it, and fails where packed weights of the gate do not
  /// suit vectors of `lanes`.
  LogicalResult prepareGate(int64_t lanes);
  /// Tokens [begin, end) that do not depend on each other.
  void emitTokens(Value begin, Value end);
  /// All tokens.
  void emitBatch();

private:
  using Math = ScoreMath<BuilderOps>;
  using SlotBody = llvm::function_ref<void(Value)>;

  //===--- RouteGate.cpp: the projection in step 1 ----------------------===//
  void forEachToken(Value begin, Value end,
                    llvm::function_ref<void(Value)> body);
  void emitProjection(Value begin, Value end);

  //===--- RouteScores.cpp: steps 1 and 2 -------------------------------===//
  void emitScores(Value token);
  void emitNoise(Value token);
  void emitScoresOutput(Value token);
  void mapRow(const RouteRow &row,
              llvm::function_ref<Value(BuilderOps &, Math &, Value)> body);
  void emitSoftmax(const RouteRow &row);

  //===--- RouteSelection.cpp: steps 3 and 4 ----------------------------===//
  void emitKeys();
  void emitGroupLimit();
  void emitGroupKeys(const RouteRow &groupKeys);
  void emitChoice(Value token);
  void emitGivenIds(Value token);

  //===--- RouteWeights.cpp: steps 5 to 8 and 10 ------------------------===//
  void emitWeights(Value token);
  void emitChosenSoftmax(Value token);
  void emitSparseMixer(Value token);
  void emitNormalize(Value token);
  void emitScale(Value token);
  void emitIds(Value token);
  void emitShared(Value token);

  //===--- RouteBatch.cpp: step 9 and expert choice ---------------------===//
  void emitExpertKeys(Value token);
  void emitExpertChoice(Value tokens);
  void emitCapacity(Value tokens);
  void emitCapacityByWeight(Value capacity, Value tokens);
  void emitCounts(Value token);

  /// Of tokens that are members with an unsigned key, marks the `wanted` of
  /// largest key, of equal keys the first ones; `wanted` is at least 1 and at
  /// most the number of members.
  void selectTokens(Value tokens, Value wanted,
                    llvm::function_ref<Value(Value)> isMember,
                    llvm::function_ref<Value(Value)> keyOf,
                    llvm::function_ref<void(Value, Value)> mark);

  //===--- Route.cpp ----------------------------------------------------===//
  void finishToken(Value token);

  /// Runs over slots [0, count).
  void forEachSlot(int64_t count, SlotBody body);
  /// Folds the weights of the first `scoredSlots` slots in slot order.
  Value foldWeights(Value token, float start,
                    llvm::function_ref<Value(Value, Value, Value)> body);
  Value loadWeight(Value token, Value slot);
  void storeWeight(Value weight, Value token, Value slot);
  /// A function of each weight that is scored.
  void updateWeights(Value token, llvm::function_ref<Value(Value, Value)> body);

  KernelBuilder &b;
  RouteOp op;
  /// Columns of the logits, those to choose from, and those of experts.
  int64_t columns, choices, experts;
  /// Slots that are chosen, and those whose weights are scores.
  int64_t topK, scoredSlots;
  Value weights, ids;
  /// z and s; one row where s is z.
  RouteRow logits, scores;
  /// Keys of the columns to choose from.
  RouteRow keys;
  /// Where the logits of the token at hand are: an input, or what the gate
  /// makes of a block of tokens.
  Value source, sourceRow;
  int64_t blockTokens = 1;
  std::optional<PanelProduct> product;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOVECTOR_ROUTEKERNEL_H
