// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Initialisation, the device, contexts.
#include "DriverLibrary.h"

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

using DeviceTest = DriverTest;
using ContextTest = DriverTest;

int attribute(CUdevice_attribute name) {
  int value = -1;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetAttribute(&value, name, 0));
  return value;
}

/// For processes of their own, as a driver is initialised once.
bool nothingWorksBefore() {
  int count = 0, version = 0;
  return driver().cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED &&
         driver().cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED &&
         driver().cuDriverGetVersion(&version) == CUDA_SUCCESS &&
         version == 13000 && driver().cuInit(1) == CUDA_ERROR_INVALID_VALUE &&
         driver().cuInit(0) == CUDA_SUCCESS &&
         driver().cuDeviceGetCount(&count) == CUDA_SUCCESS && count == 1 &&
         driver().cuCtxSynchronize() == CUDA_ERROR_INVALID_CONTEXT;
}

bool unknownDeviceFails() {
  setenv("MOE_SIM_DEVICE", "tnt2", 1);
  return driver().cuInit(0) == CUDA_ERROR_NO_DEVICE;
}

bool h100HasClusters() {
  setenv("MOE_SIM_DEVICE", "h100", 1);
  return driver().cuInit(0) == CUDA_SUCCESS &&
         attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) == 9 &&
         attribute(CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH) == 1 &&
         attribute(CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED) == 1;
}

TEST(InitTest, NothingWorksBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(!nothingWorksBefore()), testing::ExitedWithCode(0),
              "");
}

TEST(InitTest, UnknownDeviceIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(!unknownDeviceFails()), testing::ExitedWithCode(0),
              "MOE_SIM_DEVICE");
}

TEST(InitTest, H100HasClustersAndTensorMaps) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(!h100HasClusters()), testing::ExitedWithCode(0), "");
}

TEST_F(DeviceTest, AttributesOfA100) {
  EXPECT_EQ(8, attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
  EXPECT_EQ(0, attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
  EXPECT_EQ(108, attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
  EXPECT_EQ(32, attribute(CU_DEVICE_ATTRIBUTE_WARP_SIZE));
  EXPECT_EQ(166912,
            attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
  EXPECT_EQ(0, attribute(CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH));
  // Of textures it has none; the number is known all the same.
  EXPECT_EQ(0, attribute(CUdevice_attribute(21)));
  int value;
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuDeviceGetAttribute(&value, CUdevice_attribute(100000), 0));
  EXPECT_CU(CUDA_ERROR_INVALID_DEVICE,
            cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 1));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuDeviceGetAttribute(nullptr, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
}

TEST_F(DeviceTest, NamesAndNumbers) {
  CUdevice device = -1;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGet(&device, 0));
  EXPECT_CU(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&device, 1));
  char name[100], tiny[4];
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetName(name, sizeof name, 0));
  EXPECT_NE(nullptr, std::strstr(name, "A100")) << name;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetName(tiny, sizeof tiny, 0));
  EXPECT_EQ(std::string(name, 3), tiny);
  CUuuid first, second;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetUuid(&first, 0));
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetUuid_v2(&second, 0));
  EXPECT_EQ(0, std::memcmp(&first, &second, sizeof first));
  size_t total = 0, free = 0, again = 0;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceTotalMem_v2(&total, 0));
  EXPECT_CU(CUDA_SUCCESS, cuMemGetInfo_v2(&free, &again));
  EXPECT_EQ(total, again);
  EXPECT_LE(free, total);
  int can = 1;
  EXPECT_CU(CUDA_SUCCESS, cuDeviceCanAccessPeer(&can, 0, 0));
  EXPECT_EQ(0, can);
  char bus[16];
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetPCIBusId(bus, sizeof bus, 0));
  EXPECT_CU(CUDA_SUCCESS, cuDeviceGetByPCIBusId(&device, bus));
  EXPECT_CU(CUDA_ERROR_INVALID_DEVICE,
            cuDeviceGetByPCIBusId(&device, "0000:99:00.0"));
}

TEST_F(ContextTest, StackIsTheThreads) {
  CUcontext second = nullptr, current = nullptr;
  ASSERT_CU(cuCtxCreate_v2(&second, 0, 0));
  EXPECT_CU(CUDA_SUCCESS, cuCtxGetCurrent(&current));
  EXPECT_EQ(second, current);
  EXPECT_CU(CUDA_SUCCESS, cuCtxPopCurrent_v2(&current));
  EXPECT_EQ(second, current);
  EXPECT_CU(CUDA_SUCCESS, cuCtxGetCurrent(&current));
  EXPECT_EQ(context, current);
  std::thread([&] {
    EXPECT_CU(CUDA_SUCCESS, cuCtxGetCurrent(&current));
    EXPECT_EQ(nullptr, current);
    EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize());
    EXPECT_CU(CUDA_SUCCESS, cuCtxSetCurrent(second));
    EXPECT_CU(CUDA_SUCCESS, cuCtxSynchronize());
  }).join();
  EXPECT_CU(CUDA_SUCCESS, cuCtxDestroy_v2(second));
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy_v2(second));
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(second));
}

TEST_F(ContextTest, DestroyedContextOfAnotherThreadIsNoticed) {
  CUcontext second = nullptr;
  ASSERT_CU(cuCtxCreate_v2(&second, 0, 0));
  std::thread([&] { EXPECT_CU(CUDA_SUCCESS, cuCtxDestroy_v2(second)); }).join();
  EXPECT_CU(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuCtxSynchronize());
  CUcontext popped;
  EXPECT_CU(CUDA_SUCCESS, cuCtxPopCurrent_v2(&popped));
  EXPECT_EQ(second, popped);
}

TEST_F(ContextTest, PrimaryIsCounted) {
  CUcontext first = nullptr, second = nullptr;
  unsigned flags;
  int active;
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxSetFlags_v2(0, CU_CTX_SCHED_SPIN));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxRetain(&first, 0));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxRetain(&second, 0));
  EXPECT_EQ(first, second);
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxGetState(0, &flags, &active));
  EXPECT_EQ(1, active);
  EXPECT_EQ(unsigned(CU_CTX_SCHED_SPIN), flags);
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy_v2(first));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxRelease_v2(0));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxGetState(0, &flags, &active));
  EXPECT_EQ(0, active);
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(first));
  EXPECT_CU(CUDA_SUCCESS, cuDevicePrimaryCtxSetFlags_v2(0, 0));
}

TEST_F(ContextTest, LimitsAndFlags) {
  size_t value = 0;
  EXPECT_CU(CUDA_SUCCESS, cuCtxSetLimit(CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 20));
  EXPECT_CU(CUDA_SUCCESS, cuCtxGetLimit(&value, CU_LIMIT_PRINTF_FIFO_SIZE));
  EXPECT_EQ(size_t(1) << 20, value);
  EXPECT_CU(CUDA_ERROR_UNSUPPORTED_LIMIT, cuCtxGetLimit(&value, CUlimit(77)));
  CUcontext bad;
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuCtxCreate_v2(&bad, 0x10000, 0));
  EXPECT_CU(CUDA_ERROR_INVALID_DEVICE, cuCtxCreate_v2(&bad, 0, 3));
  int least, greatest;
  EXPECT_CU(CUDA_SUCCESS, cuCtxGetStreamPriorityRange(&least, &greatest));
  EXPECT_GT(least, greatest);
  EXPECT_CU(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED,
            cuCtxEnablePeerAccess(context, 0));
}

TEST_F(ContextTest, AnErrorOfAKernelStays) {
  // From here on: the kernel runs beside this thread, and may be first.
  testing::internal::CaptureStderr();
  ASSERT_CU(cuLaunchKernel(kernel("fail"), 1, 1, 1, 1, 1, 1, 0, nullptr,
                           nullptr, nullptr));
  EXPECT_CU(CUDA_ERROR_LAUNCH_FAILED, cuCtxSynchronize());
  EXPECT_NE("", testing::internal::GetCapturedStderr());
  CUdeviceptr address;
  EXPECT_CU(CUDA_ERROR_LAUNCH_FAILED, cuMemAlloc_v2(&address, 4));
  EXPECT_CU(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(nullptr));
  EXPECT_CU(CUDA_ERROR_LAUNCH_FAILED, cuCtxSynchronize());
  // Another context goes on.
  CUcontext other = nullptr;
  ASSERT_CU(cuCtxCreate_v2(&other, 0, 0));
  EXPECT_CU(CUDA_SUCCESS, cuMemAlloc_v2(&address, 4));
  EXPECT_CU(CUDA_SUCCESS, cuCtxDestroy_v2(other));
}

} // namespace
