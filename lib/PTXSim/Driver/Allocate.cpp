// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory that belongs to a context: of the device, page-locked, managed. A
// device address is a host address too.
#include "API.h"
#include "Work.h"

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::AllocationKind;

namespace {
constexpr unsigned knownHostFlags =
    kHostAllocPortable | kHostAllocDeviceMap | kHostAllocWriteCombined;
constexpr unsigned knownRegisterFlags =
    kHostRegisterPortable | kHostRegisterDeviceMap | kHostRegisterIoMemory |
    kHostRegisterReadOnly;

Memory &memory() { return *state().memory; }

Block &blockAt(const void *pointer,
               CUresult otherwise = CUDA_ERROR_INVALID_VALUE) {
  Block *block = memory().find(reinterpret_cast<uint64_t>(pointer));
  require(block && block->kind != AllocationKind::Variable, otherwise);
  return *block;
}

CUresult allocateHost(void **result, size_t bytes, unsigned flags) {
  ContextRef context = currentContext();
  require(result && bytes > 0 && (flags & ~knownHostFlags) == 0);
  uint64_t address = memory().allocate(context, bytes, AllocationKind::Host);
  memory().find(address)->hostFlags = flags | kHostAllocDeviceMap;
  *result = reinterpret_cast<void *>(address);
  return CUDA_SUCCESS;
}

/// Frees once nothing that is queued can use it any more.
CUresult release(uint64_t address, bool host) {
  ContextRef context = currentContext();
  if (address == 0)
    return CUDA_SUCCESS;
  forbidWhileCapturing();
  Block *block = memory().find(address);
  require(block && block->address == address && !block->freeing);
  bool isHost = block->kind == AllocationKind::Host;
  require(isHost == host && block->kind != AllocationKind::Registered);
  synchronize(context);
  memory().release(address);
  return CUDA_SUCCESS;
}
} // namespace

CUresult api::cuMemGetInfo_v2(size_t *free, size_t *total) {
  currentContext();
  uint64_t capacity = memory().properties().memoryBytes;
  if (total)
    *total = capacity;
  if (free)
    *free = capacity - memory().used();
  return CUDA_SUCCESS;
}

CUresult api::cuMemAlloc_v2(CUdeviceptr *result, size_t bytes) {
  ContextRef context = currentContext();
  require(result && bytes > 0);
  forbidWhileCapturing();
  *result = memory().allocate(context, bytes, AllocationKind::Device);
  return CUDA_SUCCESS;
}

CUresult api::cuMemAllocPitch_v2(CUdeviceptr *result, size_t *pitch,
                                 size_t width, size_t height,
                                 unsigned elementBytes) {
  require(result && pitch && width > 0 && height > 0);
  require(elementBytes == 4 || elementBytes == 8 || elementBytes == 16);
  constexpr size_t alignment = 512;
  require(width <= SIZE_MAX - alignment);
  size_t rows = (width + alignment - 1) / alignment * alignment;
  require(height <= SIZE_MAX / rows, CUDA_ERROR_OUT_OF_MEMORY);
  CUresult outcome = cuMemAlloc_v2(result, rows * height);
  if (outcome == CUDA_SUCCESS)
    *pitch = rows;
  return outcome;
}

CUresult api::cuMemFree_v2(CUdeviceptr address) {
  return release(address, false);
}

CUresult api::cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes,
                                      CUdeviceptr address) {
  currentContext();
  Block *block = memory().find(address);
  require(block, CUDA_ERROR_NOT_FOUND);
  if (base)
    *base = block->address;
  if (bytes)
    *bytes = block->bytes;
  return CUDA_SUCCESS;
}

CUresult api::cuMemAllocManaged(CUdeviceptr *result, size_t bytes,
                                unsigned flags) {
  ContextRef context = currentContext();
  require(result && bytes > 0 &&
          (flags == CU_MEM_ATTACH_GLOBAL || flags == CU_MEM_ATTACH_HOST));
  *result = memory().allocate(context, bytes, AllocationKind::Managed);
  return CUDA_SUCCESS;
}

CUresult api::cuMemAllocHost_v2(void **result, size_t bytes) {
  return allocateHost(result, bytes, 0);
}

CUresult api::cuMemHostAlloc(void **result, size_t bytes, unsigned flags) {
  return allocateHost(result, bytes, flags);
}

CUresult api::cuMemFreeHost(void *pointer) {
  return release(reinterpret_cast<uint64_t>(pointer), true);
}

CUresult api::cuMemHostRegister_v2(void *pointer, size_t bytes,
                                   unsigned flags) {
  ContextRef context = currentContext();
  require((flags & ~knownRegisterFlags) == 0);
  memory().registerHost(context, pointer, bytes, flags);
  return CUDA_SUCCESS;
}

CUresult api::cuMemHostUnregister(void *pointer) {
  ContextRef context = currentContext();
  require(pointer);
  Block *block = memory().find(reinterpret_cast<uint64_t>(pointer));
  require(block && block->kind == AllocationKind::Registered &&
              block->address == reinterpret_cast<uint64_t>(pointer),
          CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  synchronize(context);
  memory().release(reinterpret_cast<uint64_t>(pointer));
  return CUDA_SUCCESS;
}

CUresult api::cuMemHostGetDevicePointer_v2(CUdeviceptr *result, void *pointer,
                                           unsigned flags) {
  currentContext();
  require(result && flags == 0);
  Block &block = blockAt(pointer);
  require(block.kind != AllocationKind::Device);
  *result = reinterpret_cast<uint64_t>(pointer);
  return CUDA_SUCCESS;
}

CUresult api::cuMemHostGetFlags(unsigned *flags, void *pointer) {
  currentContext();
  require(flags);
  Block &block = blockAt(pointer);
  require(block.kind == AllocationKind::Host ||
          block.kind == AllocationKind::Registered);
  *flags = block.hostFlags;
  return CUDA_SUCCESS;
}

CUresult api::cuMemAdvise_v2(CUdeviceptr address, size_t bytes,
                             CUmem_advise advice, CUmemLocation) {
  currentContext();
  require(bytes > 0 && advice >= CU_MEM_ADVISE_SET_READ_MOSTLY &&
          advice <= CU_MEM_ADVISE_UNSET_ACCESSED_BY);
  memory().checkRange(address, bytes);
  return CUDA_SUCCESS;
}

CUresult api::cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes,
                                    CUmemLocation, unsigned flags,
                                    CUstream stream) {
  findStream(stream);
  require(flags == 0 && bytes > 0);
  memory().checkRange(address, bytes);
  require(memory().find(address)->kind == AllocationKind::Managed);
  return CUDA_SUCCESS;
}

CUresult api::cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address,
                                     size_t bytes, unsigned) {
  findStream(stream);
  Block *block = memory().find(address);
  require(block && (bytes == 0 || bytes == block->bytes) &&
          block->kind == AllocationKind::Managed);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
