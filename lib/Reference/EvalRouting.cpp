// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.get_weight, dispatch, expert and combine.
#include "Frame.h"
#include "SortByExpert.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

LogicalResult evaluateGetWeight(GetWeightOp op, Frame &frame) {
  FailureOr<Tensor> weight = frame.weight(op, op.getWeight());
  if (failed(weight))
    return failure();
  frame.bind(op, std::move(*weight));
  return success();
}

LogicalResult evaluateDispatch(DispatchOp op, Frame &frame) {
  Tensor input = frame.tensor(op.getInput());
  SortOptions options;
  options.partial = op.getPartial();
  FailureOr<Plan> plan =
      sortByExpert(op, frame.tensor(op.getIds()), op.getExperts(), options);
  if (failed(plan) ||
      failed(checkEqual(op, "number of token rows",
                        plan->order.size() / plan->topK, input.getDim(0))))
    return failure();
  std::optional<Tensor> scale;
  if (op.getScale())
    scale = frame.tensor(op.getScale());
  if (scale && failed(checkEqual(op, "number of factors", plan->order.size(),
                                 scale->getNumElements())))
    return failure();
  int64_t width = input.getDim(1);
  Tensor rows(ElementKind::F32,
              {static_cast<int64_t>(plan->order.size()), width});
  for (auto [row, pair] : llvm::enumerate(plan->order))
    for (int64_t d = 0; d < width; ++d) {
      float value = input.floats()[pair / plan->topK * width + d];
      rows.mutableFloats()[row * width + d] =
          scale ? value * scale->floats()[pair] : value;
    }
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
  int64_t width =
      ShapedType::isDynamic(resultType.getDimSize(1))
          ? outputs.size() / std::max<int64_t>(plan->offsets.back(), 1)
          : resultType.getDimSize(1);
  // Rows of skipped pairs stay poison.
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
  std::optional<Tensor> skipped;
  if (op.getSkipped())
    skipped = frame.tensor(op.getSkipped());
  if (skipped && failed(checkEqual(op, "rows for skipped pairs", tokens,
                                   skipped->getDim(0))))
    return failure();
  MutableArrayRef<float> out = result.mutableFloats();
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t s = 0; s < k; ++s) {
      int64_t row = plan->inverse[t * k + s];
      bool isSkipped = row >= plan->offsets.back();
      if (isSkipped && !skipped)
        continue;
      ArrayRef<float> source = isSkipped
                                   ? skipped->floats().slice(t * width, width)
                                   : rows.floats().slice(row * width, width);
      float weight = weights.floats()[t * k + s];
      for (int64_t d = 0; d < width; ++d)
        out[t * width + d] = std::fma(weight, source[d], out[t * width + d]);
    }
  frame.bind(op.getResult(), std::move(result));
  return success();
}

} // namespace

void addRoutingHandlers(HandlerTable &table) {
  addHandler<GetWeightOp, evaluateGetWeight>(table);
  addHandler<DispatchOp, evaluateDispatch>(table);
  addHandler<ExpertOp, evaluateExpert>(table);
  addHandler<CombineOp, evaluateCombine>(table);
}

} // namespace mlir::moe::reference
