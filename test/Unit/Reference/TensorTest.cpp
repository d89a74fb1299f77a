// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Reference/Tensor.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace mlir::moe::reference;

namespace {

std::string print(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream(text) << tensor;
  return text;
}

TEST(RoundToBF16, RoundsToNearestEven) {
  EXPECT_EQ(roundToBF16(1.0f), 1.0f);
  EXPECT_EQ(roundToBF16(0x1.01p0f), 0x1.00p0f); // half way, down to even
  EXPECT_EQ(roundToBF16(0x1.03p0f), 0x1.04p0f); // half way, up to even
  EXPECT_EQ(roundToBF16(0x1.010002p0f), 0x1.02p0f);
  EXPECT_EQ(roundToBF16(-0x1.03p0f), -0x1.04p0f);
}

TEST(RoundToBF16, KeepsSpecialValues) {
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(roundToBF16(infinity), infinity);
  EXPECT_EQ(roundToBF16(std::numeric_limits<float>::max()), infinity);
  EXPECT_TRUE(std::signbit(roundToBF16(-0.0f)));
  // A NaN whose payload lies in the lost bits alone.
  EXPECT_TRUE(std::isnan(roundToBF16(llvm::bit_cast<float>(0x7f800001))));
}

TEST(Scalar, WrapsToItsWidth) {
  EXPECT_EQ(Scalar::makeInteger(ElementKind::I8, 200).i, -56);
  EXPECT_EQ(Scalar::makeInteger(ElementKind::I8, 200).getUnsigned(), 200u);
  EXPECT_EQ(Scalar::makeInteger(ElementKind::I32, int64_t{1} << 32).i, 0);
  EXPECT_EQ(Scalar::makeInteger(ElementKind::I1, 1).i, 1);
  EXPECT_EQ(Scalar::makeInteger(ElementKind::I1, 1).getSigned(), -1);
}

TEST(Tensor, StartsAsPoison) {
  Tensor floats(ElementKind::F32, {2});
  EXPECT_TRUE(std::isnan(floats.get(0).f));
  Tensor integers(ElementKind::I32, {2});
  EXPECT_EQ(integers.get(1).i, std::numeric_limits<int32_t>::min());
}

TEST(Tensor, CopiesAreValues) {
  Tensor a = Tensor::filled({2, 2}, Scalar::makeFloat(ElementKind::F32, 1));
  Tensor b = a;
  b.set(3, Scalar::makeFloat(ElementKind::F32, 9));
  EXPECT_EQ(a.get(3).f, 1);
  EXPECT_EQ(b.get(3).f, 9);
  b.reshaped({4}).mutableFloats()[0] = 5;
  EXPECT_EQ(b.get(0).f, 1);
}

TEST(Tensor, OffsetsAreRowMajorAndChecked) {
  Tensor tensor(ElementKind::I64, {2, 3});
  EXPECT_EQ(tensor.offsetOf({1, 2}), 5);
  EXPECT_EQ(tensor.offsetOf({2, 0}), std::nullopt);
  EXPECT_EQ(tensor.offsetOf({0, -1}), std::nullopt);
  EXPECT_EQ(Tensor(ElementKind::F32, {}).offsetOf({}), 0);
}

TEST(Tensor, Slices) {
  Tensor tensor(ElementKind::I32, {2, 2});
  for (int64_t i = 0; i < 4; ++i)
    tensor.set(i, Scalar::makeInteger(ElementKind::I32, i));
  EXPECT_EQ(print(tensor), "2x2xi32 [[0, 1], [2, 3]]");
  EXPECT_EQ(print(tensor.slice(1)), "2xi32 [2, 3]");
  EXPECT_EQ(print(tensor.slice(1).slice(0)), "i32 2");
  EXPECT_EQ(print(Tensor(ElementKind::F32, {0, 2})), "0x2xf32 []");
}

TEST(Advance, VisitsEveryPositionOnce) {
  llvm::SmallVector<int64_t> position = {0, 0};
  std::vector<int64_t> seen;
  do
    seen.push_back(position[0] * 10 + position[1]);
  while (advance(position, {2, 3}));
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 10, 11, 12}));
  llvm::SmallVector<int64_t> none;
  EXPECT_FALSE(advance(none, {}));
}

} // namespace
