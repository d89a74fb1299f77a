// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.get_weight, route, dispatch, expert and combine.
#include "Frame.h"
#include "SortByExpert.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"

#include <cmath>
#include <numeric>

namespace mlir::moe::reference {
namespace {

LogicalResult evaluateGetWeight(GetWeightOp op, Frame &frame) {
  FailureOr<Tensor> weight = frame.weight(op, op.getWeight());
  if (failed(weight))
    return failure();
  frame.bind(op, std::move(*weight));
  return success();
}

/// Softmax in place; the largest value is subtracted so that nothing overflows.
void softmax(MutableArrayRef<float> values) {
  float largest = -std::numeric_limits<float>::infinity(), sum = 0.0f;
  for (float value : values)
    largest = std::fmax(largest, value);
  for (float &value : values)
    sum += value = ::expf(value - largest);
  for (float &value : values)
    value /= sum;
}

/// Router scores of one token, step 1 of the op text.
std::vector<float> score(ScoreFunction function, ArrayRef<float> logits) {
  std::vector<float> scores(logits);
  if (function == ScoreFunction::Softmax)
    softmax(scores);
  if (function == ScoreFunction::Sigmoid)
    for (float &value : scores)
      value = 1.0f / (1.0f + ::expf(-value));
  return scores;
}

/// The k indices of largest value, falling; equal values by rising index, NaN
/// last.
std::vector<int64_t> selectTopK(ArrayRef<float> values, int64_t k) {
  std::vector<int64_t> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  auto rank = [&](int64_t id) {
    return std::make_tuple(std::isnan(values[id]),
                           std::isnan(values[id]) ? 0.0f : -values[id], id);
  };
  llvm::sort(ids, [&](int64_t a, int64_t b) { return rank(a) < rank(b); });
  ids.resize(k);
  return ids;
}

LogicalResult evaluateRoute(RouteOp op, Frame &frame) {
  Tensor logits = frame.tensor(op.getLogits());
  int64_t tokens = logits.getDim(0), experts = logits.getDim(1);
  int64_t k = op.getTopK();
  std::vector<float> bias(experts, 0.0f);
  if (op.getBias())
    bias = frame.tensor(op.getBias()).floats().vec();
  Tensor weights(ElementKind::F32, {tokens, k});
  Tensor ids(ElementKind::I32, {tokens, k});
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<float> scores =
        score(op.getScore(), logits.floats().slice(t * experts, experts));
    std::vector<float> selection(experts);
    for (int64_t e = 0; e < experts; ++e)
      selection[e] = scores[e] + bias[e];
    MutableArrayRef<float> w = weights.mutableFloats().slice(t * k, k);
    MutableArrayRef<int64_t> chosen = ids.mutableIntegers().slice(t * k, k);
    llvm::copy(selectTopK(selection, k), chosen.begin());
    for (int64_t j = 0; j < k; ++j)
      w[j] = scores[chosen[j]];
    if (op.getScore() == ScoreFunction::SoftmaxTopK)
      softmax(w);
    if (std::optional<APFloat> eps = op.getNormalize()) {
      float sum = std::accumulate(w.begin(), w.end(), 0.0f);
      for (float &value : w)
        value /= sum + eps->convertToFloat();
    }
    for (float &value : w)
      value *= op.getScale().convertToFloat();
  }
  frame.bind(op.getResult(0), std::move(weights));
  frame.bind(op.getResult(1), std::move(ids));
  return success();
}

LogicalResult evaluateDispatch(DispatchOp op, Frame &frame) {
  Tensor input = frame.tensor(op.getInput());
  FailureOr<Plan> plan =
      sortByExpert(op, frame.tensor(op.getIds()), op.getExperts());
  if (failed(plan) ||
      failed(checkEqual(op, "number of token rows",
                        plan->order.size() / plan->topK, input.getDim(0))))
    return failure();
  int64_t width = input.getDim(1);
  Tensor rows(ElementKind::F32,
              {static_cast<int64_t>(plan->order.size()), width});
  for (auto [row, pair] : llvm::enumerate(plan->order))
    llvm::copy(input.floats().slice(pair / plan->topK * width, width),
               rows.mutableFloats().begin() + row * width);
  frame.bind(op.getRows(), std::move(rows));
  frame.bind(op.getPlan(), std::make_shared<const Plan>(std::move(*plan)));
  return success();
}

/// Rows begin..end-1.
Tensor sliceRows(const Tensor &rows, int64_t begin, int64_t end) {
  int64_t width = rows.getDim(1);
  Tensor block(ElementKind::F32, {end - begin, width});
  llvm::copy(rows.floats().slice(begin * width, (end - begin) * width),
             block.mutableFloats().begin());
  return block;
}

std::shared_ptr<const Plan> getPlan(Value value, Frame &frame) {
  return std::get<std::shared_ptr<const Plan>>(frame.lookup(value));
}

LogicalResult evaluateExpert(ExpertOp op, Frame &frame) {
  std::shared_ptr<const Plan> plan = getPlan(op.getPlan(), frame);
  Tensor rows = frame.tensor(op.getRows());
  auto resultType = cast<RankedTensorType>(op.getResult().getType());
  if (failed(
          checkEqual(op, "number of rows", plan->order.size(), rows.getDim(0))))
    return failure();
  std::vector<float> outputs;
  for (int64_t e = 0; e < plan->experts; ++e) {
    SmallVector<Datum> arguments = {
        sliceRows(rows, plan->offsets[e], plan->offsets[e + 1])};
    for (Value weight : op.getWeights())
      arguments.push_back(frame.tensor(weight).slice(e));
    FailureOr<SmallVector<Datum>> yielded =
        frame.run(op.getBody().front(), arguments);
    if (failed(yielded))
      return failure();
    const auto &block = std::get<Tensor>(yielded->front());
    if (failed(checkEqual(op, "rows yielded for expert " + Twine(e),
                          plan->offsets[e + 1] - plan->offsets[e],
                          block.getDim(0))))
      return failure();
    llvm::append_range(outputs, block.floats());
  }
  int64_t width = ShapedType::isDynamic(resultType.getDimSize(1))
                      ? outputs.size() / std::max<int64_t>(rows.getDim(0), 1)
                      : resultType.getDimSize(1);
  Tensor result(ElementKind::F32, {rows.getDim(0), width});
  llvm::copy(outputs, result.mutableFloats().begin());
  frame.bind(op.getResult(), std::move(result));
  return success();
}

LogicalResult evaluateCombine(CombineOp op, Frame &frame) {
  std::shared_ptr<const Plan> plan = getPlan(op.getPlan(), frame);
  Tensor rows = frame.tensor(op.getRows());
  Tensor weights = frame.tensor(op.getWeights());
  int64_t tokens = weights.getDim(0), k = plan->topK, width = rows.getDim(1);
  if (failed(checkEqual(op, "number of rows", plan->order.size(),
                        rows.getDim(0))) ||
      failed(checkEqual(op, "number of weights", plan->order.size(),
                        weights.getNumElements())))
    return failure();
  Tensor result = op.getResidual()
                      ? frame.tensor(op.getResidual())
                      : Tensor::filled({tokens, width},
                                       Scalar::makeFloat(ElementKind::F32, 0));
  if (failed(checkEqual(op, "rows of the residual", tokens, result.getDim(0))))
    return failure();
  MutableArrayRef<float> out = result.mutableFloats();
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t s = 0; s < k; ++s) {
      int64_t row = plan->inverse[t * k + s];
      float weight = weights.floats()[t * k + s];
      for (int64_t d = 0; d < width; ++d)
        out[t * width + d] = std::fma(weight, rows.floats()[row * width + d],
                                      out[t * width + d]);
    }
  frame.bind(op.getResult(), std::move(result));
  return success();
}

} // namespace

void addRoutingHandlers(HandlerTable &table) {
  addHandler<GetWeightOp, evaluateGetWeight>(table);
  addHandler<RouteOp, evaluateRoute>(table);
  addHandler<DispatchOp, evaluateDispatch>(table);
  addHandler<ExpertOp, evaluateExpert>(table);
  addHandler<CombineOp, evaluateCombine>(table);
}

} // namespace mlir::moe::reference
