// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OpSupport.h"

using namespace mlir;
using namespace mlir::moe;

RankedTensorType WeightOp::getStoredType() {
  PanelLayoutAttr layout = getLayoutAttr();
  return layout ? layout.getPackedType(getTensorType()) : getTensorType();
}

RankedTensorType WeightOp::getSourceType() {
  RankedTensorType type = getTensorType();
  if (!getTransposed())
    return type;
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[shape.size() - 2], shape.back());
  return RankedTensorType::get(shape, type.getElementType());
}

RankedTensorType StackAttr::getPartType(RankedTensorType type,
                                        unsigned part) const {
  SmallVector<int64_t> shape(type.getShape());
  shape.front() = getExtents()[part];
  return RankedTensorType::get(shape, type.getElementType());
}

RankedTensorType SliceAttr::getWholeType(RankedTensorType type) const {
  SmallVector<int64_t> shape(type.getShape());
  shape[getDim()] = getExtent();
  return RankedTensorType::get(shape, type.getElementType());
}

static LogicalResult verifySource(WeightOp op, Attribute source,
                                  RankedTensorType type);

static LogicalResult verifyCheckpoint(WeightOp op, CheckpointAttr source,
                                      RankedTensorType type) {
  int64_t keys = source.getKeys().size();
  if (keys == 1)
    return success();
  if (type.getRank() == 0)
    return op.emitOpError("expected one checkpoint key for a scalar, got ")
           << keys;
  if (op.getTransposed() && type.getRank() < 3)
    return op.emitOpError(
               "expected one checkpoint key for a transposed matrix, got ")
           << keys;
  return checkExtent(op, "number of checkpoint keys", type.getDimSize(0), keys);
}

static LogicalResult verifyStack(WeightOp op, StackAttr source,
                                 RankedTensorType type) {
  if (type.getRank() == 0)
    return op.emitOpError("expected rank 1 or more with a stack, got ") << type;
  int64_t sum = 0;
  for (auto [i, part] : llvm::enumerate(source.getSources())) {
    sum += source.getExtents()[i];
    if (failed(verifySource(op, part, source.getPartType(type, i))))
      return failure();
  }
  return checkExtent(op, "sum of the stack's extents", type.getDimSize(0), sum);
}

static LogicalResult verifySlice(WeightOp op, SliceAttr source,
                                 RankedTensorType type) {
  if (source.getDim() >= type.getRank())
    return op.emitOpError("expected dimension ")
           << source.getDim() << " of a slice to be one of " << type;
  int64_t steps = type.getDimSize(source.getDim());
  int64_t end =
      steps == 0 ? 0 : source.getFirst() + (steps - 1) * source.getStep() + 1;
  if (end > source.getExtent())
    return op.emitOpError("expected a slice within ")
           << source.getExtent() << " steps, got one up to " << end;
  return verifySource(op, source.getSource(), source.getWholeType(type));
}

/// `type` is what the source is to have.
static LogicalResult verifySource(WeightOp op, Attribute source,
                                  RankedTensorType type) {
  if (auto checkpoint = dyn_cast<CheckpointAttr>(source))
    return verifyCheckpoint(op, checkpoint, type);
  if (isa<StackAttr, SliceAttr>(source) &&
      !isa<FloatType>(type.getElementType()))
    return op.emitOpError("expected a floating-point type with a stack or "
                          "slice, got ")
           << type;
  if (auto stack = dyn_cast<StackAttr>(source))
    return verifyStack(op, stack, type);
  if (auto slice = dyn_cast<SliceAttr>(source))
    return verifySlice(op, slice, type);
  if (isa<RandomAttr>(source)) {
    if (!isa<FloatType>(type.getElementType()))
      return op.emitOpError("expected a floating-point type with a random "
                            "source, got ")
             << type;
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(source);
  if (!dense)
    return op.emitOpError("expected a checkpoint, random or dense source, or a "
                          "stack or slice of them, got ")
           << source;
  if (dense.getType() != type)
    return op.emitOpError("expected dense data of type ")
           << type << ", got " << dense.getType();
  return success();
}

LogicalResult WeightOp::verify() {
  RankedTensorType type = getTensorType();
  if (!type.hasStaticShape())
    return emitOpError("expected a static shape, got ") << type;
  if (getLayout() && type.getRank() != 2 && type.getRank() != 3)
    return emitOpError("expected rank 2 or 3 with a panel layout, got ")
           << type;
  if (getTransposed() && type.getRank() < 2)
    return emitOpError("expected rank 2 or more with transposed, got ") << type;
  return verifySource(*this, getSource(), getSourceType());
}
