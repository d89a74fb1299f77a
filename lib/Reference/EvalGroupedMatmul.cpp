// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.grouped_matmul: all rows of all results, one element after the other,
// then the combination.
#include "ExpertOfRows.h"
#include "Matrices.h"
#include "ScalarProgram.h"

namespace mlir::moe::reference {
namespace {

struct GroupedMatmul {
  GroupedMatmul(GroupedMatmulOp op, Frame &frame) : op(op), frame(frame) {}

  LogicalResult readRows();
  LogicalResult readOperands();
  LogicalResult computeRow(int64_t row);
  LogicalResult combine();

  GroupedMatmulOp op;
  Frame &frame;

  int64_t experts = 0, slots = 1, width = 0, inputColumns = 0;
  std::vector<int64_t> expertOf; ///< Of each row; E where it is skipped.
  SmallVector<int64_t> pairOf;   ///< Of each row; empty where unknown.
  Tensor input;
  std::vector<Matrices> weights;
  std::vector<Tensor> extras;
  SmallVector<AffineMap> maps;
  std::optional<ScalarProgram> epilogue;
  std::vector<Tensor> values; ///< v [R, N] of each result.

private:
  LogicalResult readPairs(int64_t rows);
  FailureOr<Scalar> readExtra(unsigned i, ArrayRef<int64_t> position);
};

LogicalResult GroupedMatmul::readPairs(int64_t rows) {
  if (op.getIds()) {
    pairOf = llvm::to_vector(llvm::seq(rows));
    return success();
  }
  if (!op.getOrder())
    return success();
  llvm::append_range(pairOf, frame.tensor(op.getOrder()).integers());
  for (auto [row, pair] : llvm::enumerate(pairOf))
    if (pair < 0 || pair >= rows)
      return op.emitOpError("expected pairs 0 to ")
             << rows - 1 << ", got " << pair << " in row " << row;
  return success();
}

LogicalResult GroupedMatmul::readRows() {
  input = frame.tensor(op.getInput());
  experts = op.getNumExperts();
  slots = op.getNumSlots().value_or(1);
  Value places = op.getIds() ? op.getIds() : op.getOrder();
  int64_t rows =
      places ? frame.tensor(places).getNumElements() : input.getDim(0);
  FailureOr<std::vector<int64_t>> experts =
      getExpertOfRows(op, {op.getOffsets(), op.getIds(), op.getPartial()},
                      this->experts, rows, frame);
  if (failed(experts) || failed(readPairs(rows)))
    return failure();
  expertOf = std::move(*experts);
  return checkEqual(op, "number of input rows",
                    op.getBroadcast() ? rows / slots : rows, input.getDim(0));
}

LogicalResult GroupedMatmul::readOperands() {
  // N: from the weights, or under a panel, which pads it, from the result type.
  PanelLayoutAttr panel = op.getPanelAttr();
  inputColumns = input.getDim(1);
  for (Value value : op.getWeights()) {
    Tensor tensor = frame.tensor(value);
    if (failed(checkColumns(op, tensor, panel, inputColumns)))
      return failure();
    width = panel ? op.getWidth() : tensor.getDim(tensor.getRank() - 2);
    weights.emplace_back(std::move(tensor), experts, panel, width,
                         inputColumns);
  }
  for (Value extra : op.getExtras())
    extras.push_back(frame.tensor(extra));
  maps = op.getEpilogueMaps();
  if (!op.getEpilogue().empty()) {
    epilogue = ScalarProgram::compile(op.getEpilogue().front(), frame);
    if (!epilogue)
      return frame.unsupported(op, "has an epilogue that is not evaluated by "
                                   "the reference");
  }
  int64_t rows = expertOf.size();
  values.assign(op.getOuts().size(), Tensor(ElementKind::F32, {rows, width}));
  return success();
}

FailureOr<Scalar> GroupedMatmul::readExtra(unsigned i,
                                           ArrayRef<int64_t> position) {
  SmallVector<int64_t> indices = maps[i].compose(position);
  std::optional<int64_t> offset = extras[i].offsetOf(indices);
  if (!offset) {
    op.emitOpError("expected indices within ")
        << formatType(extras[i]) << " for epilogue operand " << i << ", got "
        << ArrayRef(indices);
    return failure();
  }
  return extras[i].get(*offset);
}

LogicalResult GroupedMatmul::computeRow(int64_t row) {
  if (expertOf[row] == experts)
    return success();
  int64_t pair = pairOf.empty() ? 0 : pairOf[row];
  int64_t source = op.getBroadcast() ? pair / slots : row;
  ArrayRef<float> x = input.floats().slice(source * inputColumns, inputColumns);
  for (int64_t n = 0; n < width; ++n) {
    int64_t position[] = {row, n, expertOf[row], pair / slots, pair % slots};
    SmallVector<float> products;
    for (const Matrices &matrices : weights)
      products.push_back(matrices.multiply(expertOf[row], x, n));
    if (!epilogue) {
      for (auto [value, product] : llvm::zip_equal(values, products))
        value.mutableFloats()[row * width + n] = product;
      continue;
    }
    for (auto [i, product] : llvm::enumerate(products))
      epilogue->argument(i) = Scalar::makeFloat(ElementKind::F32, product);
    for (unsigned i = 0, e = extras.size(); i < e; ++i) {
      FailureOr<Scalar> element = readExtra(i, position);
      if (failed(element))
        return failure();
      epilogue->argument(weights.size() + i) = *element;
    }
    if (failed(epilogue->run(position)))
      return failure();
    for (auto [i, value] : llvm::enumerate(values))
      value.mutableFloats()[row * width + n] = epilogue->yielded(i).f;
  }
  return success();
}

/// The sum over slots of each token; replaces the value.
LogicalResult GroupedMatmul::combine() {
  Tensor factors = frame.tensor(op.getCombine());
  int64_t tokens = factors.getDim(0), rows = expertOf.size();
  if (failed(checkEqual(op, "number of combined rows", tokens * slots, rows)))
    return failure();
  SmallVector<int64_t> rowOf;
  for (int64_t row = 0; row < rows; ++row)
    rowOf.push_back(row);
  if (op.getInverse())
    llvm::copy(frame.tensor(op.getInverse()).integers(), rowOf.begin());
  Tensor sum = op.getInit()
                   ? frame.tensor(op.getInit())
                   : Tensor::filled({tokens, width},
                                    Scalar::makeFloat(ElementKind::F32, 0));
  Tensor skipped = op.getSkipped() ? frame.tensor(op.getSkipped()) : Tensor();
  for (int64_t pair = 0; pair < rows; ++pair) {
    int64_t row = rowOf[pair], token = pair / slots;
    if (row < 0 || row >= rows)
      return op.emitOpError("expected rows 0 to ")
             << rows - 1 << ", got " << row << " for pair " << pair;
    bool isSkipped = expertOf[row] == experts;
    if (isSkipped && !op.getSkipped())
      continue;
    ArrayRef<float> added =
        isSkipped ? skipped.floats().slice(token * width, width)
                  : values.front().floats().slice(row * width, width);
    for (int64_t n = 0; n < width; ++n) {
      float &out = sum.mutableFloats()[token * width + n];
      out = std::fma(factors.floats()[pair], added[n], out);
    }
  }
  values.front() = std::move(sum);
  return success();
}

LogicalResult evaluateGroupedMatmul(GroupedMatmulOp op, Frame &frame) {
  GroupedMatmul product(op, frame);
  if (failed(product.readRows()) || failed(product.readOperands()))
    return failure();
  for (int64_t row = 0, end = product.expertOf.size(); row < end; ++row)
    if (failed(product.computeRow(row)))
      return failure();
  if (op.getCombine() && failed(product.combine()))
    return failure();
  for (auto [result, value] : llvm::zip_equal(op.getResults(), product.values))
    frame.bind(result, value);
  return success();
}

} // namespace

void addGroupedMatmulHandlers(HandlerTable &table) {
  addHandler<GroupedMatmulOp, evaluateGroupedMatmul>(table);
}

} // namespace mlir::moe::reference
