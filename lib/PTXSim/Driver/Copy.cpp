// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies. All are boxes of bytes; what a call says about the sides decides what
// is checked and who waits: with memory that is not page-locked a copy is done
// when the call returns, as drivers stage it.
#include "API.h"
#include "Work.h"

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::AllocationKind;

namespace {
/// The range from the first to the last byte of a box.
uint64_t span(uint64_t width, uint64_t height, uint64_t depth, uint64_t pitch,
              uint64_t slice) {
  return (depth - 1) * slice + (height - 1) * pitch + width;
}

struct Side {
  CUmemorytype type;
  const void *host;
  CUdeviceptr device;
  CUarray array;
  size_t x, y, z, pitch, height;
};

/// Where the box of a side begins. Unified: the address decides what it is.
uint64_t resolve(const Side &side, const CUDA_MEMCPY3D &shape, uint64_t &pitch,
                 uint64_t &slice, bool &onDevice) {
  // Arrays are textures' memory, which there is none of.
  require(side.type != CU_MEMORYTYPE_ARRAY, CUDA_ERROR_NOT_SUPPORTED);
  require(side.type == CU_MEMORYTYPE_HOST ||
          side.type == CU_MEMORYTYPE_DEVICE ||
          side.type == CU_MEMORYTYPE_UNIFIED);
  uint64_t base = side.type == CU_MEMORYTYPE_HOST
                      ? reinterpret_cast<uint64_t>(side.host)
                      : side.device;
  require(base != 0);
  pitch = side.pitch ? side.pitch : shape.WidthInBytes + side.x;
  slice = (side.height ? side.height : shape.Height + side.y) * pitch;
  require(shape.Height <= 1 || pitch >= shape.WidthInBytes + side.x);
  uint64_t first = base + side.x + side.y * pitch + side.z * slice;
  const Block *block = state().memory->find(first);
  onDevice = side.type == CU_MEMORYTYPE_DEVICE || block;
  if (onDevice)
    state().memory->checkRange(first, span(shape.WidthInBytes, shape.Height,
                                           shape.Depth, pitch, slice));
  return first;
}

/// Memory of the process that is neither page-locked nor managed.
bool pageable(uint64_t address) { return !state().memory->find(address); }
bool onHost(uint64_t address) {
  const Block *block = state().memory->find(address);
  return !block || block->kind == AllocationKind::Host ||
         block->kind == AllocationKind::Registered;
}

enum class Waits { Always, Asynchronous };

CUresult copy(const CUDA_MEMCPY3D &shape, CUstream handle, Waits waits) {
  StreamRef stream = findStream(handle);
  if (waits == Waits::Always)
    forbidWhileCapturing();
  if (shape.WidthInBytes == 0 || shape.Height == 0 || shape.Depth == 0)
    return CUDA_SUCCESS;
  CopyWork work = describeCopy(shape);
  OperationRef operation = submit(stream, work);
  bool staged = pageable(work.source) || pageable(work.target);
  // Between two places on the device even a plain copy returns early.
  bool host = onHost(work.source) || onHost(work.target);
  if (operation && (staged || (waits == Waits::Always && host)))
    waitFor(stream->context.lock(), {operation});
  return CUDA_SUCCESS;
}

CUDA_MEMCPY3D line(CUmemorytype targetType, uint64_t target,
                   CUmemorytype sourceType, uint64_t source, size_t bytes) {
  CUDA_MEMCPY3D shape{};
  shape.srcMemoryType = sourceType;
  shape.srcHost = reinterpret_cast<const void *>(source);
  shape.srcDevice = source;
  shape.dstMemoryType = targetType;
  shape.dstHost = reinterpret_cast<void *>(target);
  shape.dstDevice = target;
  shape.WidthInBytes = bytes;
  shape.Height = shape.Depth = 1;
  return shape;
}

uint64_t address(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

CUDA_MEMCPY3D widen(const CUDA_MEMCPY2D &flat) {
  CUDA_MEMCPY3D shape{};
  shape.srcXInBytes = flat.srcXInBytes;
  shape.srcY = flat.srcY;
  shape.srcMemoryType = flat.srcMemoryType;
  shape.srcHost = flat.srcHost;
  shape.srcDevice = flat.srcDevice;
  shape.srcArray = flat.srcArray;
  shape.srcPitch = flat.srcPitch;
  shape.dstXInBytes = flat.dstXInBytes;
  shape.dstY = flat.dstY;
  shape.dstMemoryType = flat.dstMemoryType;
  shape.dstHost = flat.dstHost;
  shape.dstDevice = flat.dstDevice;
  shape.dstArray = flat.dstArray;
  shape.dstPitch = flat.dstPitch;
  shape.WidthInBytes = flat.WidthInBytes;
  shape.Height = flat.Height;
  shape.Depth = 1;
  return shape;
}
} // namespace

CopyWork describeCopy(const CUDA_MEMCPY3D &shape) {
  CopyWork work;
  work.shape = shape;
  work.width = shape.WidthInBytes;
  work.height = shape.Height;
  work.depth = shape.Depth;
  require(work.width > 0 && work.height > 0 && work.depth > 0);
  work.source =
      resolve({shape.srcMemoryType, shape.srcHost, shape.srcDevice,
               shape.srcArray, shape.srcXInBytes, shape.srcY, shape.srcZ,
               shape.srcPitch, shape.srcHeight},
              shape, work.sourcePitch, work.sourceSlice, work.sourceOnDevice);
  work.target =
      resolve({shape.dstMemoryType, shape.dstHost, shape.dstDevice,
               shape.dstArray, shape.dstXInBytes, shape.dstY, shape.dstZ,
               shape.dstPitch, shape.dstHeight},
              shape, work.targetPitch, work.targetSlice, work.targetOnDevice);
  return work;
}

CUresult api::cuMemcpy(CUdeviceptr target, CUdeviceptr source, size_t bytes) {
  return copy(
      line(CU_MEMORYTYPE_UNIFIED, target, CU_MEMORYTYPE_UNIFIED, source, bytes),
      nullptr, Waits::Always);
}

CUresult api::cuMemcpyAsync(CUdeviceptr target, CUdeviceptr source,
                            size_t bytes, CUstream stream) {
  return copy(
      line(CU_MEMORYTYPE_UNIFIED, target, CU_MEMORYTYPE_UNIFIED, source, bytes),
      stream, Waits::Asynchronous);
}

CUresult api::cuMemcpyHtoD_v2(CUdeviceptr target, const void *source,
                              size_t bytes) {
  return copy(line(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_HOST,
                   address(source), bytes),
              nullptr, Waits::Always);
}

CUresult api::cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t bytes) {
  return copy(line(CU_MEMORYTYPE_HOST, address(target), CU_MEMORYTYPE_DEVICE,
                   source, bytes),
              nullptr, Waits::Always);
}

CUresult api::cuMemcpyDtoD_v2(CUdeviceptr target, CUdeviceptr source,
                              size_t bytes) {
  return copy(
      line(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_DEVICE, source, bytes),
      nullptr, Waits::Always);
}

CUresult api::cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source,
                                   size_t bytes, CUstream stream) {
  return copy(line(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_HOST,
                   address(source), bytes),
              stream, Waits::Asynchronous);
}

CUresult api::cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source,
                                   size_t bytes, CUstream stream) {
  return copy(line(CU_MEMORYTYPE_HOST, address(target), CU_MEMORYTYPE_DEVICE,
                   source, bytes),
              stream, Waits::Asynchronous);
}

CUresult api::cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source,
                                   size_t bytes, CUstream stream) {
  return copy(
      line(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_DEVICE, source, bytes),
      stream, Waits::Asynchronous);
}

CUresult api::cuMemcpyPeer(CUdeviceptr target, CUcontext targetContext,
                           CUdeviceptr source, CUcontext sourceContext,
                           size_t bytes) {
  return cuMemcpyPeerAsync(target, targetContext, source, sourceContext, bytes,
                           nullptr);
}

CUresult api::cuMemcpyPeerAsync(CUdeviceptr target, CUcontext targetContext,
                                CUdeviceptr source, CUcontext sourceContext,
                                size_t bytes, CUstream stream) {
  // All contexts are of the one device, so there is no peer to copy to, but a
  // neighbour.
  state().contexts.find(targetContext, CUDA_ERROR_INVALID_CONTEXT);
  state().contexts.find(sourceContext, CUDA_ERROR_INVALID_CONTEXT);
  return cuMemcpyDtoDAsync_v2(target, source, bytes, stream);
}

CUresult api::cuMemcpy2D_v2(const CUDA_MEMCPY2D *shape) {
  require(shape);
  return copy(widen(*shape), nullptr, Waits::Always);
}

CUresult api::cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *shape) {
  return cuMemcpy2D_v2(shape);
}

CUresult api::cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *shape, CUstream stream) {
  require(shape);
  return copy(widen(*shape), stream, Waits::Asynchronous);
}

CUresult api::cuMemcpy3D_v2(const CUDA_MEMCPY3D *shape) {
  require(shape);
  return copy(*shape, nullptr, Waits::Always);
}

CUresult api::cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *shape, CUstream stream) {
  require(shape);
  return copy(*shape, stream, Waits::Asynchronous);
}

} // namespace moe::driver
