// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams that write a value to memory, or wait until it has one. The host or
// another stream may write it.
#include "API.h"
#include "Capture.h"
#include "Memory.h"

#include <atomic>
#include <cstring>

namespace moe::driver {

using namespace moe::cuda;

namespace {
StreamRef checked(CUstream handle, CUdeviceptr address, size_t bytes) {
  StreamRef stream = findStream(handle);
  require(address % bytes == 0);
  state().memory->checkRange(address, bytes);
  if (stream->capture) {
    invalidate(stream->capture);
    fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  checkLegacy(stream);
  return stream;
}

template <typename T>
CUresult write(CUstream handle, CUdeviceptr address, T value, unsigned flags) {
  require((flags & ~unsigned(CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER)) == 0);
  StreamRef stream = checked(handle, address, sizeof(T));
  auto operation = std::make_shared<Operation>();
  operation->run = [=] {
    if (CUresult result =
            report(state().memory->deviceOfOperation().memory().write(
                address, &value, sizeof value));
        result != CUDA_SUCCESS)
      return result;
    // Somebody may wait for exactly this; whoever waits looks again under the
    // lock.
    std::lock_guard<std::mutex> lock(state().mutex);
    state().queue.notify();
    return CUDA_SUCCESS;
  };
  enqueue(stream, std::move(operation));
  return CUDA_SUCCESS;
}

template <typename T>
bool holds(T now, T value, unsigned comparison) {
  switch (comparison) {
  case CU_STREAM_WAIT_VALUE_GEQ:
    return std::make_signed_t<T>(now - value) >= 0;
  case CU_STREAM_WAIT_VALUE_EQ:
    return now == value;
  case CU_STREAM_WAIT_VALUE_AND:
    return (now & value) != 0;
  default:
    return ~(now | value) != 0;
  }
}

template <typename T>
CUresult wait(CUstream handle, CUdeviceptr address, T value, unsigned flags) {
  constexpr unsigned comparisons = 3;
  require((flags & ~(comparisons | CU_STREAM_WAIT_VALUE_FLUSH)) == 0);
  StreamRef stream = checked(handle, address, sizeof(T));
  auto operation = std::make_shared<Operation>();
  operation->ready = [=] {
    // The host may write it without telling the driver.
    T now = reinterpret_cast<const std::atomic<T> *>(address)->load();
    return holds(now, value, flags & comparisons);
  };
  enqueue(stream, std::move(operation));
  return CUDA_SUCCESS;
}
} // namespace

CUresult api::cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address,
                                      cuuint32_t value, unsigned flags) {
  return write(stream, address, value, flags);
}

CUresult api::cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address,
                                      cuuint64_t value, unsigned flags) {
  return write(stream, address, value, flags);
}

CUresult api::cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address,
                                     cuuint32_t value, unsigned flags) {
  return wait(stream, address, value, flags);
}

CUresult api::cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address,
                                     cuuint64_t value, unsigned flags) {
  return wait(stream, address, value, flags);
}

} // namespace moe::driver
