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

LogicalResult WeightOp::verify() {
  RankedTensorType type = getTensorType();
  if (!type.hasStaticShape())
    return emitOpError("expected a static shape, got ") << type;
  if (getLayout() && type.getRank() != 2 && type.getRank() != 3)
    return emitOpError("expected rank 2 or 3 with a panel layout, got ")
           << type;
  if (getTransposed() && type.getRank() < 2)
    return emitOpError("expected rank 2 or more with transposed, got ") << type;
  if (auto checkpoint = dyn_cast<CheckpointAttr>(getSource())) {
    if (checkpoint.getKeys().size() == 1)
      return success();
    if (type.getRank() == 0)
      return emitOpError("expected one checkpoint key for a scalar, got ")
             << checkpoint.getKeys().size();
    if (getTransposed() && type.getRank() < 3)
      return emitOpError("expected one checkpoint key for a transposed matrix, "
                         "got ")
             << checkpoint.getKeys().size();
    return checkExtent(*this, "number of checkpoint keys", type.getDimSize(0),
                       checkpoint.getKeys().size());
  }
  if (isa<RandomAttr>(getSource())) {
    if (!isa<FloatType>(type.getElementType()))
      return emitOpError(
                 "expected a floating-point type with a random source, got ")
             << type;
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(getSource());
  if (!dense)
    return emitOpError("expected a checkpoint, random or dense source, got ")
           << getSource();
  if (dense.getType() != getSourceType())
    return emitOpError("expected dense data of type ")
           << getSourceType() << ", got " << dense.getType();
  return success();
}
