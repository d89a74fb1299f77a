// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program ran, for MOE_SIM_REPORT: "-" writes a table to stderr when the
// program ends, anything else is the path of a JSON file.

#ifndef MOE_LIB_PTXSIM_DRIVER_REPORT_H
#define MOE_LIB_PTXSIM_DRIVER_REPORT_H

#include "moe/PTXSim/Device.h"

namespace moe::driver {

/// Has the report written when the process ends, if the environment asks for
/// one.
void startReport(const ptxsim::Properties &device);
/// Counts a launch that took this long on the host.
void addToReport(const std::string &kernel,
                 const ptxsim::LaunchStatistics &statistics, double seconds);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_REPORT_H
