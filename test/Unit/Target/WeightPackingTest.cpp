// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/CPU/WeightPacking.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace mlir::moe;
using Element = WeightFormat::Element;

namespace {

float valueAt(int64_t row, int64_t column) {
  return std::sin(static_cast<float>(row * 131 + column));
}

void readRow(int64_t row, llvm::MutableArrayRef<float> values) {
  for (size_t column = 0; column < values.size(); ++column)
    values[column] = valueAt(row, column);
}

std::string write(const WeightFormat &format, const WeightShape &shape) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  writeWeight(os, format, shape, readRow);
  return bytes;
}

/// Element `index` of the output as f32.
float load(const std::string &bytes, Element element, int64_t index) {
  float value;
  convertToF32(element == Element::F32 ? DType::F32 : DType::BF16,
               bytes.data() + index * (element == Element::F32 ? 4 : 2), value);
  return value;
}

/// The definition of the layout, one element at a time.
void expectPanels(const WeightFormat &format, const WeightShape &shape) {
  std::string bytes = write(format, shape);
  ASSERT_EQ(bytes.size(), getStoredBytes(format, shape));
  int64_t panels = (shape.rows + format.width - 1) / format.width;
  int64_t pairs = (shape.columns + format.pair - 1) / format.pair;
  int64_t index = 0;
  for (int64_t matrix = 0; matrix < shape.count; ++matrix)
    for (int64_t panel = 0; panel < panels; ++panel)
      for (int64_t pair = 0; pair < pairs; ++pair)
        for (int64_t lane = 0; lane < format.width; ++lane)
          for (int64_t half = 0; half < format.pair; ++half, ++index) {
            int64_t row = panel * format.width + lane,
                    column = pair * format.pair + half;
            float expected = row < shape.rows && column < shape.columns
                                 ? valueAt(matrix * shape.rows + row, column)
                                 : 0;
            if (format.element == Element::BF16)
              expected =
                  llvm::bit_cast<float>(uint32_t(roundToBF16(expected)) << 16);
            ASSERT_EQ(load(bytes, format.element, index), expected)
                << matrix << ' ' << row << ' ' << column;
          }
  EXPECT_EQ(static_cast<size_t>(index) * format.getElementBytes(),
            bytes.size());
}

TEST(WeightPacking, PanelsOfOddShapes) {
  for (int64_t width : {16, 32})
    for (int64_t rows : {1, 16, 33, 70})
      for (int64_t columns : {1, 2, 37})
        for (int64_t count : {1, 3}) {
          expectPanels({Element::F32, width, 1}, {count, rows, columns});
          expectPanels({Element::BF16, width, 2}, {count, rows, columns});
        }
}

TEST(WeightPacking, PanelsOverSeveralBatches) {
  // 24 MB of output: three times what is held in memory at once.
  expectPanels({Element::F32, 32, 1}, {3, 1000, 2048});
}

TEST(WeightPacking, RowMajor) {
  WeightShape shape{2, 5, 7};
  std::string f32 = write({Element::F32, 0, 1}, shape),
              bf16 = write({Element::BF16, 0, 1}, shape);
  ASSERT_EQ(f32.size(), 2u * 5 * 7 * 4);
  ASSERT_EQ(bf16.size(), 2u * 5 * 7 * 2);
  for (int64_t row = 0; row < 10; ++row)
    for (int64_t column = 0; column < 7; ++column)
      EXPECT_EQ(load(f32, Element::F32, row * 7 + column),
                valueAt(row, column));
}

TEST(WeightPacking, EmptyWeight) {
  EXPECT_EQ(write({Element::F32, 32, 1}, {0, 5, 7}), "");
}

TEST(WeightPacking, RoundsToNearestEvenBF16) {
  auto round = [](uint32_t bits) {
    return roundToBF16(llvm::bit_cast<float>(bits));
  };
  EXPECT_EQ(round(0x3f800000), 0x3f80);
  EXPECT_EQ(round(0x3f808000), 0x3f80); // tie, down to even
  EXPECT_EQ(round(0x3f818000), 0x3f82); // tie, up to even
  EXPECT_EQ(round(0x3f808001), 0x3f81);
  EXPECT_EQ(round(0x7f7fffff),
            0x7f80); // the largest f32 is nearest to infinity
  EXPECT_EQ(round(0xff800000), 0xff80);
  EXPECT_EQ(round(0x00000001), 0x0000);
  EXPECT_EQ(round(0x80000000), 0x8000);
  EXPECT_EQ(round(0x7f800001),
            0x7fc0); // a NaN whose payload is in the lost bits
  EXPECT_EQ(round(0xffc12345), 0xffc1);
}

TEST(WeightPacking, ConvertsEveryHalf) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    char bytes[2] = {static_cast<char>(half), static_cast<char>(half >> 8)};
    float value;
    convertToF32(DType::F16, bytes, value);
    int exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;
    double expected = exponent ? std::ldexp(1024 + mantissa, exponent - 25)
                               : std::ldexp(mantissa, -24);
    if (exponent == 31)
      expected = mantissa ? std::numeric_limits<double>::quiet_NaN()
                          : std::numeric_limits<double>::infinity();
    EXPECT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(value)) << half;
    else
      EXPECT_EQ(std::fabs(value), expected) << half;
  }
}

TEST(WeightPacking, ReadsRowsOfStackedTensors) {
  // Two tensors of 2 × 3, the second in another type.
  float first[6] = {0, 1, 2, 3, 4, 5};
  uint16_t second[6] = {0x3c00, 0xc000, 0, 0x3800, 0x7c00, 0x4900};
  TensorView tensors[2];
  tensors[0].bytes =
      llvm::StringRef(reinterpret_cast<const char *>(first), sizeof(first));
  tensors[1].dtype = DType::F16;
  tensors[1].bytes =
      llvm::StringRef(reinterpret_cast<const char *>(second), sizeof(second));
  TensorRows rows(tensors, 2);
  float values[3];
  rows(1, values);
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[2], 5);
  rows(3, values);
  EXPECT_EQ(values[0], 0.5f);
  EXPECT_EQ(values[1], std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[2], 10);
}

} // namespace
