// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an address is.
#include "API.h"
#include "Memory.h"

namespace moe::driver {

using namespace moe::cuda;
using ptxsim::AllocationKind;

namespace {
template <typename T>
void put(void *data, T value) {
  *static_cast<T *>(data) = value;
}

bool isHost(const Block &block) {
  return block.kind == AllocationKind::Host ||
         block.kind == AllocationKind::Registered;
}

/// Writes one attribute; false if it has none for this memory.
bool get(void *data, CUpointer_attribute name, const Block &block,
         uint64_t address) {
  ContextRef context = block.context.lock();
  switch (name) {
  case CU_POINTER_ATTRIBUTE_CONTEXT:
    put(data, context ? context->handle : nullptr);
    return true;
  case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    put(data, isHost(block) ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE);
    return true;
  case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    put<CUdeviceptr>(data, address);
    return true;
  case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    if (!isHost(block) && block.kind != AllocationKind::Managed)
      return false;
    put(data, reinterpret_cast<void *>(address));
    return true;
  case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
    put<unsigned>(data, 0);
    return true;
  case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    put<unsigned long long>(data, block.id);
    return true;
  case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    put<unsigned>(data, block.kind == AllocationKind::Managed);
    return true;
  case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
    put<int>(data, 0);
    return true;
  case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
  case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    put<bool>(data, false);
    return true;
  case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    put<CUdeviceptr>(data, block.address);
    return true;
  case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
    put<size_t>(data, block.bytes);
    return true;
  case CU_POINTER_ATTRIBUTE_MAPPED:
    put<bool>(data, true);
    return true;
  case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
    put<unsigned long long>(data, 0);
    return true;
  case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
    put<unsigned>(data, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    return true;
  case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: {
    std::shared_ptr<MemoryPool> pool = block.pool.lock();
    put(data, pool ? pool->handle : nullptr);
    return true;
  }
  default:
    return false;
  }
}

const Block *findBlock(uint64_t address) {
  const Block *block = state().memory->find(address);
  return block && !block->freeing ? block : nullptr;
}
} // namespace

CUresult api::cuPointerGetAttribute(void *data, CUpointer_attribute name,
                                    CUdeviceptr address) {
  require(data && address);
  const Block *block = findBlock(address);
  require(block && get(data, name, *block, address));
  return CUDA_SUCCESS;
}

CUresult api::cuPointerGetAttributes(unsigned count, CUpointer_attribute *names,
                                     void **data, CUdeviceptr address) {
  require(count == 0 || (names && data));
  const Block *block = findBlock(address);
  // Unlike the one above, this one knows answers for any address: zeros.
  Block none;
  for (unsigned i = 0; i < count; ++i) {
    require(data[i]);
    if (block && get(data[i], names[i], *block, address))
      continue;
    require(get(data[i],
                names[i] == CU_POINTER_ATTRIBUTE_HOST_POINTER
                    ? CU_POINTER_ATTRIBUTE_CONTEXT
                    : names[i],
                none, 0));
    if (names[i] == CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
      put(data[i], CUmemorytype(0));
    else if (names[i] == CU_POINTER_ATTRIBUTE_MAPPED)
      put<bool>(data[i], false);
    else if (names[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
      put<int>(data[i], -2);
  }
  return CUDA_SUCCESS;
}

CUresult api::cuPointerSetAttribute(const void *value, CUpointer_attribute name,
                                    CUdeviceptr address) {
  require(value && name == CU_POINTER_ATTRIBUTE_SYNC_MEMOPS &&
          findBlock(address));
  return CUDA_SUCCESS;
}

} // namespace moe::driver
