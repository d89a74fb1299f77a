// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DriverLibrary.h"

#include "moe/PTXSim/TensorMap.h"

#include <cstring>

namespace {

using TensorMapTest = DriverTest;

struct Shape {
  cuuint64_t dims[2] = {64, 100};
  cuuint64_t strides[1] = {128};
  cuuint32_t box[2] = {64, 16};
  cuuint32_t steps[2] = {1, 1};
};

CUresult encode(CUtensorMap &map, CUdeviceptr address, const Shape &shape,
                CUtensorMapSwizzle swizzle) {
  return driver().cuTensorMapEncodeTiled(
      &map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2,
      reinterpret_cast<void *>(address), shape.dims, shape.strides, shape.box,
      shape.steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
      CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

TEST_F(TensorMapTest, HoldsWhatWasSaid) {
  CUdeviceptr address = allocate(64 * 100 * 2);
  CUtensorMap map;
  Shape shape;
  ASSERT_EQ(CUDA_SUCCESS,
            encode(map, address, shape, CU_TENSOR_MAP_SWIZZLE_128B));
  moe::ptxsim::TensorMap seen;
  std::memcpy(&seen, &map, sizeof seen);
  EXPECT_EQ(moe::ptxsim::TensorMap::magicNumber, seen.magic);
  EXPECT_EQ(address, seen.globalAddress);
  EXPECT_EQ(2, seen.rank);
  EXPECT_EQ(100u, seen.dims[1]);
  EXPECT_EQ(128u, seen.strides[0]);
  EXPECT_EQ(16, seen.box[1]);
  EXPECT_EQ(CU_TENSOR_MAP_SWIZZLE_128B, seen.swizzle);
  EXPECT_CU(CUDA_SUCCESS, cuTensorMapReplaceAddress(
                              &map, reinterpret_cast<void *>(address + 256)));
  std::memcpy(&seen, &map, sizeof seen);
  EXPECT_EQ(address + 256, seen.globalAddress);
}

TEST_F(TensorMapTest, RulesAreChecked) {
  CUdeviceptr address = allocate(64 * 100 * 2);
  CUtensorMap map;
  Shape shape;
  testing::internal::CaptureStderr();
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE,
            encode(map, address + 8, shape, CU_TENSOR_MAP_SWIZZLE_128B));
  EXPECT_NE(std::string::npos,
            testing::internal::GetCapturedStderr().find("address"));
  shape.box[0] = 257;
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE,
            encode(map, address, shape, CU_TENSOR_MAP_SWIZZLE_NONE));
  shape.box[0] = 64;
  shape.dims[0] = 0;
  EXPECT_EQ(CUDA_ERROR_INVALID_VALUE,
            encode(map, address, shape, CU_TENSOR_MAP_SWIZZLE_NONE));
  CUtensorMap zeros{};
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuTensorMapReplaceAddress(&zeros, nullptr));
}

} // namespace
