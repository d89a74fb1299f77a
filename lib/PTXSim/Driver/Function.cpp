// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "API.h"
#include "Module.h"

namespace moe::driver {

using namespace moe::cuda;

uint32_t Function::maxDynamicShared() const {
  auto it = attributes.find(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
  if (it != attributes.end())
    return it->second;
  const ptxsim::Properties &gpu = state().memory->properties();
  return gpu.sharedPerBlock > kernel->staticSharedBytes
             ? gpu.sharedPerBlock - kernel->staticSharedBytes
             : 0;
}

FunctionRef findFunction(CUfunction handle) {
  currentContext();
  if (FunctionRef function = state().functions.lookup(handle))
    return function;
  // A kernel of a library stands for its function in the current context.
  return functionOf(state().kernels.find(reinterpret_cast<CUkernel>(handle)));
}

namespace {
int attribute(const Function &function, CUfunction_attribute name) {
  const ptxsim::Kernel &kernel = *function.kernel;
  switch (name) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    return kernel.maxThreads;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    return kernel.staticSharedBytes;
  case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
    return kernel.constantBytes;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    return kernel.localBytes;
  case CU_FUNC_ATTRIBUTE_NUM_REGS:
    return kernel.registers;
  case CU_FUNC_ATTRIBUTE_PTX_VERSION:
  case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
    return kernel.target;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
    return kernel.requiredCluster[0] != 0;
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    if (kernel.requiredCluster[0])
      return kernel
          .requiredCluster[name - CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH];
    break;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    return function.maxDynamicShared();
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    if (!function.attributes.count(name))
      return -1;
    break;
  default:
    break;
  }
  auto it = function.attributes.find(name);
  return it == function.attributes.end() ? 0 : it->second;
}

CUresult setAttribute(Function &function, CUfunction_attribute name,
                      int value) {
  const ptxsim::Properties &gpu = state().memory->properties();
  switch (name) {
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    require(value >= 0 && value + int64_t(function.kernel->staticSharedBytes) <=
                              gpu.sharedPerBlockOptin);
    break;
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    require(value >= -1 && value <= 100);
    break;
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    // What the kernel was compiled for cannot be changed.
    require(value >= 0 && !function.kernel->requiredCluster[0]);
    break;
  case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    require(value == 0 || value == 1);
    break;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    require(value >= 0 &&
            unsigned(value) <= CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING);
    break;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
  function.attributes[name] = value;
  return CUDA_SUCCESS;
}

CUresult paramInfo(const Function &function, size_t index, size_t *offset,
                   size_t *bytes) {
  require(offset && index < function.kernel->params.size());
  *offset = function.kernel->params[index].offset;
  if (bytes)
    *bytes = function.kernel->params[index].bytes;
  return CUDA_SUCCESS;
}

FunctionRef kernelFunction(CUkernel handle) {
  return functionOf(state().kernels.find(handle));
}
} // namespace

CUresult api::cuFuncGetAttribute(int *value, CUfunction_attribute name,
                                 CUfunction handle) {
  FunctionRef function = findFunction(handle);
  require(value &&
          name <= CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE);
  *value = attribute(*function, name);
  return CUDA_SUCCESS;
}

CUresult api::cuFuncSetAttribute(CUfunction handle, CUfunction_attribute name,
                                 int value) {
  return setAttribute(*findFunction(handle), name, value);
}

CUresult api::cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache config) {
  findFunction(handle);
  require(config <= CU_FUNC_CACHE_PREFER_EQUAL);
  return CUDA_SUCCESS;
}

CUresult api::cuFuncSetSharedMemConfig(CUfunction handle,
                                       CUsharedconfig config) {
  findFunction(handle);
  require(config <= CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE);
  return CUDA_SUCCESS;
}

CUresult api::cuFuncGetModule(CUmodule *result, CUfunction handle) {
  require(result);
  *result = findFunction(handle)->module;
  return CUDA_SUCCESS;
}

CUresult api::cuFuncGetName(const char **name, CUfunction handle) {
  require(name);
  *name = findFunction(handle)->kernel->name.c_str();
  return CUDA_SUCCESS;
}

CUresult api::cuFuncGetParamInfo(CUfunction handle, size_t index,
                                 size_t *offset, size_t *bytes) {
  return paramInfo(*findFunction(handle), index, offset, bytes);
}

CUresult api::cuFuncIsLoaded(CUfunctionLoadingState *loaded,
                             CUfunction handle) {
  require(loaded);
  findFunction(handle);
  *loaded = CU_FUNCTION_LOADING_STATE_LOADED;
  return CUDA_SUCCESS;
}

CUresult api::cuFuncLoad(CUfunction handle) {
  findFunction(handle);
  return CUDA_SUCCESS;
}

CUresult api::cuKernelGetAttribute(int *value, CUfunction_attribute name,
                                   CUkernel handle, CUdevice) {
  require(value &&
          name <= CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE);
  *value = attribute(*kernelFunction(handle), name);
  return CUDA_SUCCESS;
}

CUresult api::cuKernelSetAttribute(CUfunction_attribute name, int value,
                                   CUkernel handle, CUdevice) {
  return setAttribute(*kernelFunction(handle), name, value);
}

CUresult api::cuKernelSetCacheConfig(CUkernel handle, CUfunc_cache config,
                                     CUdevice) {
  state().kernels.find(handle);
  require(config <= CU_FUNC_CACHE_PREFER_EQUAL);
  return CUDA_SUCCESS;
}

CUresult api::cuKernelGetParamInfo(CUkernel handle, size_t index,
                                   size_t *offset, size_t *bytes) {
  return paramInfo(*kernelFunction(handle), index, offset, bytes);
}

} // namespace moe::driver
