// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each subcommand declares its options and what is done with them; one file
// each. What an action throws, moe::tool::runTool() reports.
#ifndef MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H
#define MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H

#include <functional>

namespace CLI {
class App;
}

namespace moe::sim {

/// Set by the subcommand that the command line chose.
using Action = std::function<void()>;

void declarePtxInfo(CLI::App &app, Action &action);

} // namespace moe::sim

#endif // MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H
