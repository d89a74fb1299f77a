// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_TOOLS_MOE_SIM_SIMULATOR_H
#define MOE_TOOLS_MOE_SIM_SIMULATOR_H

#include <string>

namespace moe::sim {

/// The folder that has libcuda.so.1: beside the folder of this program. Throws
/// without.
std::string simulatorFolder();

} // namespace moe::sim

#endif // MOE_TOOLS_MOE_SIM_SIMULATOR_H
