// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tensor operations that make, read and reshape whole tensors; slices are in
// EvalSlice.cpp.
#include "EvalTensor.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::moe::reference {

static std::string formatList(ArrayRef<int64_t> list) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(list, os);
  return text;
}

LogicalResult emitOutOfRange(Operation *op, ArrayRef<int64_t> indices,
                             const Tensor &tensor) {
  return op->emitOpError("expected indices within ")
         << formatType(tensor) << ", got (" << formatList(indices) << ")";
}

namespace {

/// The static extents of a type with the dynamic ones filled in.
SmallVector<int64_t> fillShape(RankedTensorType type,
                               ArrayRef<int64_t> dynamic) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent)) {
      extent = dynamic.front();
      dynamic = dynamic.drop_front();
    }
  return shape;
}

/// An uninitialised result of the op's type; an error if an extent is negative.
FailureOr<Tensor> makeResult(Operation *op, ValueRange dynamicSizes,
                             Frame &frame) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  std::optional<ElementKind> kind = getElementKind(type.getElementType());
  if (!kind) {
    frame.unsupported(op, "is not evaluated by the reference for type ")
        << type;
    return failure();
  }
  SmallVector<int64_t> shape = fillShape(type, frame.integers(dynamicSizes));
  for (int64_t extent : shape)
    if (extent < 0) {
      op->emitOpError("expected extents of 0 or more, got ") << extent;
      return failure();
    }
  return Tensor(*kind, shape);
}

LogicalResult evaluateEmpty(tensor::EmptyOp op, Frame &frame) {
  FailureOr<Tensor> result = makeResult(op, op.getDynamicSizes(), frame);
  if (failed(result))
    return failure();
  frame.bind(op, std::move(*result));
  return success();
}

LogicalResult evaluateSplat(tensor::SplatOp op, Frame &frame) {
  FailureOr<Tensor> result = makeResult(op, op.getDynamicSizes(), frame);
  if (failed(result))
    return failure();
  frame.bind(op,
             Tensor::filled(result->getShape(), frame.scalar(op.getInput())));
  return success();
}

LogicalResult evaluateGenerate(tensor::GenerateOp op, Frame &frame) {
  FailureOr<Tensor> result = makeResult(op, op.getDynamicExtents(), frame);
  if (failed(result))
    return failure();
  SmallVector<int64_t> position(result->getRank(), 0);
  for (int64_t i = 0, e = result->getNumElements(); i < e; ++i) {
    SmallVector<Datum> arguments =
        llvm::map_to_vector(position, [](int64_t index) -> Datum {
          return Scalar::makeInteger(ElementKind::Index, index);
        });
    FailureOr<SmallVector<Datum>> value =
        frame.run(op.getBody().front(), arguments);
    if (failed(value))
      return failure();
    result->set(i, std::get<Scalar>(value->front()));
    advance(position, result->getShape());
  }
  frame.bind(op, std::move(*result));
  return success();
}

LogicalResult evaluateFromElements(tensor::FromElementsOp op, Frame &frame) {
  FailureOr<Tensor> result = makeResult(op, {}, frame);
  if (failed(result))
    return failure();
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    result->set(i, frame.scalar(element));
  frame.bind(op, std::move(*result));
  return success();
}

LogicalResult evaluateDim(tensor::DimOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getSource());
  int64_t dim = frame.integer(op.getIndex());
  if (dim < 0 || dim >= source.getRank())
    return op.emitOpError("expected a dimension of ")
           << formatType(source) << ", got " << dim;
  frame.bind(op, Scalar::makeInteger(ElementKind::Index, source.getDim(dim)));
  return success();
}

LogicalResult evaluateExtract(tensor::ExtractOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getTensor());
  SmallVector<int64_t> indices = frame.integers(op.getIndices());
  std::optional<int64_t> offset = source.offsetOf(indices);
  if (!offset)
    return emitOutOfRange(op, indices, source);
  frame.bind(op, source.get(*offset));
  return success();
}

LogicalResult evaluateInsert(tensor::InsertOp op, Frame &frame) {
  Tensor result = frame.tensor(op.getDest());
  SmallVector<int64_t> indices = frame.integers(op.getIndices());
  std::optional<int64_t> offset = result.offsetOf(indices);
  if (!offset)
    return emitOutOfRange(op, indices, result);
  result.set(*offset, frame.scalar(op.getScalar()));
  frame.bind(op, std::move(result));
  return success();
}

LogicalResult evaluateCast(tensor::CastOp op, Frame &frame) {
  frame.bind(op, frame.lookup(op.getSource()));
  return success();
}

LogicalResult evaluateCollapseShape(tensor::CollapseShapeOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getSrc());
  SmallVector<int64_t> shape;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source.getDim(dim);
  }
  frame.bind(op, source.reshaped(shape));
  return success();
}

LogicalResult evaluateExpandShape(tensor::ExpandShapeOp op, Frame &frame) {
  Tensor source = frame.tensor(op.getSrc());
  SmallVector<int64_t> shape = frame.integers(op.getMixedOutputShape());
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
    int64_t extent = 1;
    for (int64_t dim : group)
      extent *= shape[dim];
    if (failed(checkEqual(op,
                          "product of the extents from dimension " + Twine(i),
                          source.getDim(i), extent)))
      return failure();
  }
  frame.bind(op, source.reshaped(shape));
  return success();
}

} // namespace

void addTensorHandlers(HandlerTable &table) {
  addHandler<tensor::EmptyOp, evaluateEmpty>(table);
  addHandler<tensor::SplatOp, evaluateSplat>(table);
  addHandler<tensor::GenerateOp, evaluateGenerate>(table);
  addHandler<tensor::FromElementsOp, evaluateFromElements>(table);
  addHandler<tensor::DimOp, evaluateDim>(table);
  addHandler<tensor::ExtractOp, evaluateExtract>(table);
  addHandler<tensor::InsertOp, evaluateInsert>(table);
  addHandler<tensor::CastOp, evaluateCast>(table);
  addHandler<tensor::CollapseShapeOp, evaluateCollapseShape>(table);
  addHandler<tensor::ExpandShapeOp, evaluateExpandShape>(table);
}

} // namespace mlir::moe::reference
