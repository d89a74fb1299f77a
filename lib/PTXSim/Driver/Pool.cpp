// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory in the order of a stream. An allocation is there at once; its end
// waits for its place in the stream.
#include "API.h"
#include "Work.h"

#include <algorithm>

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::AllocationKind;

namespace {
using Pool = std::shared_ptr<MemoryPool>;

Pool makePool(bool deviceDefault) {
  auto pool = std::make_shared<MemoryPool>();
  pool->deviceDefault = deviceDefault;
  pool->attributes = {{CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES, 1},
                      {CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC, 1},
                      {CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES, 1},
                      {CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, 0}};
  state().pools.add(pool);
  return pool;
}

Pool &defaultPool() {
  static Pool pool = makePool(true);
  return pool;
}

/// What cuMemAllocAsync takes from.
Pool &currentPool() {
  static Pool pool = defaultPool();
  return pool;
}

void checkDevice(CUdevice device) {
  require(device == 0, CUDA_ERROR_INVALID_DEVICE);
}

CUresult allocate(CUdeviceptr *result, size_t bytes, const Pool &pool,
                  CUstream handle) {
  StreamRef stream = findStream(handle);
  require(result && bytes > 0);
  // Graphs with allocations of their own are not made here.
  require(!stream->capture, CUDA_ERROR_NOT_SUPPORTED);
  *result = state().memory->allocate(stream->context.lock(), bytes,
                                     AllocationKind::Device);
  state().memory->find(*result)->pool = pool;
  pool->used += bytes;
  pool->usedHigh = std::max(pool->usedHigh, pool->used);
  return CUDA_SUCCESS;
}

bool isReuse(CUmemPool_attribute name) {
  return name == CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES ||
         name == CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC ||
         name == CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES;
}
} // namespace

CUresult api::cuDeviceGetDefaultMemPool(CUmemoryPool *result, CUdevice device) {
  checkDevice(device);
  require(result);
  *result = defaultPool()->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetMemPool(CUmemoryPool *result, CUdevice device) {
  checkDevice(device);
  require(result);
  *result = currentPool()->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle) {
  checkDevice(device);
  currentPool() = state().pools.find(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuMemAllocAsync(CUdeviceptr *result, size_t bytes,
                              CUstream stream) {
  return allocate(result, bytes, currentPool(), stream);
}

CUresult api::cuMemAllocFromPoolAsync(CUdeviceptr *result, size_t bytes,
                                      CUmemoryPool handle, CUstream stream) {
  return allocate(result, bytes, state().pools.find(handle), stream);
}

CUresult api::cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  StreamRef stream = findStream(handle);
  if (address == 0)
    return CUDA_SUCCESS;
  Block *block = state().memory->find(address);
  require(block && block->address == address && !block->freeing &&
          block->kind == AllocationKind::Device);
  submit(stream, FreeWork{address});
  // It may be done by now.
  if (Block *left = state().memory->find(address))
    left->freeing = true;
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolCreate(CUmemoryPool *result,
                              const CUmemPoolProps *properties) {
  require(result && properties);
  require(properties->allocType == CU_MEM_ALLOCATION_TYPE_PINNED);
  require(properties->location.type == CU_MEM_LOCATION_TYPE_DEVICE &&
          properties->location.id == 0);
  require(properties->handleTypes == CU_MEM_HANDLE_TYPE_NONE,
          CUDA_ERROR_NOT_SUPPORTED);
  *result = makePool(false)->handle;
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolDestroy(CUmemoryPool handle) {
  Pool pool = state().pools.find(handle);
  require(!pool->deviceDefault);
  if (currentPool() == pool)
    currentPool() = defaultPool();
  state().pools.take(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolTrimTo(CUmemoryPool handle, size_t) {
  // Nothing is kept that is not in use.
  state().pools.find(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolSetAttribute(CUmemoryPool handle,
                                    CUmemPool_attribute name, void *value) {
  Pool pool = state().pools.find(handle);
  require(value);
  if (isReuse(name)) {
    pool->attributes[name] = *static_cast<const int *>(value) != 0;
  } else if (name == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) {
    pool->attributes[name] = *static_cast<const cuuint64_t *>(value);
  } else {
    // High marks can be reset and nothing else.
    require(name == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH ||
            name == CU_MEMPOOL_ATTR_USED_MEM_HIGH);
    require(*static_cast<const cuuint64_t *>(value) == 0);
    pool->usedHigh = pool->used;
  }
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolGetAttribute(CUmemoryPool handle,
                                    CUmemPool_attribute name, void *value) {
  Pool pool = state().pools.find(handle);
  require(value);
  if (isReuse(name)) {
    *static_cast<int *>(value) = int(pool->attributes[name]);
    return CUDA_SUCCESS;
  }
  auto *wide = static_cast<cuuint64_t *>(value);
  switch (name) {
  case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
    *wide = pool->attributes[name];
    return CUDA_SUCCESS;
  case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
  case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
    *wide = pool->used;
    return CUDA_SUCCESS;
  case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
  case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
    *wide = pool->usedHigh;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult api::cuMemPoolSetAccess(CUmemoryPool handle,
                                 const CUmemAccessDesc *access, size_t count) {
  state().pools.find(handle);
  require(access || count == 0);
  for (size_t i = 0; i < count; ++i) {
    require(access[i].location.type == CU_MEM_LOCATION_TYPE_DEVICE &&
                access[i].location.id == 0,
            CUDA_ERROR_INVALID_DEVICE);
    // The device that has the memory cannot be shut out from it.
    require(access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
  }
  return CUDA_SUCCESS;
}

CUresult api::cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle,
                                 CUmemLocation *location) {
  state().pools.find(handle);
  require(flags && location && location->type == CU_MEM_LOCATION_TYPE_DEVICE);
  *flags = location->id == 0 ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
                             : CU_MEM_ACCESS_FLAGS_PROT_NONE;
  return CUDA_SUCCESS;
}

} // namespace moe::driver
