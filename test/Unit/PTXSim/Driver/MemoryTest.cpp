// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Allocations, copies, fills and what addresses say of themselves.
#include "DriverLibrary.h"

#include <cstring>
#include <numeric>

namespace {

using MemoryTest = DriverTest;
using CopyTest = DriverTest;
using PoolTest = DriverTest;
using PointerTest = DriverTest;

TEST_F(MemoryTest, FreeingIsChecked) {
  CUdeviceptr address = allocate(100);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(address + 4));
  EXPECT_CU(CUDA_SUCCESS, cuMemFree_v2(address));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(address));
  EXPECT_CU(CUDA_SUCCESS, cuMemFree_v2(0));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemAlloc_v2(&address, 0));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemAlloc_v2(nullptr, 4));
  EXPECT_CU(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&address, size_t(1) << 45));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuMemFreeHost(reinterpret_cast<void *>(allocate(8))));
}

TEST_F(MemoryTest, FreeMemoryIsCounted) {
  size_t before = 0, during = 0, after = 0, total = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemGetInfo_v2(&before, &total));
  CUdeviceptr address = allocate(1 << 20);
  EXPECT_CU(CUDA_SUCCESS, cuMemGetInfo_v2(&during, &total));
  EXPECT_LE(during + (1 << 20), before);
  EXPECT_CU(CUDA_SUCCESS, cuMemFree_v2(address));
  EXPECT_CU(CUDA_SUCCESS, cuMemGetInfo_v2(&after, &total));
  EXPECT_EQ(before, after);
}

TEST_F(MemoryTest, PitchIsAMultiple) {
  CUdeviceptr address = 0;
  size_t pitch = 0, bytes = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemAllocPitch_v2(&address, &pitch, 100, 3, 4));
  EXPECT_GE(pitch, 100u);
  EXPECT_EQ(0u, pitch % 32);
  EXPECT_CU(CUDA_SUCCESS,
            cuMemGetAddressRange_v2(nullptr, &bytes, address + 150));
  EXPECT_EQ(pitch * 3, bytes);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuMemAllocPitch_v2(&address, &pitch, 100, 3, 5));
}

TEST_F(MemoryTest, HostMemoryIsTheDevices) {
  float *host = nullptr;
  ASSERT_CU(cuMemHostAlloc(reinterpret_cast<void **>(&host), 3 * sizeof(float),
                           kHostAllocPortable));
  for (int i = 0; i < 3; ++i)
    host[i] = float(i);
  CUdeviceptr address = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemHostGetDevicePointer_v2(&address, host, 0));
  EXPECT_EQ(CUDA_SUCCESS, add(address, address, address, 3));
  EXPECT_CU(CUDA_SUCCESS, cuCtxSynchronize());
  EXPECT_EQ(4.0f, host[2]);
  unsigned flags = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemHostGetFlags(&flags, host));
  EXPECT_TRUE(flags & kHostAllocPortable);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(address));
  EXPECT_CU(CUDA_SUCCESS, cuMemFreeHost(host));
}

TEST_F(MemoryTest, RegisteredMemoryIsTheDevices) {
  std::vector<float> host{1, 2, 3};
  size_t bytes = host.size() * sizeof(float);
  auto address = reinterpret_cast<CUdeviceptr>(host.data());
  EXPECT_CU(CUDA_SUCCESS, cuMemHostRegister_v2(host.data(), bytes, 0));
  EXPECT_CU(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
            cuMemHostRegister_v2(host.data() + 1, 4, 0));
  EXPECT_EQ(CUDA_SUCCESS, add(address, address, address, 3));
  EXPECT_CU(CUDA_SUCCESS, cuCtxSynchronize());
  EXPECT_EQ(6.0f, host[2]);
  EXPECT_CU(CUDA_SUCCESS, cuMemHostUnregister(host.data()));
  EXPECT_CU(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
            cuMemHostUnregister(host.data()));
}

TEST_F(MemoryTest, ManagedMemoryIsBoths) {
  CUdeviceptr address = 0;
  ASSERT_CU(cuMemAllocManaged(&address, 4, CU_MEM_ATTACH_GLOBAL));
  auto *host = reinterpret_cast<float *>(address);
  *host = 5;
  EXPECT_EQ(CUDA_SUCCESS, add(address, address, address, 1));
  EXPECT_CU(CUDA_SUCCESS, cuCtxSynchronize());
  EXPECT_EQ(10.0f, *host);
  EXPECT_CU(CUDA_SUCCESS,
            cuMemPrefetchAsync_v2(address, 4, {CU_MEM_LOCATION_TYPE_DEVICE, 0},
                                  0, nullptr));
  EXPECT_CU(CUDA_SUCCESS, cuMemFree_v2(address));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemAllocManaged(&address, 4, 0));
}

TEST_F(CopyTest, EveryDirection) {
  std::vector<float> values{1, 2, 3, 4};
  size_t bytes = values.size() * sizeof(float);
  CUdeviceptr a = upload(values), b = allocate(bytes), c = allocate(bytes);
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyDtoD_v2(b, a, bytes));
  EXPECT_CU(CUDA_SUCCESS, cuMemcpy(c, b, bytes));
  EXPECT_EQ(values, download(c, 4));
  std::vector<float> host(4);
  EXPECT_CU(CUDA_SUCCESS,
            cuMemcpy(reinterpret_cast<CUdeviceptr>(host.data()), c, bytes));
  EXPECT_EQ(values, host);
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyPeer(b, context, c, context, bytes));
  EXPECT_CU(CUDA_ERROR_INVALID_CONTEXT,
            cuMemcpyPeer(b, nullptr, c, context, bytes));
}

TEST_F(CopyTest, RangesAreChecked) {
  CUdeviceptr address = allocate(16);
  char host[32] = {};
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD_v2(address, host, 17));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH_v2(host, address + 8, 9));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD_v2(0x1000, host, 1));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD_v2(address, nullptr, 1));
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyHtoD_v2(address, nullptr, 0));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemsetD8_v2(address, 0, 17));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemsetD32_v2(address + 2, 0, 1));
}

TEST_F(CopyTest, BoxesOfTwoAndThreeDimensions) {
  std::vector<unsigned char> host(5 * 7 * 3), back(host.size(), 0);
  std::iota(host.begin(), host.end(), 1);
  CUdeviceptr address = 0;
  size_t pitch = 0;
  ASSERT_CU(cuMemAllocPitch_v2(&address, &pitch, 7, 5 * 3, 4));
  CUDA_MEMCPY3D box{};
  box.srcMemoryType = CU_MEMORYTYPE_HOST;
  box.srcHost = host.data();
  box.srcPitch = 7;
  box.srcHeight = 5;
  box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  box.dstDevice = address;
  box.dstPitch = pitch;
  box.dstHeight = 5;
  box.WidthInBytes = 7;
  box.Height = 5;
  box.Depth = 3;
  EXPECT_CU(CUDA_SUCCESS, cuMemcpy3D_v2(&box));
  // The middle of the second slice, out of its place and into it.
  CUDA_MEMCPY2D flat{};
  flat.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  flat.srcDevice = address + 5 * pitch;
  flat.srcPitch = pitch;
  flat.srcXInBytes = 2;
  flat.srcY = 1;
  flat.dstMemoryType = CU_MEMORYTYPE_HOST;
  flat.dstHost = back.data();
  flat.dstPitch = 7;
  flat.dstXInBytes = 2;
  flat.dstY = 1;
  flat.WidthInBytes = 3;
  flat.Height = 2;
  EXPECT_CU(CUDA_SUCCESS, cuMemcpy2D_v2(&flat));
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x) {
      bool inside = x >= 2 && x < 5 && y >= 1 && y < 3;
      EXPECT_EQ(inside ? host[35 + y * 7 + x] : 0, back[y * 7 + x])
          << x << " " << y;
    }
  flat.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  EXPECT_CU(CUDA_ERROR_NOT_SUPPORTED, cuMemcpy2D_v2(&flat));
  flat.dstMemoryType = CU_MEMORYTYPE_HOST;
  flat.dstPitch = 4;
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D_v2(&flat));
}

TEST_F(CopyTest, Fills) {
  CUdeviceptr address = allocate(64);
  EXPECT_CU(CUDA_SUCCESS, cuMemsetD8_v2(address, 0xab, 64));
  EXPECT_CU(CUDA_SUCCESS, cuMemsetD16_v2(address + 2, 0x1234, 2));
  EXPECT_CU(CUDA_SUCCESS,
            cuMemsetD32Async(address + 8, 0x89abcdef, 1, nullptr));
  EXPECT_CU(CUDA_SUCCESS, cuMemsetD2D8_v2(address + 32, 16, 0, 3, 2));
  unsigned char back[64];
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyDtoH_v2(back, address, 64));
  const unsigned char expected[] = {0xab, 0xab, 0x34, 0x12, 0x34, 0x12, 0xab,
                                    0xab, 0xef, 0xcd, 0xab, 0x89, 0xab};
  EXPECT_EQ(0, std::memcmp(expected, back, sizeof expected));
  EXPECT_EQ(0, back[34]);
  EXPECT_EQ(0xab, back[35]);
  EXPECT_EQ(0, back[50]);
  EXPECT_EQ(0xab, back[51]);
}

TEST_F(PoolTest, MemoryInTheOrderOfAStream) {
  CUmemoryPool pool = nullptr, own = nullptr;
  ASSERT_CU(cuDeviceGetDefaultMemPool(&pool, 0));
  cuuint64_t used = 1, before = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemPoolGetAttribute(
                              pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &before));
  CUstream stream = nullptr;
  ASSERT_CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  CUdeviceptr address = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemAllocAsync(&address, 256, stream));
  EXPECT_CU(CUDA_SUCCESS, cuMemPoolGetAttribute(
                              pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(before + 256, used);
  EXPECT_CU(CUDA_SUCCESS, cuMemsetD8Async(address, 1, 256, stream));
  EXPECT_CU(CUDA_SUCCESS, cuMemFreeAsync(address, stream));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(address, stream));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(stream));
  EXPECT_CU(CUDA_SUCCESS, cuMemPoolGetAttribute(
                              pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(before, used);

  CUmemPoolProps properties{};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  EXPECT_CU(CUDA_SUCCESS, cuMemPoolCreate(&own, &properties));
  EXPECT_CU(CUDA_SUCCESS, cuMemAllocFromPoolAsync(&address, 64, own, stream));
  CUmemoryPool from = nullptr;
  EXPECT_CU(CUDA_SUCCESS,
            cuPointerGetAttribute(&from, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE,
                                  address));
  EXPECT_EQ(own, from);
  EXPECT_CU(CUDA_SUCCESS, cuMemFree_v2(address));
  EXPECT_CU(CUDA_SUCCESS, cuMemPoolDestroy(own));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuMemPoolDestroy(own));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuMemPoolDestroy(pool));
}

TEST_F(PointerTest, AttributesOfEachKind) {
  CUdeviceptr device = allocate(64), managed = 0;
  void *host = nullptr;
  ASSERT_CU(cuMemAllocManaged(&managed, 8, CU_MEM_ATTACH_GLOBAL));
  ASSERT_CU(cuMemAllocHost_v2(&host, 8));
  CUmemorytype type;
  EXPECT_CU(CUDA_SUCCESS,
            cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                  device + 63));
  EXPECT_EQ(CU_MEMORYTYPE_DEVICE, type);
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                  device + 64));
  EXPECT_CU(CUDA_SUCCESS,
            cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                  reinterpret_cast<CUdeviceptr>(host)));
  EXPECT_EQ(CU_MEMORYTYPE_HOST, type);
  unsigned isManaged = 2;
  EXPECT_CU(CUDA_SUCCESS,
            cuPointerGetAttribute(&isManaged, CU_POINTER_ATTRIBUTE_IS_MANAGED,
                                  managed));
  EXPECT_EQ(1u, isManaged);
  CUdeviceptr same = 0, start = 0;
  size_t bytes = 0;
  CUcontext owner = nullptr;
  CUpointer_attribute names[] = {CU_POINTER_ATTRIBUTE_DEVICE_POINTER,
                                 CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
                                 CU_POINTER_ATTRIBUTE_RANGE_SIZE,
                                 CU_POINTER_ATTRIBUTE_CONTEXT};
  void *data[] = {&same, &start, &bytes, &owner};
  EXPECT_CU(CUDA_SUCCESS, cuPointerGetAttributes(4, names, data, device + 10));
  EXPECT_EQ(device + 10, same);
  EXPECT_EQ(device, start);
  EXPECT_EQ(64u, bytes);
  EXPECT_EQ(context, owner);
  // An address that the driver does not know is none to the one call, and has
  // zeros to the other.
  int local = 0;
  auto unknown = reinterpret_cast<CUdeviceptr>(&local);
  EXPECT_CU(
      CUDA_ERROR_INVALID_VALUE,
      cuPointerGetAttribute(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, unknown));
  EXPECT_CU(CUDA_SUCCESS, cuPointerGetAttributes(4, names, data, unknown));
  EXPECT_EQ(nullptr, owner);
  EXPECT_EQ(0u, bytes);
}

} // namespace
