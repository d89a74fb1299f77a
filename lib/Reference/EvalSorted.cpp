// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens, grouped_matmul and packed_matmul.
#include "Frame.h"
#include "SortByExpert.h"
#include "WeightStore.h"

#include <cmath>

namespace mlir::moe::reference {
namespace {

Tensor makeIds(ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
  Tensor result(ElementKind::I32, shape);
  llvm::copy(values, result.mutableIntegers().begin());
  return result;
}

LogicalResult evaluateSortTokens(SortTokensOp op, Frame &frame) {
  Tensor ids = frame.tensor(op.getIds());
  FailureOr<Plan> plan = sortByExpert(op, ids, op.getExperts());
  if (failed(plan))
    return failure();
  frame.bind(op.getResult(0), makeIds(plan->offsets, plan->experts + 1));
  frame.bind(op.getResult(1), makeIds(plan->order, ids.getNumElements()));
  frame.bind(op.getResult(2), makeIds(plan->inverse, ids.getShape()));
  return success();
}

/// Matrices `[E, N, J]`, packed or not.
struct Matrices {
  Tensor tensor;
  PanelLayoutAttr panel;
  int64_t rows, columns, size;

  Matrices(Tensor weights, int64_t matrices, PanelLayoutAttr panel,
           int64_t rows, int64_t columns)
      : tensor(std::move(weights)), panel(panel), rows(rows), columns(columns),
        size(tensor.getNumElements() / matrices) {}

  float at(int64_t matrix, int64_t n, int64_t j) const {
    int64_t offset =
        panel ? getPanelOffset(panel, columns, n, j) : n * columns + j;
    return tensor.floats()[matrix * size + offset];
  }

  /// `out[n] = sum over j of input[j] * matrix[n, j]`.
  void multiply(int64_t matrix, ArrayRef<float> input,
                MutableArrayRef<float> out) const {
    for (int64_t n = 0; n < rows; ++n) {
      float sum = 0.0f;
      for (int64_t j = 0; j < columns; ++j)
        sum = std::fma(input[j], at(matrix, n, j), sum);
      out[n] = sum;
    }
  }
};

/// N: from the weights, or under a panel, which pads it, from the result type.
int64_t getOutputWidth(Operation *op, const Tensor &weights,
                       PanelLayoutAttr panel) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return panel ? type.getDimSize(1) : weights.getDim(weights.getRank() - 2);
}

/// An error unless `columns` inputs fit the weights.
LogicalResult checkColumns(Operation *op, const Tensor &weights,
                           PanelLayoutAttr panel, int64_t columns) {
  int64_t matrixDim = weights.getRank() - (!panel                ? 1
                                           : panel.getPair() > 1 ? 3
                                                                 : 2);
  int64_t pair = panel ? panel.getPair() : 1;
  return checkEqual(op, "columns of the weights",
                    llvm::divideCeil(columns, pair), weights.getDim(matrixDim));
}

/// The expert of each row, from offsets or ids.
FailureOr<std::vector<int64_t>> getExpertOfRows(GroupedMatmulOp op,
                                                int64_t experts, Frame &frame) {
  std::vector<int64_t> expertOf;
  if (op.getIds()) {
    expertOf = frame.tensor(op.getIds()).integers().vec();
    for (auto [row, expert] : llvm::enumerate(expertOf))
      if (expert < 0 || expert >= experts) {
        op.emitOpError("expected expert ids 0 to ")
            << experts - 1 << ", got " << expert << " for pair " << row;
        return failure();
      }
    return expertOf;
  }
  Tensor tensor = frame.tensor(op.getOffsets());
  ArrayRef<int64_t> offsets = tensor.integers();
  int64_t rows = frame.tensor(op.getInput()).getDim(0);
  if (!llvm::is_sorted(offsets) || offsets.front() != 0 ||
      offsets.back() != rows) {
    op.emitOpError("expected offsets rising from 0 to ")
        << rows << ", got " << ArrayRef(offsets);
    return failure();
  }
  for (int64_t e = 0; e < experts; ++e)
    expertOf.insert(expertOf.end(), offsets[e + 1] - offsets[e], e);
  return expertOf;
}

LogicalResult evaluateGroupedMatmul(GroupedMatmulOp op, Frame &frame) {
  Tensor input = frame.tensor(op.getInput());
  Tensor weights = frame.tensor(op.getWeights());
  PanelLayoutAttr panel = op.getPanelAttr();
  int64_t experts = weights.getDim(0), columns = input.getDim(1);
  FailureOr<std::vector<int64_t>> expertOf =
      getExpertOfRows(op, experts, frame);
  if (failed(expertOf))
    return failure();
  int64_t rows = expertOf->size();
  int64_t slots = op.getBroadcast() ? frame.tensor(op.getIds()).getDim(1) : 1;
  if (failed(checkEqual(op, "number of input rows", rows / slots,
                        input.getDim(0))) ||
      failed(checkColumns(op, weights, panel, columns)))
    return failure();
  int64_t width = getOutputWidth(op, weights, panel);
  Matrices matrices(std::move(weights), experts, panel, width, columns);
  Tensor result(ElementKind::F32, {rows, width});
  for (int64_t r = 0; r < rows; ++r)
    matrices.multiply((*expertOf)[r],
                      input.floats().slice(r / slots * columns, columns),
                      result.mutableFloats().slice(r * width, width));
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

LogicalResult evaluatePackedMatmul(PackedMatmulOp op, Frame &frame) {
  Tensor input = frame.tensor(op.getInput());
  Tensor weights = frame.tensor(op.getWeights());
  PanelLayoutAttr panel = op.getPanelAttr();
  int64_t rows = input.getDim(0), columns = input.getDim(1);
  if (failed(checkColumns(op, weights, panel, columns)))
    return failure();
  int64_t width = getOutputWidth(op, weights, panel);
  Matrices matrices(std::move(weights), 1, panel, width, columns);
  Tensor result(ElementKind::F32, {rows, width});
  for (int64_t r = 0; r < rows; ++r)
    matrices.multiply(0, input.floats().slice(r * columns, columns),
                      result.mutableFloats().slice(r * width, width));
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

} // namespace

void addSortedHandlers(HandlerTable &table) {
  addHandler<SortTokensOp, evaluateSortTokens>(table);
  addHandler<GroupedMatmulOp, evaluateGroupedMatmul>(table);
  addHandler<PackedMatmulOp, evaluatePackedMatmul>(table);
}

} // namespace mlir::moe::reference
