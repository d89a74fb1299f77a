// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters and tensor maps through the driver of an H100. A driver is
// initialised once, so each test is a process of its own.
#include "DriverLibrary.h"

#include <cstdlib>

namespace {

constexpr char hopperKernels[] = R"(
.version 8.0
.target sm_90a
.address_size 64
// Each block of a cluster reads the word of the next one.
.visible .entry ring(.param .u64 out) {
  .reg .b32 %r<9>;
  .reg .b64 %rd<4>;
  .shared .align 4 .u32 word;
  mov.u32 %r1, %cluster_ctarank;
  mov.u32 %r2, %ctaid.x;
  st.shared.u32 [word], %r2;
  barrier.cluster.arrive.aligned;
  barrier.cluster.wait.aligned;
  mov.u32 %r3, %cluster_nctarank;
  add.u32 %r4, %r1, 1;
  rem.u32 %r4, %r4, %r3;
  mov.u32 %r5, word;
  mapa.shared::cluster.u32 %r5, %r5, %r4;
  ld.shared::cluster.u32 %r6, [%r5];
  barrier.cluster.arrive.aligned;
  barrier.cluster.wait.aligned;
  cvt.rn.f32.u32 %r7, %r6;
  ld.param.u64 %rd1, [out];
  mul.wide.u32 %rd2, %r2, 4;
  add.u64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r7;
  ret;
}
// Adds a row of 8 numbers to the row below it.
.visible .entry below(.param .align 64 .b8 map[128]) {
  .reg .b32 %r<4>;
  .reg .b64 %rd<3>;
  .reg .pred %p<2>;
  .shared .align 128 .b8 row[32];
  .shared .align 8 .b64 bar;
  mov.b64 %rd1, map;
  cvta.param.u64 %rd2, %rd1;
  mov.u32 %r1, 0;
  mov.u32 %r2, 1;
  mbarrier.init.shared.b64 [bar], 1;
  fence.proxy.async.shared::cta;
  mbarrier.arrive.expect_tx.shared.b64 _, [bar], 32;
  cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [row], [%rd2, {%r1, %r1}], [bar];
$again:
  mbarrier.try_wait.parity.shared.b64 %p1, [bar], 0;
  @!%p1 bra $again;
  cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%rd2, {%r1, %r2}], [row];
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
  ret;
}
)";

struct Hopper {
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  bool ready = false;

  Hopper() {
    setenv("MOE_SIM_DEVICE", "h100", 1);
    ready = driver().cuInit(0) == CUDA_SUCCESS &&
            driver().cuCtxCreate_v2(&context, 0, 0) == CUDA_SUCCESS &&
            driver().cuModuleLoadData(&module, hopperKernels) == CUDA_SUCCESS;
  }
  CUfunction kernel(const char *name) {
    CUfunction function = nullptr;
    ready &=
        driver().cuModuleGetFunction(&function, module, name) == CUDA_SUCCESS;
    return function;
  }
};

/// 8 blocks in clusters of `size`, as an attribute of the launch or of the
/// function.
bool ringRuns(unsigned size, bool ofFunction) {
  Hopper hopper;
  CUfunction ring = hopper.kernel("ring");
  CUdeviceptr out = 0;
  if (!hopper.ready || driver().cuMemAlloc_v2(&out, 32) != CUDA_SUCCESS)
    return false;
  CUlaunchAttribute cluster{};
  cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  cluster.value.clusterDim = {size, 1, 1};
  if (ofFunction &&
      driver().cuFuncSetAttribute(
          ring, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, int(size)))
    return false;
  CUlaunchConfig config{8, 1, 1, 32, 1, 1, 0, nullptr, &cluster, !ofFunction};
  void *params[] = {&out};
  float got[8] = {};
  if (driver().cuLaunchKernelEx(&config, ring, params, nullptr) ||
      driver().cuMemcpyDtoH_v2(got, out, sizeof got))
    return false;
  for (unsigned i = 0; i < 8; ++i)
    if (got[i] != float(i / size * size + (i + 1) % size))
      return false;
  return true;
}

bool tensorsAreReduced() {
  Hopper hopper;
  CUfunction below = hopper.kernel("below");
  std::vector<float> rows{1,  2,  3,  4,  5,  6,  7,  8,
                          10, 20, 30, 40, 50, 60, 70, 80};
  CUdeviceptr tensor = 0;
  if (!hopper.ready || driver().cuMemAlloc_v2(&tensor, 64) ||
      driver().cuMemcpyHtoD_v2(tensor, rows.data(), 64))
    return false;
  CUtensorMap map;
  cuuint64_t dims[] = {8, 2}, strides[] = {32};
  cuuint32_t box[] = {8, 1}, steps[] = {1, 1};
  if (driver().cuTensorMapEncodeTiled(
          &map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2,
          reinterpret_cast<void *>(tensor), dims, strides, box, steps,
          CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_NONE,
          CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE))
    return false;
  void *params[] = {&map};
  if (driver().cuLaunchKernel(below, 1, 1, 1, 1, 1, 1, 0, nullptr, params,
                              nullptr) ||
      driver().cuMemcpyDtoH_v2(rows.data(), tensor, 64))
    return false;
  return rows == std::vector<float>{1,  2,  3,  4,  5,  6,  7,  8,
                                    11, 22, 33, 44, 55, 66, 77, 88};
}

TEST(ClusterTest, BlocksReadEachOther) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (unsigned size : {1, 2, 4, 8})
    for (bool ofFunction : {false, true})
      EXPECT_EXIT(std::_Exit(!ringRuns(size, ofFunction)),
                  testing::ExitedWithCode(0), "")
          << size << ofFunction;
}

TEST(ClusterTest, TensorMapsReachKernels) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(!tensorsAreReduced()), testing::ExitedWithCode(0), "");
}

} // namespace
