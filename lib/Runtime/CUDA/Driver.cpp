// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Driver.h"

#include <dlfcn.h>
#include <type_traits>

using namespace moe::rt;
using namespace moe::cuda;

std::shared_ptr<const CudaDriver> CudaDriver::open(const std::string &library) {
  void *handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw Error::mismatch(library, "", "a CUDA driver",
                          std::string("none: ") + ::dlerror(),
                          ExitCode::unsupported);
  auto driver = std::make_shared<CudaDriver>();
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        ::dlsym(handle, name));
    return function != nullptr;
  };
#define MOE_DRIVER_FUNCTION(NAME)                                              \
  if (!find(driver->NAME, #NAME))                                              \
    throw Error::mismatch(library, #NAME, "a function of the driver",          \
                          "nothing", ExitCode::unsupported);
#define MOE_DRIVER_OPTIONAL(NAME) find(driver->NAME, #NAME);
#include "DriverFunctions.def"
  driver->check(driver->cuInit(0), library + ": cuInit");
  return driver;
}

std::string CudaDriver::describe(CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  // Both fail for results that the driver does not know itself.
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    return "error " + std::to_string(static_cast<unsigned>(result));
  if (cuGetErrorString(result, &text) != CUDA_SUCCESS || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

Error CudaDriver::error(CUresult result, const std::string &what) const {
  return Error(exitCodeOf(result), what + ": " + describe(result));
}

ExitCode moe::rt::exitCodeOf(CUresult result) {
  switch (result) {
  case CUDA_ERROR_OUT_OF_MEMORY:
    return ExitCode::memory;
  // The machine lacks something: a device, a newer driver, room on a
  // multiprocessor.
  case CUDA_ERROR_NO_DEVICE:
  case CUDA_ERROR_STUB_LIBRARY:
  case CUDA_ERROR_DEVICE_UNAVAILABLE:
  case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
  case CUDA_ERROR_SYSTEM_NOT_READY:
  case CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE:
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
  case CUDA_ERROR_JIT_COMPILER_NOT_FOUND:
  case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES:
  case CUDA_ERROR_NOT_SUPPORTED:
    return ExitCode::unsupported;
  // The artefact's files are wrong.
  case CUDA_ERROR_INVALID_PTX:
  case CUDA_ERROR_INVALID_IMAGE:
    return ExitCode::inputWrong;
  default:
    return ExitCode::internal;
  }
}
