// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams and events: what runs when, and who waits.
#include "DriverLibrary.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using StreamTest = DriverTest;
using EventTest = DriverTest;

/// A host function that waits until it is let go: holds up its stream.
struct Gate {
  std::atomic<bool> open{false};
  static void wait(void *self) {
    while (!static_cast<Gate *>(self)->open)
      std::this_thread::yield();
  }
};

CUstream makeStream(unsigned flags = CU_STREAM_NON_BLOCKING) {
  CUstream stream = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuStreamCreate(&stream, flags));
  return stream;
}

TEST_F(StreamTest, HandlesAreChecked) {
  CUstream stream = makeStream();
  unsigned flags = 0;
  int priority = 1;
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetFlags(stream, &flags));
  EXPECT_EQ(unsigned(CU_STREAM_NON_BLOCKING), flags);
  EXPECT_CU(CUDA_SUCCESS, cuStreamDestroy_v2(stream));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuStreamDestroy_v2(stream));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(stream));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(&stream, 8));
  EXPECT_CU(CUDA_SUCCESS, cuStreamCreateWithPriority(&stream, 0, -100));
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetPriority(stream, &priority));
  EXPECT_EQ(-5, priority);
  CUcontext owner = nullptr;
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetCtx(stream, &owner));
  EXPECT_EQ(context, owner);
}

TEST_F(StreamTest, NamedStreamsAreThere) {
  for (CUstream stream : {CUstream(nullptr), kLegacyStream, kPerThreadStream})
    EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(stream));
  unsigned long long legacy = 0, null = 0, own = 0, variant = 0;
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetId(kLegacyStream, &legacy));
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetId(nullptr, &null));
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetId(kPerThreadStream, &own));
  EXPECT_CU(CUDA_SUCCESS, cuStreamGetId_ptsz(nullptr, &variant));
  EXPECT_EQ(legacy, null);
  EXPECT_EQ(own, variant);
  EXPECT_NE(legacy, own);
}

TEST_F(StreamTest, HostFunctionsHoldUpTheirStreamOnly) {
  CUstream held = makeStream(), free = makeStream();
  Gate gate;
  std::thread::id where;
  ASSERT_CU(cuLaunchHostFunc(held, Gate::wait, &gate));
  ASSERT_CU(cuLaunchHostFunc(
      held,
      [](void *data) {
        *static_cast<std::thread::id *>(data) = std::this_thread::get_id();
      },
      &where));
  CUdeviceptr address = allocate(4);
  ASSERT_CU(cuMemsetD32Async(address, 1, 1, free));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(free));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuStreamQuery(held));
  gate.open = true;
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(held));
  EXPECT_CU(CUDA_SUCCESS, cuStreamQuery(held));
  EXPECT_NE(std::this_thread::get_id(), where);
  EXPECT_NE(std::thread::id(), where);
}

TEST_F(StreamTest, HostFunctionsMustNotCallTheDriver) {
  CUresult result = CUDA_SUCCESS;
  ASSERT_CU(cuLaunchHostFunc(
      nullptr,
      [](void *data) {
        *static_cast<CUresult *>(data) = driver().cuCtxSynchronize();
      },
      &result));
  EXPECT_CU(CUDA_SUCCESS, cuCtxSynchronize());
  EXPECT_EQ(CUDA_ERROR_NOT_PERMITTED, result);
}

TEST_F(StreamTest, CallbacksGetStreamAndState) {
  CUstream stream = makeStream();
  struct Seen {
    CUstream stream;
    CUresult status;
  } seen{nullptr, CUDA_ERROR_UNKNOWN};
  ASSERT_CU(cuStreamAddCallback(
      stream,
      [](CUstream stream, CUresult status, void *data) {
        *static_cast<Seen *>(data) = {stream, status};
      },
      &seen, 0));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(stream));
  EXPECT_EQ(stream, seen.stream);
  EXPECT_EQ(CUDA_SUCCESS, seen.status);
}

TEST_F(StreamTest, LegacyStreamWaitsForBlockingOnes) {
  CUstream blocking = makeStream(CU_STREAM_DEFAULT), free = makeStream();
  Gate gate;
  ASSERT_CU(cuLaunchHostFunc(blocking, Gate::wait, &gate));
  CUdeviceptr address = allocate(4);
  ASSERT_CU(cuMemsetD32Async(address, 1, 1, nullptr));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuStreamQuery(nullptr));
  // What comes after the legacy stream's work waits for it too, unless it says
  // that it does not.
  CUstream other = makeStream(CU_STREAM_DEFAULT);
  ASSERT_CU(cuMemsetD32Async(address, 2, 1, other));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuStreamQuery(other));
  ASSERT_CU(cuMemsetD32Async(address, 3, 1, free));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(free));
  gate.open = true;
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(other));
  unsigned value = 0;
  EXPECT_CU(CUDA_SUCCESS, cuMemcpyDtoH_v2(&value, address, 4));
  EXPECT_EQ(2u, value);
}

TEST_F(StreamTest, ValuesInMemory) {
  CUstream waits = makeStream(), writes = makeStream();
  CUdeviceptr flag = allocate(4), address = allocate(4);
  ASSERT_CU(cuMemsetD32_v2(flag, 0, 1));
  ASSERT_CU(cuCtxSynchronize());
  ASSERT_CU(cuStreamWaitValue32_v2(waits, flag, 5, CU_STREAM_WAIT_VALUE_GEQ));
  ASSERT_CU(cuMemsetD32Async(address, 1, 1, waits));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuStreamQuery(waits));
  ASSERT_CU(cuStreamWriteValue32_v2(writes, flag, 6, 0));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(waits));
  EXPECT_CU(CUDA_ERROR_INVALID_VALUE,
            cuStreamWaitValue32_v2(waits, flag + 2, 5, 0));
}

TEST_F(EventTest, OrderBetweenStreams) {
  CUstream first = makeStream(), second = makeStream();
  CUevent event = nullptr;
  ASSERT_CU(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
  EXPECT_CU(CUDA_SUCCESS, cuEventQuery(event));
  Gate gate;
  ASSERT_CU(cuLaunchHostFunc(first, Gate::wait, &gate));
  ASSERT_CU(cuEventRecord(event, first));
  ASSERT_CU(cuStreamWaitEvent(second, event, 0));
  CUdeviceptr address = allocate(4);
  ASSERT_CU(cuMemsetD32Async(address, 7, 1, second));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuEventQuery(event));
  EXPECT_CU(CUDA_ERROR_NOT_READY, cuStreamQuery(second));
  gate.open = true;
  EXPECT_CU(CUDA_SUCCESS, cuEventSynchronize(event));
  EXPECT_CU(CUDA_SUCCESS, cuStreamSynchronize(second));
  EXPECT_CU(CUDA_SUCCESS, cuEventDestroy_v2(event));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE, cuEventQuery(event));
}

TEST_F(EventTest, Times) {
  CUevent start = nullptr, end = nullptr, none = nullptr;
  ASSERT_CU(cuEventCreate(&start, 0));
  ASSERT_CU(cuEventCreate(&end, 0));
  ASSERT_CU(cuEventCreate(&none, CU_EVENT_DISABLE_TIMING));
  float milliseconds = -1;
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE,
            cuEventElapsedTime(&milliseconds, start, end));
  Gate gate;
  ASSERT_CU(cuEventRecord(start, nullptr));
  ASSERT_CU(cuLaunchHostFunc(nullptr, Gate::wait, &gate));
  ASSERT_CU(cuEventRecord(end, nullptr));
  EXPECT_CU(CUDA_ERROR_NOT_READY,
            cuEventElapsedTime(&milliseconds, start, end));
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  gate.open = true;
  EXPECT_CU(CUDA_SUCCESS, cuEventSynchronize(end));
  EXPECT_CU(CUDA_SUCCESS, cuEventElapsedTime(&milliseconds, start, end));
  EXPECT_GE(milliseconds, 1.0f);
  ASSERT_CU(cuEventRecord(none, nullptr));
  EXPECT_CU(CUDA_ERROR_INVALID_HANDLE,
            cuEventElapsedTime(&milliseconds, start, none));
}

TEST_F(StreamTest, ThreadsShareTheDriver) {
  constexpr int threads = 4, rounds = 25;
  kernel("vadd");
  std::vector<std::thread> all;
  std::atomic<int> wrong{0};
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      if (driver().cuCtxSetCurrent(context) != CUDA_SUCCESS)
        ++wrong;
      CUstream stream = makeStream();
      std::vector<float> values(100, float(t)), back(100);
      for (int round = 0; round < rounds; ++round) {
        CUdeviceptr a = upload(values), c = allocate(400);
        CUfunction function = nullptr;
        driver().cuModuleGetFunction(&function, module, "vadd");
        unsigned n = 100;
        void *params[] = {&a, &a, &c, &n};
        driver().cuLaunchKernel(function, 1, 1, 1, 128, 1, 1, 0, stream, params,
                                nullptr);
        driver().cuMemcpyDtoHAsync_v2(back.data(), c, 400, stream);
        driver().cuStreamSynchronize(stream);
        if (back != std::vector<float>(100, float(2 * t)))
          ++wrong;
        driver().cuMemFree_v2(a);
        driver().cuMemFree_v2(c);
      }
    });
  for (std::thread &thread : all)
    thread.join();
  EXPECT_EQ(0, wrong);
}

/// In a process of its own, as the order is read once: what page-locked memory
/// has before anybody waits.
int valueBeforeWaiting(const char *order) {
  setenv("MOE_SIM_ASYNC", order, 1);
  CUcontext context = nullptr;
  unsigned *host = nullptr;
  CUdeviceptr address = 0;
  bool good = driver().cuInit(0) == CUDA_SUCCESS &&
              driver().cuCtxCreate_v2(&context, 0, 0) == CUDA_SUCCESS &&
              driver().cuMemAllocHost_v2(reinterpret_cast<void **>(&host), 4) ==
                  CUDA_SUCCESS &&
              driver().cuMemAlloc_v2(&address, 4) == CUDA_SUCCESS;
  *host = 1;
  good =
      good &&
      driver().cuMemsetD32Async(address, 2, 1, nullptr) == CUDA_SUCCESS &&
      driver().cuMemcpyDtoHAsync_v2(host, address, 4, nullptr) == CUDA_SUCCESS;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  unsigned before = *reinterpret_cast<volatile unsigned *>(host);
  good = good && driver().cuCtxSynchronize() == CUDA_SUCCESS && *host == 2;
  return good ? int(before) : 99;
}

TEST(OrderTest, LateRunsWhenSomebodyWaits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(valueBeforeWaiting("late")),
              testing::ExitedWithCode(1), "");
}

TEST(OrderTest, EarlyRunsAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(valueBeforeWaiting("early")),
              testing::ExitedWithCode(2), "");
}

TEST(OrderTest, SeedsKeepTheOrderOfAStream) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const char *seed : {"1", "2", "3"})
    EXPECT_EXIT(std::_Exit(valueBeforeWaiting(seed) == 99),
                testing::ExitedWithCode(0), "");
}

} // namespace
