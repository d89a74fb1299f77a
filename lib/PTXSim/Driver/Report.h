// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program ran, for MOE_SIM_REPORT: "-" writes a table to stderr when the
// program ends, anything else is the path of a JSON file. Findings of checkers
// (MOE_SIM_CHECK) always go to stderr, too, and make the program fail.

#ifndef MOE_LIB_PTXSIM_DRIVER_REPORT_H
#define MOE_LIB_PTXSIM_DRIVER_REPORT_H

#include "moe/PTXSim/Device.h"

namespace moe::driver {

/// Has the report written when the process ends, if the environment asks for
/// one. The device stays until then.
void startReport(ptxsim::Device &device);
/// Counts a launch that took this long on the host.
void addToReport(const std::string &kernel,
                 const ptxsim::LaunchStatistics &statistics, double seconds);

/// Adds what the program has not given back.
void findLeaks(ptxsim::Findings &findings);

} // namespace moe::driver

#endif // MOE_LIB_PTXSIM_DRIVER_REPORT_H
