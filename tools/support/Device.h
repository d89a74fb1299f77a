// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --device names.
#ifndef MOE_TOOLS_SUPPORT_DEVICE_H
#define MOE_TOOLS_SUPPORT_DEVICE_H

#include "moe/Runtime/Artefact.h"
#include "moe/Runtime/Executable.h"

#include <memory>
#include <string>

namespace moe::tool {

/// The target that models are compiled for on first use, for GPUs: PTX for it
/// runs on all of today's.
inline constexpr const char *gpuTarget = "sm_80";

/// Whether the device is a GPU: cuda, or sim, the simulated one.
bool isGpu(const std::string &device);

/// The folder with the simulated libcuda.so.1: what MOE_SIM_FOLDER says, else
/// lib/sim beside the folder of this program. Throws Error (unsupported) if it
/// has none.
std::string simulatorFolder();

/// Makes an artefact run on `device`; "" stands for cpu or cuda, as it was
/// compiled. Throws Error (commandLine) if it was compiled for another.
std::unique_ptr<rt::Executable> openOn(const std::string &device,
                                       rt::Artefact artefact, int threads);

} // namespace moe::tool

#endif // MOE_TOOLS_SUPPORT_DEVICE_H
