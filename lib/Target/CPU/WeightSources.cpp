// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Checkpoint.h"
#include "moe/Import/Error.h"
#include "moe/Target/CPU/Artefact.h"
#include "moe/Target/CPU/WeightPacking.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::moe;

namespace {
/// Opens each checkpoint once.
class CheckpointCache {
public:
  explicit CheckpointCache(StringRef baseDirectory)
      : baseDirectory(baseDirectory) {}

  llvm::Expected<Checkpoint *> open(StringRef directory) {
    SmallString<128> path(directory);
    if (llvm::sys::path::is_relative(path)) {
      path = baseDirectory;
      llvm::sys::path::append(path, directory);
    }
    std::unique_ptr<Checkpoint> &checkpoint = checkpoints[path];
    if (!checkpoint) {
      llvm::Expected<Checkpoint> opened = Checkpoint::open(path);
      if (!opened)
        return opened.takeError();
      checkpoint = std::make_unique<Checkpoint>(std::move(*opened));
    }
    return checkpoint.get();
  }

private:
  StringRef baseDirectory;
  llvm::StringMap<std::unique_ptr<Checkpoint>> checkpoints;
};
} // namespace

/// The formula of `#moe.random`.
static float randomElement(uint64_t seed, uint64_t index, double scale) {
  uint64_t z = (seed << 32) + index + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  double uniform = static_cast<double>(z >> 40) / (1 << 23) - 1.0;
  return static_cast<float>(uniform * scale);
}

static llvm::Expected<SmallVector<TensorView>>
findTensors(const Checkpoint &checkpoint, ArrayAttr keys,
            RankedTensorType type) {
  SmallVector<TensorView> tensors;
  for (StringRef key : keys.getAsValueRange<StringAttr>()) {
    std::optional<CheckpointTensor> tensor = checkpoint.lookup(key);
    if (!tensor)
      return invalidInput(checkpoint.getIndexPath(), key,
                          "the tensor is missing");
    ArrayRef<int64_t> shape =
        getKeyShape(type.getShape(), keys.size(), tensor->view.shape.size());
    if (tensor->view.shape != shape)
      return expectedGot(tensor->file, key, "shape " + formatShape(shape),
                         formatShape(tensor->view.shape));
    switch (tensor->view.dtype) {
    case DType::F32:
    case DType::F16:
    case DType::BF16:
      break;
    default:
      return notSupported(tensor->file, key,
                          "weights must be F32, F16 or BF16");
    }
    tensors.push_back(tensor->view);
  }
  return tensors;
}

/// Elements of dense data in row-major order: integers as they are, numbers as
/// the weight's type has them.
static void writeDenseIntegers(llvm::raw_ostream &os, DenseElementsAttr data) {
  for (const APInt &value : data.getValues<APInt>()) {
    uint32_t bits = static_cast<uint32_t>(value.getSExtValue());
    os.write(reinterpret_cast<const char *>(&bits), sizeof(bits));
  }
}

/// Writes a weight whose matrices the source has as columns x rows.
static void writeTransposed(llvm::raw_ostream &os, const WeightFormat &format,
                            const WeightShape &shape, int64_t matrices,
                            RowReader readRow) {
  int64_t rows = shape.count * shape.rows / std::max<int64_t>(matrices, 1);
  WeightShape matrixShape = {1, rows, shape.columns};
  std::vector<float> matrix(rows * shape.columns);
  for (int64_t m = 0; m < matrices; ++m) {
    llvm::parallelFor(0, shape.columns, [&](size_t column) {
      std::vector<float> values(rows);
      readRow(m * shape.columns + column, values);
      for (int64_t row = 0; row < rows; ++row)
        matrix[row * shape.columns + column] = values[row];
    });
    writeWeight(
        os, format, matrixShape,
        [&](int64_t row, MutableArrayRef<float> values) {
          llvm::copy(ArrayRef(matrix).slice(row * shape.columns, shape.columns),
                     values.begin());
        });
  }
}

static llvm::Error writeOne(llvm::raw_ostream &os, const PlannedWeight &weight,
                            CheckpointCache &checkpoints) {
  ArrayRef<int64_t> extents = weight.type.getShape();
  WeightFormat format;
  format.element = weight.type.getElementType().isBF16()
                       ? WeightFormat::Element::BF16
                       : WeightFormat::Element::F32;
  WeightShape shape;
  shape.columns = extents.empty() ? 1 : extents.back();
  shape.rows = 1;
  for (int64_t extent : extents.drop_back(extents.empty() ? 0 : 1))
    shape.rows *= extent;
  if (weight.layout) {
    format.width = weight.layout.getWidth();
    format.pair = weight.layout.getPair();
    shape.rows = extents[extents.size() - 2];
    shape.count = extents.size() == 3 ? extents[0] : 1;
  }

  auto write = [&](RowReader readRow) {
    if (weight.sourceType == weight.type) {
      writeWeight(os, format, shape, readRow);
      return;
    }
    int64_t matrices = 1;
    for (int64_t extent : extents.drop_back(2))
      matrices *= extent;
    writeTransposed(os, format, shape, matrices, readRow);
  };

  if (auto random = dyn_cast<RandomAttr>(weight.source)) {
    double scale = random.getScale().convertToDouble();
    write([&](int64_t row, MutableArrayRef<float> values) {
      for (auto [i, value] : llvm::enumerate(values))
        value = randomElement(random.getSeed(), row * values.size() + i, scale);
    });
    return llvm::Error::success();
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(weight.source)) {
    if (weight.type.getElementType().isInteger(32)) {
      writeDenseIntegers(os, dense);
      return llvm::Error::success();
    }
    auto data = dense.getValues<APFloat>();
    write([&](int64_t row, MutableArrayRef<float> values) {
      for (auto [i, value] : llvm::enumerate(values)) {
        APFloat element = data[row * values.size() + i];
        bool losesInfo;
        element.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                        &losesInfo);
        value = element.convertToFloat();
      }
    });
    return llvm::Error::success();
  }
  auto source = cast<CheckpointAttr>(weight.source);
  llvm::Expected<Checkpoint *> checkpoint =
      checkpoints.open(source.getDirectory());
  if (!checkpoint)
    return checkpoint.takeError();
  auto tensors = findTensors(**checkpoint, source.getKeys(), weight.sourceType);
  if (!tensors)
    return tensors.takeError();
  int64_t sourceRows = 1;
  for (int64_t extent : weight.sourceType.getShape().drop_back(
           weight.sourceType.getRank() == 0 ? 0 : 1))
    sourceRows *= extent;
  write(TensorRows(*tensors, sourceRows / tensors->size()));
  return llvm::Error::success();
}

llvm::Error moe::writeWeights(llvm::raw_ostream &os, const ArtefactPlan &plan,
                              StringRef baseDirectory, ProgressFn progress) {
  CheckpointCache checkpoints(baseDirectory);
  uint64_t start = os.tell();
  for (const PlannedWeight &weight : plan.weights) {
    os.write_zeros(weight.offset - (os.tell() - start));
    if (llvm::Error error = writeOne(os, weight, checkpoints))
      return error;
    progress(os.tell() - start, plan.weightsBytes);
  }
  os.write_zeros(plan.weightsBytes - (os.tell() - start));
  return llvm::Error::success();
}
