// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX in what programs load: text, a fat binary, or a cubin (ELF) that carries
// the one in a section .nv.ptx or the other in .nv_fatbin. Machine code alone
// cannot be run here.

#ifndef MOE_LIB_PTXSIM_DRIVER_IMAGE_H
#define MOE_LIB_PTXSIM_DRIVER_IMAGE_H

#include "moe/CUDA/Types.h"

#include <string>

namespace moe::driver {

struct Image {
  cuda::CUresult result = cuda::CUDA_SUCCESS;
  std::string ptx;
  /// Why there is no PTX.
  std::string message;
};

/// Of an image in memory, as cuModuleLoadData gets it.
constexpr uint64_t unknownBytes = UINT64_MAX;

/// The PTX of an image, the best one for compute capability `sm` (80 of sm_80)
/// of several.
Image findPtx(const void *data, uint64_t size, unsigned sm);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_IMAGE_H
