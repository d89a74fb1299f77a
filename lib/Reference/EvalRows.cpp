// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.gather_rows, expert_rows and combine_rows.
#include "ExpertOfRows.h"
#include "Frame.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

/// An error unless there is one value for each of `pairs` pairs.
LogicalResult checkPairs(Operation *op, const Twine &what, int64_t pairs,
                         const Tensor &tensor) {
  return checkEqual(op, "number of " + what, pairs, tensor.getNumElements());
}

/// An error unless `index` lies within 0..end-1.
LogicalResult checkIndex(Operation *op, StringRef what, int64_t index,
                         int64_t end) {
  if (index >= 0 && index < end)
    return success();
  return op->emitOpError("expected ")
         << what << " within 0 to " << end - 1 << ", got " << index;
}

LogicalResult evaluateGatherRows(GatherRowsOp op, Frame &frame) {
  Tensor input = frame.tensor(op.getInput());
  int64_t width = input.getDim(1), k = op.getTopK();
  int64_t pairs = input.getDim(0) * k;
  std::vector<int64_t> order;
  if (op.getOrder()) {
    Tensor tensor = frame.tensor(op.getOrder());
    if (failed(checkPairs(op, "rows in order", pairs, tensor)))
      return failure();
    order = tensor.integers().vec();
  }
  std::optional<Tensor> scale;
  if (op.getScale()) {
    scale = frame.tensor(op.getScale());
    if (failed(checkPairs(op, "factors", pairs, *scale)))
      return failure();
  }
  Tensor result(ElementKind::F32, {pairs, width});
  for (int64_t r = 0; r < pairs; ++r) {
    int64_t pair = op.getOrder() ? order[r] : r;
    if (failed(checkIndex(op, "a pair", pair, pairs)))
      return failure();
    float factor = scale ? scale->floats()[pair] : 1.0f;
    ArrayRef<float> row = input.floats().slice(pair / k * width, width);
    for (int64_t d = 0; d < width; ++d)
      result.mutableFloats()[r * width + d] = scale ? row[d] * factor : row[d];
  }
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

LogicalResult evaluateExpertRows(ExpertRowsOp op, Frame &frame) {
  Tensor vectors = frame.tensor(op.getVectors());
  Tensor destination = frame.tensor(op.getOuts()[0]);
  int64_t experts = vectors.getDim(0), width = vectors.getDim(1);
  FailureOr<std::vector<int64_t>> expertOf =
      getExpertOfRows(op, {op.getOffsets(), op.getIds(), op.getPartial()},
                      experts, destination.getDim(0), frame);
  if (failed(expertOf) || failed(checkEqual(op, "width of the result", width,
                                            destination.getDim(1))))
    return failure();
  // Rows of skipped pairs stay poison.
  Tensor result(vectors.getKind(), destination.getShape());
  for (auto [row, expert] : llvm::enumerate(*expertOf))
    if (expert < experts)
      llvm::copy(vectors.floats().slice(expert * width, width),
                 result.mutableFloats().begin() + row * width);
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

/// The operands of a combination.
struct Combination {
  Combination(CombineRowsOp op, Frame &frame)
      : op(op), rows(frame.tensor(op.getRows())),
        weights(frame.tensor(op.getWeights())) {
    auto lookUp = [&](Value value) {
      return value ? std::optional<Tensor>(frame.tensor(value)) : std::nullopt;
    };
    inverse = lookUp(op.getInverse());
    offsets = lookUp(op.getOffsets());
    ids = lookUp(op.getIds());
    skipped = lookUp(op.getSkipped());
    init = lookUp(op.getInit());
  }

  LogicalResult check() {
    int64_t pairs = weights.getNumElements(), tokens = weights.getDim(0);
    if (failed(checkEqual(op, "number of rows", pairs, rows.getDim(0))))
      return failure();
    for (auto &[what, tensor] :
         {std::pair("rows in inverse", &inverse), std::pair("ids", &ids)})
      if (*tensor && failed(checkPairs(op, what, pairs, **tensor)))
        return failure();
    for (auto &[what, tensor] : {std::pair("tokens of init", &init),
                                 std::pair("tokens of skipped", &skipped)})
      if (*tensor && failed(checkEqual(op, what, tokens, (*tensor)->getDim(0))))
        return failure();
    return success();
  }

  int64_t rowOf(int64_t pair) {
    return inverse ? inverse->integers()[pair] : pair;
  }

  bool isSkipped(int64_t pair) {
    if (ids)
      return ids->integers()[pair] == static_cast<int64_t>(*op.getExperts());
    return offsets && rowOf(pair) >= offsets->integers().back();
  }

  CombineRowsOp op;
  Tensor rows, weights;
  std::optional<Tensor> inverse, offsets, ids, skipped, init;
};

LogicalResult evaluateCombineRows(CombineRowsOp op, Frame &frame) {
  Combination combination(op, frame);
  if (failed(combination.check()))
    return failure();
  int64_t tokens = combination.weights.getDim(0);
  int64_t k = combination.weights.getDim(1);
  int64_t width = combination.rows.getDim(1);
  Tensor result = combination.init
                      ? *combination.init
                      : Tensor::filled({tokens, width},
                                       Scalar::makeFloat(ElementKind::F32, 0));
  for (int64_t pair = 0; pair < tokens * k; ++pair) {
    int64_t row = combination.rowOf(pair), token = pair / k;
    if (failed(checkIndex(op, "a row", row, tokens * k)))
      return failure();
    bool isSkipped = combination.isSkipped(pair);
    if (isSkipped && !combination.skipped)
      continue;
    ArrayRef<float> source =
        isSkipped ? combination.skipped->floats().slice(token * width, width)
                  : combination.rows.floats().slice(row * width, width);
    float weight = combination.weights.floats()[pair];
    for (int64_t d = 0; d < width; ++d) {
      float &out = result.mutableFloats()[token * width + d];
      out = std::fma(weight, source[d], out);
    }
  }
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

} // namespace

void addRowHandlers(HandlerTable &table) {
  addHandler<GatherRowsOp, evaluateGatherRows>(table);
  addHandler<ExpertRowsOp, evaluateExpertRows>(table);
  addHandler<CombineRowsOp, evaluateCombineRows>(table);
}

} // namespace mlir::moe::reference
