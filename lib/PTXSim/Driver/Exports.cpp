// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The symbols of libcuda.so.1: each function of Functions.def around its
// definition, and a stub for each name of Stubs.def.
#include "API.h"
#include "State.h"

#include <atomic>
#include <cstdio>
#include <string_view>

using namespace moe::cuda;

namespace {
/// Functions that work before cuInit.
constexpr bool worksBeforeInit(std::string_view name) {
  return name == "cuInit" || name == "cuDriverGetVersion" ||
         name == "cuGetErrorName" || name == "cuGetErrorString" ||
         name == "cuGetProcAddress" || name == "cuGetProcAddress_v2";
}

CUresult notSupported(const char *name, std::atomic_flag &said) {
  if (!said.test_and_set())
    std::fprintf(stderr, "moe-sim: %s is not supported\n", name);
  return CUDA_ERROR_NOT_SUPPORTED;
}
} // namespace

extern "C" {
#define MOE_CU_EXPORT __attribute__((visibility("default")))

#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  MOE_CU_EXPORT CUresult NAME PARAMETERS {                                     \
    return moe::driver::enter({#NAME, worksBeforeInit(#NAME), false}, [&] {    \
      return moe::driver::api::NAME ARGUMENTS;                                 \
    });                                                                        \
  }
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                        \
  MOE_CU_EXPORT CUresult NAME##VARIANT PARAMETERS {                            \
    return moe::driver::enter({#NAME, worksBeforeInit(#NAME), true}, [&] {     \
      return moe::driver::api::NAME ARGUMENTS;                                 \
    });                                                                        \
  }
#include "moe/CUDA/Functions.def"

// Whatever their arguments are: the caller removes them.
#define MOE_CU_STUB(VERSION, NAME)                                             \
  MOE_CU_EXPORT CUresult NAME() {                                              \
    static std::atomic_flag said = ATOMIC_FLAG_INIT;                           \
    return notSupported(#NAME, said);                                          \
  }
#include "moe/CUDA/Stubs.def"
}
