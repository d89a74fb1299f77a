// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of results, and the profiler, which is always off.
#include "API.h"
#include "State.h"

namespace moe::driver {

using namespace moe::cuda;

namespace {
struct Result {
  CUresult value;
  const char *name, *text;
};
const Result results[] = {
#define MOE_CU_RESULT(NAME, VALUE, TEXT) {NAME, #NAME, TEXT},
#include "moe/CUDA/Results.def"
};

const Result *find(CUresult value) {
  for (const Result &result : results)
    if (result.value == value)
      return &result;
  return nullptr;
}
} // namespace

CUresult api::cuGetErrorName(CUresult value, const char **name) {
  require(name);
  const Result *result = find(value);
  *name = result ? result->name : nullptr;
  return result ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult api::cuGetErrorString(CUresult value, const char **text) {
  require(text);
  const Result *result = find(value);
  *text = result ? result->text : nullptr;
  return result ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult api::cuProfilerStart() {
  currentContext();
  return CUDA_SUCCESS;
}

CUresult api::cuProfilerStop() {
  currentContext();
  return CUDA_SUCCESS;
}

} // namespace moe::driver
