// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of the interface as the sources of this folder define them:
// inside of a lock, with results thrown as Failure or returned. Exports.cpp
// makes the exported functions of them.

#ifndef MOE_LIB_PTXSIM_DRIVER_API_H
#define MOE_LIB_PTXSIM_DRIVER_API_H

#include "moe/CUDA/Types.h"

namespace moe::driver::api {

using namespace moe::cuda;

#define MOE_CU_FUNCTION(VERSION, NAME, PARAMETERS, ARGUMENTS)                  \
  CUresult NAME PARAMETERS;
#define MOE_CU_STREAM_FUNCTION(VERSION, VARIANT_VERSION, NAME, VARIANT,        \
                               PARAMETERS, ARGUMENTS)                          \
  CUresult NAME PARAMETERS;
#include "moe/CUDA/Functions.def"

} // namespace moe::driver::api

#endif // MOE_LIB_PTXSIM_DRIVER_API_H
