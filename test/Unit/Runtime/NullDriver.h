// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CUDA driver that runs no kernel: it counts calls, and fails where it is
// told to.
#ifndef MOE_TEST_UNIT_RUNTIME_NULLDRIVER_H
#define MOE_TEST_UNIT_RUNTIME_NULLDRIVER_H

#include "moe/CUDA/Types.h"

#include <string_view>

struct NullDriver {
  // What it pretends to be.
  int devices = 1;
  int major = 8, minor = 0;
  size_t memoryBytes = 1 << 30;
  const char *ptxLog = "";

  // The function that fails once it has succeeded `failAfter` times, and the
  // kind of image that it fails for ("", "ptx" or "cubin").
  std::string_view failing;
  int failAfter = 0;
  std::string_view failingImage;
  moe::cuda::CUresult result = moe::cuda::CUDA_SUCCESS;

  // What it has seen; calls that failed are not among them.
  struct Calls {
    std::string_view name;
    int count;
  } calls[64] = {};
  size_t used = 0, cleared = 0, modules = 0, streams = 0, contexts = 0;
  int ptxImages = 0, cubinImages = 0, dynamicShared = 0;

  int count(std::string_view name) const {
    for (const Calls &one : calls)
      if (one.name == name)
        return one.count;
    return 0;
  }
  int total() const {
    int sum = 0;
    for (const Calls &one : calls)
      sum += one.count;
    return sum;
  }
};

/// The symbol `NullDriver *null_driver()`.
#define NULL_DRIVER_SYMBOL "null_driver"

#endif // MOE_TEST_UNIT_RUNTIME_NULLDRIVER_H
