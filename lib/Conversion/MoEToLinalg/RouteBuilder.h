// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The portable lowering of moe.route, stage after stage as its text has them.
// State between stages are tensors [T, ..]: each is one linalg.generic that is
// parallel over tokens, except where tokens or slots depend on each other;
// these are loops. A pair (token, slot) that a capacity takes away keeps its
// column c as the id -1 - c until the last stage.
#ifndef MOE_LIB_CONVERSION_MOETOLINALG_ROUTEBUILDER_H
#define MOE_LIB_CONVERSION_MOETOLINALG_ROUTEBUILDER_H

#include "ScalarBuilder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

class RouteBuilder {
public:
  RouteBuilder(OpBuilder &b, RouteOp op);
  /// The results, of their types.
  SmallVector<Value> build();

private:
  /// An element at [t, i] from those of the inputs there.
  using Body = function_ref<Value(ScalarBuilder &, Value t, Value i,
                                  ValueRange elements)>;
  using TokenBody = function_ref<Value(ScalarBuilder &, Value t)>;

  /// A tensor [T, width].
  Value generate(int64_t width, Type elementType, ValueRange inputs, Body body);
  Value generate(int64_t width, ValueRange inputs, Body body) {
    return generate(width, b.getF32Type(), inputs, body);
  }
  /// A tensor [T] of f32.
  Value generateRows(TokenBody body);
  Value empty(int64_t width, Type elementType);

  //===--- RouteScores.cpp: steps 1 and 2 -------------------------------===//
  Value buildLogits();
  Value buildProjection();
  Value buildNoise(Value z);
  Value buildScores();
  Value buildSoftmax(Value x, int64_t width, bool inLanes);

  //===--- RouteChoice.cpp: steps 3 and 4 -------------------------------===//
  Value buildKeys();
  Value buildGroupLimit(Value keys);
  Value buildGroupKeys(Value keys);
  Value buildChoice(Value keys);
  Value buildGivenIds();

  //===--- RouteWeights.cpp: steps 5 to 8 and 10 ------------------------===//
  Value buildColumns(Value chosen);
  Value buildWeights();
  Value buildSparseMixer();
  Value buildNormalize();
  Value buildScale();
  Value buildFinalWeights();
  Value buildFinalIds();

  //===--- RouteBatch.cpp: step 9, expert choice, counts ----------------===//
  Value buildCapacity();
  void buildCapacityInOrder(Value capacity);
  void buildCapacityByWeight(Value capacity);
  void buildExpertChoice(Value keys);
  Value buildCounts(Value ids);
  Value selectTokens(ScalarBuilder &b, Value wanted, Value columns, Value slot,
                     Value id, function_ref<Value(ScalarBuilder &, Value)> key,
                     bool all);

  ScalarBuilder b;
  RouteOp op;
  int64_t numColumns, choices, experts, topK, scoredSlots;
  OpFoldResult numTokens;
  Value tokens;
  /// z, s, and s as weights see it, [T, columns].
  Value logits, scores, maskedScores;
  /// The column of each scored slot, and its weight.
  Value columns, weights;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_ROUTEBUILDER_H
