// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CUDA driver, opened at run time: nothing of NVIDIA's is needed to build the
// runtime, or to run it on a CPU.
#ifndef MOE_LIB_RUNTIME_CUDA_DRIVER_H
#define MOE_LIB_RUNTIME_CUDA_DRIVER_H

#include "moe/CUDA/Types.h"
#include "moe/Runtime/Error.h"

#include <memory>
#include <string>

namespace moe::rt {

/// Functions that nobody defines: the driver's have their types.
namespace declared {
using namespace moe::cuda;
#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  CUresult NAME PARAMETERS;
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  CUresult NAME PARAMETERS;
#include "moe/CUDA/Functions.def"
} // namespace declared

/// The functions of one driver. Thread-safe, as the driver is.
class CudaDriver {
public:
  /// Loads and initialises `library`, "libcuda.so.1" or a path to one. Throws
  /// Error (unsupported) when there is none, it lacks a function, or cuInit
  /// fails. It stays loaded, for it may have threads of its own.
  static std::shared_ptr<const CudaDriver> open(const std::string &library);

// NOLINTNEXTLINE(bugprone-macro-parentheses): it is a name.
#define MOE_DRIVER_FUNCTION(NAME) decltype(&declared::NAME) NAME = nullptr;
#include "DriverFunctions.def"

  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)", in the driver's own words.
  std::string describe(cuda::CUresult result) const;
  /// "<what>: <describe(result)>", with the exit code that fits the result.
  Error error(cuda::CUresult result, const std::string &what) const;
  /// Throws that error unless the result is a success; `what` comes in parts,
  /// which are put together only then.
  template <typename... Parts>
  void check(cuda::CUresult result, const Parts &...parts) const {
    if (result != cuda::CUDA_SUCCESS)
      throw error(result, (std::string() + ... + parts));
  }
};

/// What failures of the driver's calls mean to the user of a tool.
ExitCode exitCodeOf(cuda::CUresult result);

} // namespace moe::rt

#endif // MOE_LIB_RUNTIME_CUDA_DRIVER_H
