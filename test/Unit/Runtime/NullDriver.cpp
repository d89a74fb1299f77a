// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing here allocates but what stands for allocations of the driver.
#include "NullDriver.h"

#include "FakeModel.h"

#include <cstdlib>
#include <cstring>

using namespace moe::cuda;

static NullDriver state;

extern "C" __attribute__((visibility("default"))) NullDriver *null_driver() {
  return &state;
}

namespace {

struct Kernel {
  const char *name;
  int params;
  size_t lastBytes;
};
constexpr Kernel kernels[] = {
    {"append", 6, 4}, {"logits", 6, 8}, {"stray", 1, 8}};

/// Counts a call; what it returns decides whether it fails.
CUresult called(std::string_view name) {
  for (NullDriver::Calls &one : state.calls) {
    if (one.name.empty())
      one.name = name;
    if (one.name != name)
      continue;
    if (name == state.failing && one.count >= state.failAfter)
      return state.result;
    ++one.count;
    return CUDA_SUCCESS;
  }
  std::abort();
}

/// Blocks of memory remember their size in front.
constexpr size_t headerBytes = 256;

void *allocate(size_t bytes) {
  auto *block = static_cast<char *>(std::malloc(headerBytes + bytes));
  std::memcpy(block, &bytes, sizeof bytes);
  return block + headerBytes;
}

size_t release(void *address) {
  char *block = static_cast<char *>(address) - headerBytes;
  size_t bytes;
  std::memcpy(&bytes, block, sizeof bytes);
  std::free(block);
  return bytes;
}

template <typename T>
T handle(int number) {
  return reinterpret_cast<T>(uintptr_t(number));
}

} // namespace

#define DRIVER(NAME, PARAMETERS, ...)                                          \
  extern "C" __attribute__((visibility("default"))) CUresult NAME PARAMETERS { \
    if (CUresult result = called(#NAME))                                       \
      return result;                                                           \
    __VA_ARGS__;                                                               \
    return CUDA_SUCCESS;                                                       \
  }

DRIVER(cuInit, (unsigned))
DRIVER(cuGetErrorName, (CUresult result, const char **name), {
  if (result == CUDA_ERROR_TIMEOUT)
    return CUDA_ERROR_INVALID_VALUE;
  *name = "CUDA_ERROR_X";
})
DRIVER(cuGetErrorString, (CUresult result, const char **text), {
  if (result == CUDA_ERROR_UNKNOWN)
    return CUDA_ERROR_INVALID_VALUE;
  *text = "in words";
})
DRIVER(cuDeviceGetCount, (int *count), *count = state.devices)
DRIVER(cuDeviceGet, (CUdevice * device, int), *device = 0)
DRIVER(cuDeviceGetName, (char *name, int, CUdevice),
       std::strcpy(name, "Null GPU"))
DRIVER(cuDeviceGetUuid, (CUuuid * uuid, CUdevice),
       std::memcpy(uuid->bytes, "no-gpu-no-gpu-no", 16))
DRIVER(cuDeviceGetAttribute, (int *value, CUdevice_attribute which, CUdevice), {
  *value = which == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? state.major
           : which == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? state.minor
           : which == CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X           ? 0x7fffffff
                                                                   : 166912;
})
DRIVER(cuCtxCreate_v2, (CUcontext * context, unsigned, CUdevice), {
  *context = handle<CUcontext>(1);
  ++state.contexts;
})
DRIVER(cuCtxDestroy_v2, (CUcontext), --state.contexts)
DRIVER(cuCtxPushCurrent_v2, (CUcontext))
DRIVER(cuCtxPopCurrent_v2, (CUcontext * context),
       *context = handle<CUcontext>(1))
DRIVER(cuModuleLoadDataEx,
       (CUmodule * module, const void *image, unsigned, CUjit_option *,
        void **values),
       {
         bool ptx = std::memcmp(image, "\177ELF", 4) != 0;
         ++(ptx ? state.ptxImages : state.cubinImages);
         if (state.failingImage == (ptx ? "ptx" : "cubin")) {
           std::strcpy(static_cast<char *>(values[0]), state.ptxLog);
           return state.result;
         }
         *module = handle<CUmodule>(1);
         ++state.modules;
       })
DRIVER(cuModuleUnload, (CUmodule), --state.modules)
DRIVER(cuModuleGetFunction, (CUfunction * function, CUmodule, const char *name),
       {
         for (const Kernel &kernel : kernels)
           if (!std::strcmp(kernel.name, name)) {
             *function =
                 reinterpret_cast<CUfunction>(const_cast<Kernel *>(&kernel));
             return CUDA_SUCCESS;
           }
         return CUDA_ERROR_NOT_FOUND;
       })
DRIVER(cuFuncGetAttribute, (int *value, CUfunction_attribute, CUfunction),
       *value = 512)
DRIVER(cuFuncSetAttribute, (CUfunction, CUfunction_attribute, int value),
       state.dynamicShared = value)
#ifndef NULL_DRIVER_OLD
DRIVER(cuFuncGetParamInfo,
       (CUfunction function, size_t i, size_t *offset, size_t *bytes), {
         const auto &kernel = *reinterpret_cast<const Kernel *>(function);
         if (i >= size_t(kernel.params))
           return CUDA_ERROR_INVALID_VALUE;
         *offset = i * 8;
         *bytes = i + 1 == size_t(kernel.params) ? kernel.lastBytes : 8;
       })
#endif
DRIVER(cuMemGetInfo_v2, (size_t *free, size_t *total), {
  *free = state.memoryBytes - state.used;
  *total = state.memoryBytes;
})
DRIVER(cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes), {
  *address = reinterpret_cast<CUdeviceptr>(allocate(bytes));
  state.used += bytes;
})
DRIVER(cuMemFree_v2, (CUdeviceptr address),
       state.used -= release(reinterpret_cast<void *>(address)))
DRIVER(cuMemAllocHost_v2, (void **address, size_t bytes),
       *address = allocate(bytes))
DRIVER(cuMemFreeHost, (void *address), release(address))
DRIVER(cuMemcpyHtoDAsync_v2,
       (CUdeviceptr target, const void *source, size_t bytes, CUstream),
       std::memcpy(reinterpret_cast<void *>(target), source, bytes))
DRIVER(cuMemcpyDtoHAsync_v2,
       (void *target, CUdeviceptr source, size_t bytes, CUstream),
       std::memcpy(target, reinterpret_cast<void *>(source), bytes))
DRIVER(cuMemsetD8Async,
       (CUdeviceptr target, unsigned char value, size_t bytes, CUstream), {
         std::memset(reinterpret_cast<void *>(target), value, bytes);
         state.cleared = bytes;
       })
DRIVER(cuStreamCreate, (CUstream * stream, unsigned), {
  *stream = handle<CUstream>(1);
  ++state.streams;
})
DRIVER(cuStreamDestroy_v2, (CUstream), --state.streams)
DRIVER(cuStreamSynchronize, (CUstream))
DRIVER(cuLaunchKernel,
       (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
        unsigned, CUstream, void **, void **))
