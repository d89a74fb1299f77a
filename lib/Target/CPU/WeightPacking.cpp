// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/CPU/WeightPacking.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Parallel.h"

#include <vector>

using namespace llvm;

namespace mlir::moe {
namespace {

/// Output held in memory between two writes; at least one block is.
constexpr uint64_t batchBytes = uint64_t(8) << 20;

float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    // Zero and subnormals: mantissa × 2^-24, exact in f32.
    float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return bit_cast<float>(sign | bit_cast<uint32_t>(magnitude));
  }
  // 112 is the difference of the exponent biases; all ones stay all ones.
  uint32_t wide = exponent == 0x1f ? 0xff : exponent + 112;
  return bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

template <WeightFormat::Element element>
void store(char *out, int64_t index, float value) {
  if constexpr (element == WeightFormat::Element::F32)
    support::endian::write32le(out + 4 * index, bit_cast<uint32_t>(value));
  else
    support::endian::write16le(out + 2 * index, roundToBF16(value));
}

/// The unit of work: one row, or one panel of rows of one matrix.
class BlockPacker {
public:
  BlockPacker(const WeightFormat &format, const WeightShape &shape,
              RowReader readRow)
      : format(format), shape(shape), readRow(readRow),
        height(std::max<int64_t>(format.width, 1)),
        blocksPerMatrix(divideCeil(shape.rows, height)),
        pairs(divideCeil(shape.columns, format.pair)) {}

  int64_t getBlocks() const { return shape.count * blocksPerMatrix; }
  uint64_t getBlockBytes() const {
    return uint64_t(height) * pairs * format.pair * format.getElementBytes();
  }

  /// Fills one zeroed block.
  void pack(int64_t block, char *out) const {
    constexpr auto f32 = WeightFormat::Element::F32;
    constexpr auto bf16 = WeightFormat::Element::BF16;
    if (format.element == f32)
      format.pair == 1 ? pack<f32, 1>(block, out) : pack<f32, 2>(block, out);
    else
      format.pair == 1 ? pack<bf16, 1>(block, out) : pack<bf16, 2>(block, out);
  }

private:
  template <WeightFormat::Element element, int64_t pair>
  void pack(int64_t block, char *out) const {
    int64_t matrix = block / blocksPerMatrix;
    int64_t first = block % blocksPerMatrix * height;
    int64_t rows = std::min(height, shape.rows - first);
    std::vector<float> values(shape.columns);
    for (int64_t row = 0; row < rows; ++row) {
      readRow(matrix * shape.rows + first + row, values);
      for (int64_t column = 0; column < shape.columns; ++column)
        store<element>(out,
                       (column / pair * height + row) * pair + column % pair,
                       values[column]);
    }
  }

  const WeightFormat &format;
  const WeightShape &shape;
  RowReader readRow;
  int64_t height, blocksPerMatrix, pairs;
};

} // namespace

uint64_t getStoredBytes(const WeightFormat &format, const WeightShape &shape) {
  int64_t rows = format.width ? alignTo(shape.rows, format.width) : shape.rows;
  return uint64_t(shape.count) * rows * alignTo(shape.columns, format.pair) *
         format.getElementBytes();
}

void writeWeight(raw_ostream &os, const WeightFormat &format,
                 const WeightShape &shape, RowReader readRow) {
  BlockPacker packer(format, shape, readRow);
  uint64_t blockBytes = packer.getBlockBytes();
  if (blockBytes == 0)
    return;
  int64_t batch = std::max<uint64_t>(batchBytes / blockBytes, 1);
  std::vector<char> buffer;
  for (int64_t begin = 0; begin < packer.getBlocks(); begin += batch) {
    int64_t end = std::min(begin + batch, packer.getBlocks());
    buffer.assign((end - begin) * blockBytes, 0);
    parallelFor(begin, end, [&](size_t block) {
      packer.pack(block, buffer.data() + (block - begin) * blockBytes);
    });
    os.write(buffer.data(), buffer.size());
  }
}

uint16_t roundToBF16(float value) {
  uint32_t bits = bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void TensorRows::operator()(int64_t row, MutableArrayRef<float> values) const {
  const TensorView &tensor = tensors[row / rowsPerTensor];
  uint64_t offset =
      uint64_t(row % rowsPerTensor) * values.size() * getByteSize(tensor.dtype);
  convertToF32(tensor.dtype, tensor.bytes.data() + offset, values);
}

void convertToF32(DType dtype, const char *bytes,
                  MutableArrayRef<float> values) {
  switch (dtype) {
  case DType::F32:
    for (auto [index, value] : enumerate(values))
      value = bit_cast<float>(support::endian::read32le(bytes + 4 * index));
    return;
  case DType::BF16:
    for (auto [index, value] : enumerate(values))
      value = bit_cast<float>(
          uint32_t(support::endian::read16le(bytes + 2 * index)) << 16);
    return;
  case DType::F16:
    for (auto [index, value] : enumerate(values))
      value = halfToFloat(support::endian::read16le(bytes + 2 * index));
    return;
  default:
    llvm_unreachable("weights are of a weight type");
  }
}

} // namespace mlir::moe
