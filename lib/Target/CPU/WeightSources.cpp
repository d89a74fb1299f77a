// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Checkpoint.h"
#include "moe/Import/Error.h"
#include "moe/Target/CPU/Artefact.h"
#include "moe/Target/CPU/WeightPacking.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"

#include <functional>

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

namespace {
/// A reader of rows that owns what it reads from.
using SourceRows = std::function<void(int64_t row, MutableArrayRef<float>)>;

/// Readers of sources that are to have a given type.
class SourceReader {
public:
  explicit SourceReader(CheckpointCache &checkpoints)
      : checkpoints(checkpoints) {}

  llvm::Expected<SourceRows> read(Attribute source, RankedTensorType type);

private:
  llvm::Expected<SourceRows> readCheckpoint(CheckpointAttr source,
                                            RankedTensorType type);
  llvm::Expected<SourceRows> readStack(StackAttr source, RankedTensorType type);
  llvm::Expected<SourceRows> readSlice(SliceAttr source, RankedTensorType type);

  CheckpointCache &checkpoints;
};
} // namespace

static int64_t getColumns(RankedTensorType type) {
  return type.getRank() == 0 ? 1 : type.getShape().back();
}

static int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

static int64_t getRows(RankedTensorType type) {
  return product(type.getShape().drop_back(type.getRank() == 0 ? 0 : 1));
}

llvm::Expected<SourceRows> SourceReader::readCheckpoint(CheckpointAttr source,
                                                        RankedTensorType type) {
  llvm::Expected<Checkpoint *> checkpoint =
      checkpoints.open(source.getDirectory());
  if (!checkpoint)
    return checkpoint.takeError();
  auto tensors = findTensors(**checkpoint, source.getKeys(), type);
  if (!tensors)
    return tensors.takeError();
  int64_t rowsPerTensor = getRows(type) / tensors->size();
  return [tensors = std::move(*tensors),
          rowsPerTensor](int64_t row, MutableArrayRef<float> values) {
    TensorRows(tensors, rowsPerTensor)(row, values);
  };
}

llvm::Expected<SourceRows> SourceReader::readStack(StackAttr source,
                                                   RankedTensorType type) {
  SmallVector<SourceRows> parts;
  // Of a vector the parts are columns, otherwise rows.
  SmallVector<int64_t> sizes;
  for (auto [i, attribute] : llvm::enumerate(source.getSources())) {
    RankedTensorType partType = source.getPartType(type, i);
    auto part = read(attribute, partType);
    if (!part)
      return part.takeError();
    parts.push_back(std::move(*part));
    sizes.push_back(type.getRank() == 1 ? getColumns(partType)
                                        : getRows(partType));
  }
  if (type.getRank() == 1)
    return [parts, sizes](int64_t row, MutableArrayRef<float> values) {
      for (auto [part, size] : llvm::zip_equal(parts, sizes)) {
        part(row, values.take_front(size));
        values = values.drop_front(size);
      }
    };
  return [parts, sizes](int64_t row, MutableArrayRef<float> values) {
    unsigned part = 0;
    while (row >= sizes[part])
      row -= sizes[part++];
    parts[part](row, values);
  };
}

llvm::Expected<SourceRows> SourceReader::readSlice(SliceAttr source,
                                                   RankedTensorType type) {
  RankedTensorType wholeType = source.getWholeType(type);
  auto whole = read(source.getSource(), wholeType);
  if (!whole)
    return whole.takeError();
  int64_t first = source.getFirst(), step = source.getStep();
  if (source.getDim() == type.getRank() - 1)
    return [=, whole = std::move(*whole)](int64_t row,
                                          MutableArrayRef<float> values) {
      std::vector<float> all(getColumns(wholeType));
      whole(row, all);
      for (auto [i, value] : llvm::enumerate(values))
        value = all[first + i * step];
    };
  int64_t steps = type.getDimSize(source.getDim()), extent = source.getExtent();
  int64_t inner =
      product(type.getShape().drop_back().drop_front(source.getDim() + 1));
  return [=, whole = std::move(*whole)](int64_t row,
                                        MutableArrayRef<float> values) {
    int64_t from = first + row / inner % steps * step;
    whole((row / inner / steps * extent + from) * inner + row % inner, values);
  };
}

llvm::Expected<SourceRows> SourceReader::read(Attribute source,
                                              RankedTensorType type) {
  if (auto checkpoint = dyn_cast<CheckpointAttr>(source))
    return readCheckpoint(checkpoint, type);
  if (auto stack = dyn_cast<StackAttr>(source))
    return readStack(stack, type);
  if (auto slice = dyn_cast<SliceAttr>(source))
    return readSlice(slice, type);
  if (auto random = dyn_cast<RandomAttr>(source))
    return
        [seed = random.getSeed(), scale = random.getScale().convertToDouble()](
            int64_t row, MutableArrayRef<float> values) {
          for (auto [i, value] : llvm::enumerate(values))
            value = randomElement(seed, row * values.size() + i, scale);
        };
  auto data = cast<DenseElementsAttr>(source).getValues<APFloat>();
  return [data](int64_t row, MutableArrayRef<float> values) {
    for (auto [i, value] : llvm::enumerate(values)) {
      APFloat element = data[row * values.size() + i];
      bool losesInfo;
      element.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                      &losesInfo);
      value = element.convertToFloat();
    }
  };
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
  auto dense = dyn_cast<DenseElementsAttr>(weight.source);
  if (dense && weight.type.getElementType().isInteger(32)) {
    writeDenseIntegers(os, dense);
    return llvm::Error::success();
  }
  ArrayRef<int64_t> extents = weight.type.getShape();
  WeightFormat format;
  format.element = weight.type.getElementType().isBF16()
                       ? WeightFormat::Element::BF16
                       : WeightFormat::Element::F32;
  WeightShape shape;
  shape.columns = getColumns(weight.type);
  shape.rows = getRows(weight.type);
  if (weight.layout) {
    format.width = weight.layout.getWidth();
    format.pair = weight.layout.getPair();
    shape.rows = extents[extents.size() - 2];
    shape.count = extents.size() == 3 ? extents[0] : 1;
  }
  auto rows = SourceReader(checkpoints).read(weight.source, weight.sourceType);
  if (!rows)
    return rows.takeError();
  if (weight.transposed)
    writeTransposed(os, format, shape, product(extents.drop_back(2)), *rows);
  else
    writeWeight(os, format, shape, *rows);
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
