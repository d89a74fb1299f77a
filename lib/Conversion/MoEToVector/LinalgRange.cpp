// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linalg operations as loops with scalar bodies, made so that LLVM vectorises
// the innermost loop: what does not depend on an inner loop is computed
// outside of it (in particular loads of indices of a gather, which LLVM could
// not move across the stores), and trailing reductions run in registers.
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "moe/Conversion/MoEToVector/Lowering.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
class LoopNest {
public:
  LoopNest(KernelBuilder &b, linalg::LinalgOp op, const KernelContext &kernel);
  /// At one point of the parallel loops, which are the outer ones.
  LoopNest(KernelBuilder &b, linalg::LinalgOp op, ValueRange point);

  /// Emits what stands within the `depth` outer loops.
  SmallVector<Value> emit(unsigned depth, ValueRange carried);

private:
  void computeBounds();
  void computeDepths();
  unsigned getReductionDepth();
  unsigned depthOf(AffineMap map) const;
  unsigned depthOf(Operation &inner);
  SmallVector<Value> getIndices(OpOperand &operand);
  SmallVector<Value> loadOutputs();
  SmallVector<Value> emitBody(ValueRange outputs);
  void storeOutputs(ValueRange values);
  void emitAtDepth(unsigned depth);

  KernelBuilder &b;
  linalg::LinalgOp op;
  /// Of the loops; one that runs at one place has no end.
  SmallVector<std::pair<Value, Value>> bounds;
  SmallVector<Value> ivs;
  /// The loops outside of which the trailing reductions' results stay in
  /// registers; the number of loops where there are none.
  unsigned reductionDepth;
  /// The number of loops that a value of the body stands in.
  DenseMap<Value, unsigned> depths;
  IRMapping mapping;
};
} // namespace

LoopNest::LoopNest(KernelBuilder &b, linalg::LinalgOp op,
                   const KernelContext &kernel)
    : b(b), op(op) {
  computeBounds();
  if (std::optional<unsigned> loop = getUnitLoop(op))
    bounds[*loop] = {kernel.begin, kernel.end};
  reductionDepth = getReductionDepth();
  computeDepths();
}

LoopNest::LoopNest(KernelBuilder &b, linalg::LinalgOp op, ValueRange point)
    : b(b), op(op) {
  computeBounds();
  for (auto [bound, place] : llvm::zip(bounds, point))
    bound = {place, Value()};
  reductionDepth = getReductionDepth();
  computeDepths();
}

void LoopNest::computeBounds() {
  auto toValue = [&](OpFoldResult index) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), index);
  };
  for (Range range : op.createLoopRanges(b, b.getLoc()))
    bounds.emplace_back(toValue(range.offset), toValue(range.size));
}

unsigned LoopNest::getReductionDepth() {
  auto iterators = op.getIteratorTypesArray();
  unsigned depth = iterators.size();
  while (depth > 0 && iterators[depth - 1] == utils::IteratorType::reduction &&
         llvm::none_of(op.getDpsInitsMutable(), [&](OpOperand &output) {
           return op.getMatchingIndexingMap(&output).isFunctionOfDim(depth - 1);
         }))
    --depth;
  return depth;
}

unsigned LoopNest::depthOf(AffineMap map) const {
  unsigned depth = map.getNumDims();
  while (depth > 0 && !map.isFunctionOfDim(depth - 1))
    --depth;
  return depth;
}

/// An operation of the body stands where its operands are known, if it can run
/// there: it has no effect but to read memory that this operation does not
/// write.
unsigned LoopNest::depthOf(Operation &inner) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return index.getDim() + 1;
  auto load = dyn_cast<memref::LoadOp>(inner);
  bool readsInput =
      load && !llvm::is_contained(op.getDpsInits(), load.getMemRef());
  if (!readsInput && !isMemoryEffectFree(&inner))
    return bounds.size();
  unsigned depth = 0;
  inner.walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      depth = std::max(depth, depths.lookup(operand));
  });
  return depth;
}

void LoopNest::computeDepths() {
  unsigned innermost = bounds.size();
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value argument = op.getMatchingBlockArgument(input);
    depths[argument] =
        op.isScalar(input) ? 0 : depthOf(op.getMatchingIndexingMap(input));
    if (op.isScalar(input))
      mapping.map(argument, input->get());
  }
  for (OpOperand &output : op.getDpsInitsMutable())
    depths[op.getMatchingBlockArgument(&output)] = innermost;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    unsigned depth = depthOf(inner);
    for (Value result : inner.getResults())
      depths[result] = depth;
  }
}

SmallVector<Value> LoopNest::getIndices(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<OpFoldResult> dims(ivs.begin(), ivs.end());
  // Loops that are not entered yet do not occur in the map.
  dims.resize(map.getNumDims(), b.getIndexAttr(0));
  SmallVector<Value> indices;
  for (unsigned i = 0, e = map.getNumResults(); i < e; ++i)
    indices.push_back(getValueOrCreateConstantIndexOp(
        b, b.getLoc(),
        affine::makeComposedFoldedAffineApply(b, b.getLoc(), map.getSubMap(i),
                                              dims)));
  return indices;
}

SmallVector<Value> LoopNest::loadOutputs() {
  SmallVector<Value> values;
  for (OpOperand &output : op.getDpsInitsMutable())
    values.push_back(b.load(output.get(), getIndices(output)));
  return values;
}

void LoopNest::storeOutputs(ValueRange values) {
  for (auto [output, value] : llvm::zip_equal(op.getDpsInitsMutable(), values))
    b.store(value, output.get(), getIndices(output));
}

/// Loads of inputs and operations of the body that stand at `depth`.
void LoopNest::emitAtDepth(unsigned depth) {
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value argument = op.getMatchingBlockArgument(input);
    if (!op.isScalar(input) && depths.lookup(argument) == depth)
      mapping.map(argument, b.load(input->get(), getIndices(*input)));
  }
  for (Operation &inner : op.getBlock()->without_terminator()) {
    auto index = dyn_cast<linalg::IndexOp>(inner);
    if (index && index.getDim() + 1 == depth)
      mapping.map(index.getResult(), ivs[index.getDim()]);
    else if (!index && depthOf(inner) == depth)
      b.clone(inner, mapping);
  }
}

/// The innermost body, with the outputs' values so far; gives the new ones.
SmallVector<Value> LoopNest::emitBody(ValueRange outputs) {
  for (auto [output, value] : llvm::zip_equal(op.getDpsInitsMutable(), outputs))
    mapping.map(op.getMatchingBlockArgument(&output), value);
  emitAtDepth(bounds.size());
  SmallVector<Value> results;
  for (Value yielded : op.getBlock()->getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(yielded));
  return results;
}

SmallVector<Value> LoopNest::emit(unsigned depth, ValueRange carried) {
  bool outsideReduction = depth == reductionDepth;
  SmallVector<Value> outputs(carried);
  if (outsideReduction)
    outputs = loadOutputs();
  if (depth == bounds.size()) {
    outputs = emitBody(outputs);
  } else {
    emitAtDepth(depth);
    auto [from, to] = bounds[depth];
    auto step = [&](Value iv, ValueRange innerCarried) {
      ivs.push_back(iv);
      SmallVector<Value> next = emit(depth + 1, innerCarried);
      ivs.pop_back();
      return next;
    };
    outputs = to ? b.loop(from, to, 1, outputs, step) : step(from, outputs);
  }
  if (!outsideReduction)
    return outputs;
  storeOutputs(outputs);
  return {};
}

LogicalResult moe::lowerToRange(linalg::LinalgOp op,
                                const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  LoopNest(b, op, kernel).emit(0, {});
  return success();
}

LogicalResult moe::lowerToPoint(linalg::LinalgOp op,
                                const KernelContext &kernel, ValueRange point) {
  KernelBuilder b(op, kernel);
  LoopNest(b, op, point).emit(0, {});
  return success();
}

LogicalResult moe::lowerToRange(memref::CopyOp op,
                                const KernelContext &kernel) {
  KernelBuilder b(op, kernel);
  Value source = op.getSource(), target = op.getTarget();
  std::optional<unsigned> unitDimension = getUnitDimension(op);
  unsigned rank = cast<MemRefType>(target.getType()).getRank();
  SmallVector<Value> indices;
  std::function<void()> emitInner = [&] {
    unsigned depth = indices.size();
    if (depth == rank) {
      b.store(b.load(source, indices), target, indices);
      return;
    }
    bool isUnit = depth == unitDimension;
    Value from = isUnit ? kernel.begin : b.index(0);
    Value to = isUnit ? kernel.end : b.dim(target, depth);
    b.loop(from, to, 1, [&](Value i) {
      indices.push_back(i);
      emitInner();
      indices.pop_back();
    });
  };
  emitInner();
  return success();
}
