// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tensor.extract_slice and tensor.insert_slice.
#include "Frame.h"

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

LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getSource());
  Tensor result = frame.tensor(op.getDest());
  FailureOr<Slice> slice = readSlice(op, result, frame);
  if (failed(slice) ||
      failed(checkEqual(op, "number of elements", slice->getNumElements(),
                        source.getNumElements())))
    return failure();
  SmallVector<int64_t> position(result.getRank(), 0);
  for (int64_t i = 0, e = source.getNumElements(); i < e; ++i) {
    result.set(slice->offsetIn(result, position), source.get(i));
    advance(position, slice->sizes);
  }
  frame.bind(op, std::move(result));
  return success();
}

} // namespace

void addSliceHandlers(HandlerTable &table) {
  addHandler<tensor::ExtractSliceOp, evaluateExtractSlice>(table);
  addHandler<tensor::InsertSliceOp, evaluateInsertSlice>(table);
}

} // namespace mlir::moe::reference
