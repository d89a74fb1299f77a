// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Losses, counts and the bias update, by the formulas of their texts.
#include "Frame.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"

#include <cmath>
#include <numeric>

namespace mlir::moe::reference {
namespace {

Tensor makeLoss(float value) {
  return Tensor::filled({}, Scalar::makeFloat(ElementKind::F32, value));
}

/// Which rows count; all where there is no mask.
FailureOr<std::vector<bool>> readMask(Operation *op, Value mask,
                                      ArrayRef<int64_t> rows, Frame &frame) {
  std::vector<bool> counts(
      std::accumulate(rows.begin(), rows.end(), 1, std::multiplies<int64_t>()),
      true);
  if (!mask)
    return counts;
  Tensor tensor = frame.tensor(mask);
  for (auto [i, extent] : llvm::enumerate(rows))
    if (failed(checkEqual(op, "extent " + Twine(i) + " of the mask", extent,
                          tensor.getDim(i))))
      return failure();
  for (auto [i, value] : llvm::enumerate(tensor.integers()))
    counts[i] = value != 0;
  return counts;
}

/// Sums of the rows that count: [E].
std::vector<float> sumRows(ArrayRef<float> rows, int64_t width,
                           ArrayRef<bool> counts) {
  std::vector<float> sums(width, 0.0f);
  for (auto [t, counted] : llvm::enumerate(counts))
    for (int64_t e = 0; counted && e < width; ++e)
      sums[e] += rows[t * width + e];
  return sums;
}

/// A divisor that leaves a sum over nothing at 0.
float divisor(int64_t count) { return std::max<int64_t>(count, 1); }

LogicalResult evaluateCountExperts(CountExpertsOp op, Frame &frame) {
  Tensor ids = frame.tensor(op.getIds());
  ArrayRef<int64_t> shape = ids.getShape();
  FailureOr<std::vector<bool>> mask =
      readMask(op, op.getMask(), shape.drop_back(), frame);
  if (failed(mask))
    return failure();
  int64_t experts = op.getExperts(), topK = shape.back();
  int64_t tokens = shape[shape.size() - 2];
  SmallVector<int64_t> resultShape(shape.drop_back(2));
  resultShape.push_back(experts);
  Tensor counts =
      Tensor::filled(resultShape, Scalar::makeInteger(ElementKind::I32, 0));
  MutableArrayRef<int64_t> out = counts.mutableIntegers();
  for (auto [pair, id] : llvm::enumerate(ids.integers())) {
    int64_t token = pair / topK;
    if ((*mask)[token] && id >= 0 && id < experts)
      ++out[token / tokens * experts + id];
  }
  frame.bind(op.getCounts(), std::move(counts));
  return success();
}

LogicalResult evaluateBalanceLoss(BalanceLossOp op, Frame &frame) {
  Tensor scores = frame.tensor(op.getScores());
  Tensor counts = frame.tensor(op.getCounts());
  ArrayRef<int64_t> shape = scores.getShape();
  int64_t batch = shape.size() == 3 ? shape[0] : 1;
  int64_t experts = shape.back(), tokens = shape[shape.size() - 2];
  FailureOr<std::vector<bool>> mask =
      readMask(op, op.getMask(), shape.drop_back(), frame);
  if (failed(mask) || failed(checkEqual(op, "number of counts", batch * experts,
                                        counts.getNumElements())))
    return failure();
  float ratio = static_cast<float>(double(experts) / op.getTopK()), sum = 0.0f;
  for (int64_t b = 0; b < batch; ++b) {
    SmallVector<bool> counted(mask->begin() + b * tokens,
                              mask->begin() + (b + 1) * tokens);
    std::vector<float> mass =
        sumRows(scores.floats().slice(b * tokens * experts, tokens * experts),
                experts, counted);
    float product = 0.0f;
    for (int64_t e = 0; e < experts; ++e)
      product = std::fma(static_cast<float>(counts.integers()[b * experts + e]),
                         mass[e], product);
    float n = divisor(llvm::count(counted, true));
    sum += product * ratio / n / n;
  }
  float loss = shape.size() == 3 ? sum / divisor(batch) : sum;
  frame.bind(op.getLoss(), makeLoss(loss * op.getScale().convertToFloat()));
  return success();
}

LogicalResult evaluateVariationLoss(VariationLossOp op, Frame &frame) {
  Tensor values = frame.tensor(op.getValues());
  int64_t experts = values.getDim(1);
  FailureOr<std::vector<bool>> mask =
      readMask(op, op.getMask(), values.getDim(0), frame);
  if (failed(mask))
    return failure();
  SmallVector<bool> counted(mask->begin(), mask->end());
  std::vector<float> mass = sumRows(values.floats(), experts, counted);
  float mean = std::accumulate(mass.begin(), mass.end(), 0.0f) / experts;
  float squares = 0.0f;
  for (float value : mass)
    squares = std::fma(value - mean, value - mean, squares);
  float by = mean == 0.0f ? 1.0f : mean;
  float loss = squares / experts / by / by;
  frame.bind(op.getLoss(), makeLoss(loss * op.getScale().convertToFloat()));
  return success();
}

/// The k-th of a row in the order of moe.route.
float findThreshold(ArrayRef<float> row, int64_t topK) {
  std::vector<float> sorted(row);
  // Which of equal values comes k-th does not matter to the value.
  llvm::sort(sorted, [](float a, float b) {
    return std::isnan(b) ? !std::isnan(a) : a > b;
  });
  return sorted[topK - 1];
}

LogicalResult evaluateWinProbability(WinProbabilityOp op, Frame &frame) {
  Tensor logits = frame.tensor(op.getLogits());
  Tensor noisy = frame.tensor(op.getNoisy());
  int64_t tokens = logits.getDim(0), experts = logits.getDim(1);
  if (failed(checkEqual(op, "number of noisy tokens", tokens, noisy.getDim(0))))
    return failure();
  Tensor result(ElementKind::F32, logits.getShape());
  MutableArrayRef<float> out = result.mutableFloats();
  for (int64_t t = 0; t < tokens; ++t) {
    float threshold =
        findThreshold(noisy.floats().slice(t * experts, experts), op.getTopK());
    for (int64_t i = t * experts; i < (t + 1) * experts; ++i)
      out[i] = std::fma(
          0.5f, ::erff((logits.floats()[i] - threshold) * op.getSlope()), 0.5f);
  }
  frame.bind(op.getProbabilities(), std::move(result));
  return success();
}

LogicalResult evaluateZLoss(ZLossOp op, Frame &frame) {
  Tensor logits = frame.tensor(op.getLogits());
  int64_t tokens = logits.getDim(0), experts = logits.getDim(1);
  FailureOr<std::vector<bool>> mask = readMask(op, op.getMask(), tokens, frame);
  if (failed(mask))
    return failure();
  float squares = 0.0f;
  for (int64_t t = 0; t < tokens; ++t) {
    if (!(*mask)[t])
      continue;
    ArrayRef<float> row = logits.floats().slice(t * experts, experts);
    float max = *llvm::max_element(row), sum = 0.0f;
    for (float value : row)
      sum += ::expf(value - max);
    float z = max + ::logf(sum);
    squares = std::fma(z, z, squares);
  }
  float loss = squares / divisor(llvm::count(*mask, true));
  frame.bind(op.getLoss(), makeLoss(loss * op.getScale().convertToFloat()));
  return success();
}

LogicalResult evaluateUpdateBias(UpdateBiasOp op, Frame &frame) {
  Tensor bias = frame.tensor(op.getBias());
  Tensor countsTensor = frame.tensor(op.getCounts());
  ArrayRef<int64_t> counts = countsTensor.integers();
  int64_t experts = bias.getDim(0);
  if (failed(checkEqual(op, "number of counts", experts, counts.size())))
    return failure();
  int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t(0));
  float rate = op.getRate().convertToFloat();
  MutableArrayRef<float> updated = bias.mutableFloats();
  for (auto [value, count] : llvm::zip_equal(updated, counts)) {
    int64_t missing = total - experts * count;
    value += missing > 0 ? rate : missing < 0 ? -rate : 0.0f;
  }
  frame.bind(op.getUpdated(), std::move(bias));
  return success();
}

} // namespace

void addTrainingHandlers(HandlerTable &table) {
  addHandler<CountExpertsOp, evaluateCountExperts>(table);
  addHandler<BalanceLossOp, evaluateBalanceLoss>(table);
  addHandler<VariationLossOp, evaluateVariationLoss>(table);
  addHandler<WinProbabilityOp, evaluateWinProbability>(table);
  addHandler<ZLossOp, evaluateZLoss>(table);
  addHandler<UpdateBiasOp, evaluateUpdateBias>(table);
}

} // namespace mlir::moe::reference
