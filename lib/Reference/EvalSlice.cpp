// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tensor.extract_slice, tensor.insert_slice, and scf.forall, whose iterations
// end in insertions.
#include "Frame.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe::reference {
namespace {

/// A rectangle of positions in a tensor.
struct Slice {
  SmallVector<int64_t> offsets, sizes, strides;

  /// Row-major offset in `tensor` of a position within the slice.
  int64_t offsetIn(const Tensor &tensor, ArrayRef<int64_t> position) const {
    int64_t offset = 0;
    for (int64_t i = 0; i < tensor.getRank(); ++i)
      offset =
          offset * tensor.getDim(i) + offsets[i] + position[i] * strides[i];
    return offset;
  }
  int64_t getNumElements() const {
    int64_t count = 1;
    for (int64_t size : sizes)
      count *= size;
    return count;
  }
};

/// The slice that the op names; an error where it leaves `tensor`.
FailureOr<Slice> readSlice(OffsetSizeAndStrideOpInterface op,
                           const Tensor &tensor, Frame &frame) {
  Slice slice{frame.integers(op.getMixedOffsets()),
              frame.integers(op.getMixedSizes()),
              frame.integers(op.getMixedStrides())};
  for (int64_t i = 0; i < tensor.getRank(); ++i) {
    int64_t offset = slice.offsets[i], size = slice.sizes[i];
    int64_t last = offset + (size - 1) * slice.strides[i];
    bool fits = offset >= 0 && size >= 0 &&
                (size == 0 ? offset <= tensor.getDim(i)
                           : offset < tensor.getDim(i) && last >= 0 &&
                                 last < tensor.getDim(i));
    if (!fits) {
      op->emitOpError("expected a slice within ")
          << formatType(tensor) << ", got offset " << offset << ", size "
          << size << ", stride " << slice.strides[i] << " in dimension " << i;
      return failure();
    }
  }
  return slice;
}

/// The sizes less the unit dimensions that a type of smaller rank drops.
SmallVector<int64_t> dropDims(ArrayRef<int64_t> sizes,
                              const llvm::SmallBitVector &dropped) {
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!dropped.test(i))
      shape.push_back(size);
  return shape;
}

LogicalResult evaluateExtractSlice(tensor::ExtractSliceOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getSource());
  FailureOr<Slice> slice = readSlice(op, source, frame);
  if (failed(slice))
    return failure();
  Tensor result(source.getKind(), dropDims(slice->sizes, op.getDroppedDims()));
  SmallVector<int64_t> position(source.getRank(), 0);
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    result.set(i, source.get(slice->offsetIn(source, position)));
    advance(position, slice->sizes);
  }
  frame.bind(op, std::move(result));
  return success();
}

/// Writes `source` over the slice of `target` that the op names.
LogicalResult insert(OffsetSizeAndStrideOpInterface op, const Tensor &source,
                     Tensor &target, Frame &frame) {
  FailureOr<Slice> slice = readSlice(op, target, frame);
  if (failed(slice) ||
      failed(checkEqual(op, "number of elements", slice->getNumElements(),
                        source.getNumElements())))
    return failure();
  SmallVector<int64_t> position(target.getRank(), 0);
  for (int64_t i = 0, e = source.getNumElements(); i < e; ++i) {
    target.set(slice->offsetIn(target, position), source.get(i));
    advance(position, slice->sizes);
  }
  return success();
}

LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  Tensor result = frame.tensor(op.getDest());
  if (failed(insert(op, frame.tensor(op.getSource()), result, frame)))
    return failure();
  frame.bind(op, std::move(result));
  return success();
}

/// One iteration after another. Each sees the outs as they were before all.
LogicalResult evaluateForall(scf::ForallOp op, Frame &frame) {
  SmallVector<int64_t> lower = frame.integers(op.getMixedLowerBound());
  SmallVector<int64_t> upper = frame.integers(op.getMixedUpperBound());
  SmallVector<int64_t> step = frame.integers(op.getMixedStep());
  SmallVector<int64_t> counts;
  int64_t total = 1;
  for (auto [from, to, by] : llvm::zip_equal(lower, upper, step)) {
    if (by <= 0)
      return op.emitOpError("expected a positive step, got ") << by;
    counts.push_back(to > from ? llvm::divideCeil(to - from, by) : 0);
    total *= counts.back();
  }
  SmallVector<Tensor> results = llvm::map_to_vector(
      op.getOutputs(), [&](Value out) { return frame.tensor(out); });
  SmallVector<int64_t> position(counts.size(), 0);
  for (int64_t i = 0; i < total; ++i) {
    SmallVector<Datum> arguments;
    for (auto [from, by, n] : llvm::zip_equal(lower, step, position))
      arguments.push_back(
          Scalar::makeInteger(ElementKind::Index, from + n * by));
    for (Value out : op.getOutputs())
      arguments.push_back(frame.tensor(out));
    if (failed(frame.run(*op.getBody(), arguments)))
      return failure();
    for (Operation &yielding : op.getTerminator().getYieldingOps()) {
      auto slice = cast<tensor::ParallelInsertSliceOp>(yielding);
      unsigned out =
          op.getTiedOpResult(
                op.getTiedOpOperand(cast<BlockArgument>(slice.getDest())))
              .getResultNumber();
      if (failed(insert(slice, frame.tensor(slice.getSource()), results[out],
                        frame)))
        return failure();
    }
    advance(position, counts);
  }
  for (auto [result, tensor] : llvm::zip_equal(op.getResults(), results))
    frame.bind(result, std::move(tensor));
  return success();
}

} // namespace

void addSliceHandlers(HandlerTable &table) {
  addHandler<tensor::ExtractSliceOp, evaluateExtractSlice>(table);
  addHandler<tensor::InsertSliceOp, evaluateInsertSlice>(table);
  addHandler<scf::ForallOp, evaluateForall>(table);
}

} // namespace mlir::moe::reference
