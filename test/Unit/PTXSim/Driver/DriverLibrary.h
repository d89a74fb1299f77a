// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The built libcuda.so.1, opened as programs open it, and what the tests of it
// share.

#ifndef MOE_TEST_UNIT_PTXSIM_DRIVER_DRIVERLIBRARY_H
#define MOE_TEST_UNIT_PTXSIM_DRIVER_DRIVERLIBRARY_H

#include "moe/CUDA/Types.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace moe::cuda;

/// The functions of the interface, by name.
struct Driver {
#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  CUresult(*NAME) PARAMETERS = nullptr;
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  CUresult(*NAME) PARAMETERS = nullptr;                                        \
  CUresult(*NAME##VARIANT) PARAMETERS = nullptr;
#include "moe/CUDA/Functions.def"

  void *library = nullptr;
  std::vector<std::string> missing;

  Driver() {
    library = dlopen(MOE_SIM_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return;
    auto get = [&](auto &pointer, const char *name) {
      pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(
          dlsym(library, name));
      if (!pointer)
        missing.push_back(name);
    };
#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS) get(NAME, #NAME);
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  get(NAME, #NAME);                                                            \
  get(NAME##VARIANT, #NAME #VARIANT);
#include "moe/CUDA/Functions.def"
  }
};

inline Driver &driver() {
  static Driver functions;
  return functions;
}

#define EXPECT_CU(EXPECTED, CALL) EXPECT_EQ(EXPECTED, driver().CALL) << #CALL
#define ASSERT_CU(CALL) ASSERT_EQ(CUDA_SUCCESS, driver().CALL) << #CALL

/// Kernels: c = a + b of n floats, one that traps, one with a variable.
inline constexpr char kernels[] = R"(
.version 8.0
.target sm_80
.address_size 64
.visible .global .align 4 .u32 counter = 7;
.visible .entry vadd(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n) {
  .reg .pred %p<2>;
  .reg .f32 %f<4>;
  .reg .b32 %r<6>;
  .reg .b64 %rd<12>;
  ld.param.u64 %rd1, [a];
  ld.param.u64 %rd2, [b];
  ld.param.u64 %rd3, [c];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra $done;
  mul.wide.s32 %rd4, %r5, 4;
  add.s64 %rd5, %rd1, %rd4;
  add.s64 %rd6, %rd2, %rd4;
  add.s64 %rd7, %rd3, %rd4;
  ld.global.f32 %f1, [%rd5];
  ld.global.f32 %f2, [%rd6];
  add.f32 %f3, %f1, %f2;
  st.global.f32 [%rd7], %f3;
$done:
  ret;
}
.visible .entry fail() {
  trap;
  ret;
}
)";

/// A context of its own for each test, so that errors of one do not stay for
/// the next.
class DriverTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_NE(nullptr, driver().library) << dlerror();
    ASSERT_CU(cuInit(0));
    ASSERT_CU(cuCtxCreate_v2(&context, 0, 0));
  }
  void TearDown() override {
    EXPECT_CU(CUDA_SUCCESS, cuCtxDestroy_v2(context));
  }

  CUfunction kernel(const char *name) {
    if (!module)
      EXPECT_CU(CUDA_SUCCESS, cuModuleLoadData(&module, kernels));
    CUfunction function = nullptr;
    EXPECT_CU(CUDA_SUCCESS, cuModuleGetFunction(&function, module, name));
    return function;
  }
  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr address = 0;
    EXPECT_CU(CUDA_SUCCESS, cuMemAlloc_v2(&address, bytes));
    return address;
  }
  CUdeviceptr upload(const std::vector<float> &values) {
    CUdeviceptr address = allocate(values.size() * sizeof(float));
    EXPECT_CU(CUDA_SUCCESS, cuMemcpyHtoD_v2(address, values.data(),
                                            values.size() * sizeof(float)));
    return address;
  }
  std::vector<float> download(CUdeviceptr address, size_t count) {
    std::vector<float> values(count);
    EXPECT_CU(CUDA_SUCCESS,
              cuMemcpyDtoH_v2(values.data(), address, count * sizeof(float)));
    return values;
  }
  /// Launches vadd over n elements.
  CUresult add(CUdeviceptr a, CUdeviceptr b, CUdeviceptr c, unsigned n,
               CUstream stream = nullptr) {
    void *params[] = {&a, &b, &c, &n};
    return driver().cuLaunchKernel(kernel("vadd"), (n + 127) / 128, 1, 1, 128,
                                   1, 1, 0, stream, params, nullptr);
  }

  CUcontext context = nullptr;
  CUmodule module = nullptr;
};

#endif // MOE_TEST_UNIT_PTXSIM_DRIVER_DRIVERLIBRARY_H
