// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuInit and what devices say of themselves. There is one device, the virtual
// GPU that MOE_SIM_DEVICE names.
#include "API.h"
#include "Memory.h"

#include <algorithm>
#include <cstring>

namespace moe::driver {

using namespace moe::cuda;

namespace {
constexpr char pciBusId[] = "0000:01:00.0";

const ptxsim::Properties &properties(CUdevice device) {
  require(device == 0, CUDA_ERROR_INVALID_DEVICE);
  return state().memory->properties();
}

/// Attributes that every virtual GPU answers alike, and those that follow from
/// its properties; of others 0.
int attribute(const ptxsim::Properties &gpu, CUdevice_attribute name) {
  bool sm90 = gpu.major >= 9;
  switch (name) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    return gpu.maxThreadsPerBlock;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
    return gpu.maxBlockDim[0];
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    return gpu.maxBlockDim[1];
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    return gpu.maxBlockDim[2];
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    return gpu.maxGridDim[0];
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
    return gpu.maxGridDim[1];
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    return gpu.maxGridDim[2];
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return gpu.sharedPerBlock;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return gpu.sharedPerBlockOptin;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return gpu.sharedPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    return gpu.sharedReservedPerBlock;
  case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    return gpu.constantBytes;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    return gpu.warpSize;
  case CU_DEVICE_ATTRIBUTE_MAX_PITCH:
    return 0x7fffffff;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    return gpu.registersPerBlock;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    return gpu.registersPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
    return gpu.clockKHz;
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
    return gpu.memoryClockKHz;
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    return gpu.memoryBusBits;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    return gpu.l2Bytes;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return gpu.multiprocessors;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    return gpu.maxThreadsPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
    return gpu.maxBlocksPerMultiprocessor;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return gpu.major;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return gpu.minor;
  case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
    return 3;
  case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
    return 1;
  case CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
    return 2;
  case CU_DEVICE_ATTRIBUTE_NUMA_ID:
    return -1;
  case CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED:
    return sm90;
  case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP:
  case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
  case CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
  case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
  case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
    return 1;
  default:
    return 0;
  }
}

CUuuid uuidOf(const ptxsim::Properties &gpu) {
  CUuuid uuid{};
  std::memcpy(uuid.bytes, "moe-sim-", 8);
  std::strncpy(uuid.bytes + 8, gpu.id, sizeof(uuid.bytes) - 8);
  return uuid;
}
} // namespace

CUresult api::cuInit(unsigned flags) {
  require(flags == 0);
  State &all = state();
  if (all.initialized)
    return CUDA_SUCCESS;
  CUresult result = all.memory->open();
  all.initialized = result == CUDA_SUCCESS;
  return result;
}

CUresult api::cuDeviceGet(CUdevice *device, int ordinal) {
  require(device);
  require(ordinal == 0, CUDA_ERROR_INVALID_DEVICE);
  *device = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetCount(int *count) {
  require(count);
  *count = 1;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetName(char *name, int length, CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  require(name && length > 0);
  size_t copied = std::min(std::strlen(gpu.name), size_t(length - 1));
  std::memcpy(name, gpu.name, copied);
  name[copied] = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  require(uuid);
  *uuid = uuidOf(gpu);
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  return cuDeviceGetUuid(uuid, device);
}

CUresult api::cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  require(bytes);
  *bytes = gpu.memoryBytes;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetAttribute(int *value, CUdevice_attribute name,
                                   CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  // What CUDA 13 knows ends here.
  require(value && name > 0 &&
          name <=
              CU_DEVICE_ATTRIBUTE_ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED);
  *value = attribute(gpu, name);
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceComputeCapability(int *major, int *minor,
                                        CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  require(major && minor);
  *major = gpu.major;
  *minor = gpu.minor;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetProperties(CUdevprop *result, CUdevice device) {
  const ptxsim::Properties &gpu = properties(device);
  require(result);
  *result = {};
  result->maxThreadsPerBlock = gpu.maxThreadsPerBlock;
  for (int i = 0; i < 3; ++i) {
    result->maxThreadsDim[i] = gpu.maxBlockDim[i];
    result->maxGridSize[i] = gpu.maxGridDim[i];
  }
  result->sharedMemPerBlock = gpu.sharedPerBlock;
  result->totalConstantMemory = gpu.constantBytes;
  result->SIMDWidth = gpu.warpSize;
  result->memPitch = 0x7fffffff;
  result->regsPerBlock = gpu.registersPerBlock;
  result->clockRate = gpu.clockKHz;
  result->textureAlign = 512;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetPCIBusId(char *id, int length, CUdevice device) {
  properties(device);
  require(id && length >= int(sizeof(pciBusId)));
  std::memcpy(id, pciBusId, sizeof(pciBusId));
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetByPCIBusId(CUdevice *device, const char *id) {
  require(device && id);
  require(std::strcmp(id, pciBusId) == 0, CUDA_ERROR_INVALID_DEVICE);
  *device = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  properties(device);
  properties(peer);
  require(can);
  *can = 0;
  return CUDA_SUCCESS;
}

CUresult api::cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute,
                                      CUdevice source, CUdevice target) {
  properties(source);
  properties(target);
  // Between two devices; there is one.
  require(value && source != target, CUDA_ERROR_INVALID_DEVICE);
  return CUDA_SUCCESS;
}

} // namespace moe::driver
