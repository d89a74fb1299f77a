// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WeightStore.h"

#include "Constant.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

namespace mlir::moe::reference {

int64_t getPanelOffset(PanelLayoutAttr layout, int64_t columns, int64_t n,
                       int64_t k) {
  int64_t width = layout.getWidth(), pair = layout.getPair();
  int64_t panel = n / width, pairs = llvm::divideCeil(columns, pair);
  return ((panel * pairs + k / pair) * width + n % width) * pair + k % pair;
}

/// The last two dimensions swapped.
static Tensor transposeMatrices(const Tensor &tensor) {
  SmallVector<int64_t> shape(tensor.getShape());
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  std::swap(shape[shape.size() - 2], shape.back());
  Tensor result(tensor.getKind(), shape);
  int64_t size = rows * columns, elements = tensor.getNumElements();
  for (int64_t i = 0; i < elements; ++i) {
    int64_t row = i % size / columns, column = i % columns;
    result.set(i / size * size + column * rows + row, tensor.get(i));
  }
  return result;
}

Tensor packPanels(const Tensor &tensor, PanelLayoutAttr layout) {
  ArrayRef<int64_t> shape = tensor.getShape();
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  SmallVector<int64_t> packed(shape.drop_back(2));
  int64_t matrices = 1;
  for (int64_t extent : packed)
    matrices *= extent;
  packed.push_back(llvm::divideCeil(rows, layout.getWidth()));
  packed.push_back(llvm::divideCeil(columns, layout.getPair()));
  packed.push_back(layout.getWidth());
  if (layout.getPair() > 1)
    packed.push_back(layout.getPair());
  Tensor result =
      Tensor::filled(packed, Scalar::makeFloat(tensor.getKind(), 0.0f));
  ArrayRef<float> from = tensor.floats();
  MutableArrayRef<float> to = result.mutableFloats();
  int64_t matrixSize = matrices ? result.getNumElements() / matrices : 0;
  for (int64_t m = 0; m < matrices; ++m)
    for (int64_t n = 0; n < rows; ++n)
      for (int64_t k = 0; k < columns; ++k)
        to[m * matrixSize + getPanelOffset(layout, columns, n, k)] =
            from[(m * rows + n) * columns + k];
  return result;
}

uint64_t splitmix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

static Tensor drawRandom(RandomAttr source, ElementKind kind,
                         ArrayRef<int64_t> shape) {
  Tensor result(kind, shape);
  double scale = source.getScale().convertToDouble();
  uint64_t first = static_cast<uint64_t>(source.getSeed()) << 32;
  for (auto [i, value] : llvm::enumerate(result.mutableFloats())) {
    uint64_t top = splitmix64(first + i) >> 40;
    double u = static_cast<double>(top) * 0x1p-23 - 1.0;
    value = Scalar::makeFloat(kind, static_cast<float>(scale * u)).f;
  }
  return result;
}

/// One element of a checkpoint as f32, which holds all three types exactly.
static float readFloat(DType dtype, const char *data, int64_t i) {
  using namespace llvm::support::endian;
  if (dtype == DType::F32)
    return llvm::bit_cast<float>(read32le(data + 4 * i));
  uint16_t bits = read16le(data + 2 * i);
  if (dtype == DType::BF16)
    return llvm::bit_cast<float>(uint32_t(bits) << 16);
  APFloat value(APFloat::IEEEhalf(), APInt(16, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToFloat();
}

FailureOr<Tensor> WeightStore::loadCheckpoint(WeightOp op,
                                              CheckpointAttr source,
                                              RankedTensorType type) {
  SmallString<128> directory(source.getDirectory());
  llvm::sys::path::make_absolute(baseDirectory, directory);
  auto it = checkpoints.find(directory);
  if (it == checkpoints.end()) {
    llvm::Expected<Checkpoint> opened = Checkpoint::open(directory);
    if (!opened) {
      op.emitError(llvm::toString(opened.takeError()));
      return failure();
    }
    it = checkpoints.try_emplace(directory, std::move(*opened)).first;
  }
  Tensor result(*getElementKind(type.getElementType()), type.getShape());
  if (!isFloat(result.getKind())) {
    op.emitOpError("expected f32 or bf16 for checkpoint data, got ") << type;
    return failure();
  }
  MutableArrayRef<float> values = result.mutableFloats();
  int64_t size = values.size() / source.getKeys().size();
  for (auto key : source.getKeys().getAsRange<StringAttr>()) {
    std::optional<CheckpointTensor> tensor = it->second.lookup(key);
    if (!tensor) {
      op.emitError(it->second.getIndexPath())
          << ": " << key.getValue() << ": expected this tensor, got none";
      return failure();
    }
    const TensorView &view = tensor->view;
    ArrayRef<int64_t> shape = getKeyShape(
        type.getShape(), source.getKeys().size(), view.shape.size());
    if (!isWeightType(view.dtype) || view.shape != shape) {
      op.emitError(tensor->file)
          << ": " << key.getValue() << ": expected F32, F16 or BF16 of shape "
          << formatShape(shape) << ", got " << moe::getName(view.dtype) << " "
          << formatShape(view.shape);
      return failure();
    }
    for (int64_t i = 0; i < size; ++i)
      values[i] = Scalar::makeFloat(result.getKind(),
                                    readFloat(view.dtype, view.bytes.data(), i))
                      .f;
    values = values.drop_front(size);
  }
  return result;
}

FailureOr<Tensor> WeightStore::loadStack(WeightOp op, StackAttr source,
                                         RankedTensorType type) {
  Tensor result(*getElementKind(type.getElementType()), type.getShape());
  int64_t next = 0;
  for (auto [i, partSource] : llvm::enumerate(source.getSources())) {
    FailureOr<Tensor> part = load(op, partSource, source.getPartType(type, i));
    if (failed(part))
      return failure();
    for (int64_t j = 0, e = part->getNumElements(); j < e; ++j)
      result.set(next++, part->get(j));
  }
  return result;
}

FailureOr<Tensor> WeightStore::loadSlice(WeightOp op, SliceAttr source,
                                         RankedTensorType type) {
  FailureOr<Tensor> whole =
      load(op, source.getSource(), source.getWholeType(type));
  if (failed(whole))
    return failure();
  Tensor result(whole->getKind(), type.getShape());
  int64_t inner = 1, steps = type.getDimSize(source.getDim());
  for (int64_t extent : type.getShape().drop_front(source.getDim() + 1))
    inner *= extent;
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    int64_t step = i / inner % steps;
    int64_t from = source.getFirst() + step * source.getStep();
    result.set(
        i, whole->get((i / inner / steps * source.getExtent() + from) * inner +
                      i % inner));
  }
  return result;
}

FailureOr<Tensor> WeightStore::load(WeightOp op, Attribute source,
                                    RankedTensorType type) {
  if (auto checkpoint = dyn_cast<CheckpointAttr>(source))
    return loadCheckpoint(op, checkpoint, type);
  if (auto stack = dyn_cast<StackAttr>(source))
    return loadStack(op, stack, type);
  if (auto slice = dyn_cast<SliceAttr>(source))
    return loadSlice(op, slice, type);
  if (auto random = dyn_cast<RandomAttr>(source))
    return drawRandom(random, *getElementKind(type.getElementType()),
                      type.getShape());
  return std::get<Tensor>(*convertAttribute(source));
}

FailureOr<Tensor> WeightStore::get(WeightOp op) {
  auto it = loaded.find(op);
  if (it != loaded.end())
    return it->second;
  FailureOr<Tensor> tensor = load(op, op.getSource(), op.getSourceType());
  if (failed(tensor))
    return failure();
  if (op.getTransposed())
    tensor = transposeMatrices(*tensor);
  if (PanelLayoutAttr layout = op.getLayoutAttr())
    tensor = packPanels(*tensor, layout);
  loaded[op] = *tensor;
  return tensor;
}

} // namespace mlir::moe::reference
