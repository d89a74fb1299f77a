// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.sort_tokens and packed_matmul.
#include "Matrices.h"
#include "SortByExpert.h"

namespace mlir::moe::reference {
namespace {

Tensor makeIds(ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
  Tensor result(ElementKind::I32, shape);
  llvm::copy(values, result.mutableIntegers().begin());
  return result;
}

LogicalResult evaluateSortTokens(SortTokensOp op, Frame &frame) {
  Tensor ids = frame.tensor(op.getIds());
  FailureOr<Plan> plan = sortByExpert(op, ids, op.getExperts(),
                                      {op.getPartial(), op.getRowMultiple()});
  if (failed(plan))
    return failure();
  frame.bind(op.getResult(0), makeIds(plan->offsets, plan->experts + 1));
  frame.bind(op.getResult(1), makeIds(plan->order, plan->order.size()));
  frame.bind(op.getResult(2), makeIds(plan->inverse, ids.getShape()));
  return success();
}

/// N: from the weights, or under a panel, which pads it, from the result type.
int64_t getOutputWidth(Operation *op, const Tensor &weights,
                       PanelLayoutAttr panel) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return panel ? type.getDimSize(1) : weights.getDim(weights.getRank() - 2);
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
    for (int64_t n = 0; n < width; ++n)
      result.mutableFloats()[r * width + n] =
          matrices.multiply(0, input.floats().slice(r * columns, columns), n);
  frame.bind(op.getResult(0), std::move(result));
  return success();
}

} // namespace

void addSortedHandlers(HandlerTable &table) {
  addHandler<SortTokensOp, evaluateSortTokens>(table);
  addHandler<PackedMatmulOp, evaluatePackedMatmul>(table);
}

} // namespace mlir::moe::reference
