// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fills of memory, by elements of one, two or four bytes, in rows with a pitch.
#include "API.h"
#include "Work.h"

namespace moe::driver {

using namespace moe::cuda;

namespace {
CUresult fill(CUdeviceptr target, size_t pitch, unsigned value,
              unsigned elementBytes, size_t width, size_t height,
              CUstream handle, bool waits) {
  StreamRef stream = findStream(handle);
  if (waits)
    forbidWhileCapturing();
  if (width == 0 || height == 0)
    return CUDA_SUCCESS;
  FillWork work =
      describeFill({target, pitch, value, elementBytes, width, height});
  OperationRef operation = submit(stream, work);
  const Block *block = state().memory->find(target);
  // Only memory of the host makes a plain fill wait.
  if (operation && waits && block &&
      block->kind != ptxsim::AllocationKind::Device)
    waitFor(stream->context.lock(), {operation});
  return CUDA_SUCCESS;
}
} // namespace

FillWork describeFill(const CUDA_MEMSET_NODE_PARAMS &params) {
  unsigned bytes = params.elementSize;
  require(bytes == 1 || bytes == 2 || bytes == 4);
  require(params.width > 0 && params.height > 0);
  require(params.dst % bytes == 0 &&
          (params.height == 1 || (params.pitch >= params.width * bytes &&
                                  params.pitch % bytes == 0)));
  state().memory->checkRange(params.dst, (params.height - 1) * params.pitch +
                                             params.width * bytes);
  return {params};
}

CUresult api::cuMemsetD8_v2(CUdeviceptr target, unsigned char value,
                            size_t count) {
  return fill(target, 0, value, 1, count, 1, nullptr, true);
}

CUresult api::cuMemsetD16_v2(CUdeviceptr target, unsigned short value,
                             size_t count) {
  return fill(target, 0, value, 2, count, 1, nullptr, true);
}

CUresult api::cuMemsetD32_v2(CUdeviceptr target, unsigned value, size_t count) {
  return fill(target, 0, value, 4, count, 1, nullptr, true);
}

CUresult api::cuMemsetD2D8_v2(CUdeviceptr target, size_t pitch,
                              unsigned char value, size_t width,
                              size_t height) {
  return fill(target, pitch, value, 1, width, height, nullptr, true);
}

CUresult api::cuMemsetD2D16_v2(CUdeviceptr target, size_t pitch,
                               unsigned short value, size_t width,
                               size_t height) {
  return fill(target, pitch, value, 2, width, height, nullptr, true);
}

CUresult api::cuMemsetD2D32_v2(CUdeviceptr target, size_t pitch, unsigned value,
                               size_t width, size_t height) {
  return fill(target, pitch, value, 4, width, height, nullptr, true);
}

CUresult api::cuMemsetD8Async(CUdeviceptr target, unsigned char value,
                              size_t count, CUstream stream) {
  return fill(target, 0, value, 1, count, 1, stream, false);
}

CUresult api::cuMemsetD16Async(CUdeviceptr target, unsigned short value,
                               size_t count, CUstream stream) {
  return fill(target, 0, value, 2, count, 1, stream, false);
}

CUresult api::cuMemsetD32Async(CUdeviceptr target, unsigned value, size_t count,
                               CUstream stream) {
  return fill(target, 0, value, 4, count, 1, stream, false);
}

CUresult api::cuMemsetD2D8Async(CUdeviceptr target, size_t pitch,
                                unsigned char value, size_t width,
                                size_t height, CUstream stream) {
  return fill(target, pitch, value, 1, width, height, stream, false);
}

CUresult api::cuMemsetD2D16Async(CUdeviceptr target, size_t pitch,
                                 unsigned short value, size_t width,
                                 size_t height, CUstream stream) {
  return fill(target, pitch, value, 2, width, height, stream, false);
}

CUresult api::cuMemsetD2D32Async(CUdeviceptr target, size_t pitch,
                                 unsigned value, size_t width, size_t height,
                                 CUstream stream) {
  return fill(target, pitch, value, 4, width, height, stream, false);
}

} // namespace moe::driver
