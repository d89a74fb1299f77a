// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each subcommand declares its options and what is done with them; one file
// each. What an action throws, moe::tool::runTool() reports.
#ifndef MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H
#define MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace moe::sim {

/// Set by the subcommand that the command line chose.
using Action = std::function<void()>;

void declarePtxInfo(CLI::App &app, Action &action);
void declareKernel(CLI::App &app, Action &action);
/// `command` is the program to start and its arguments.
void declareRun(CLI::App &app, Action &action,
                std::vector<std::string> command);
/// `arguments` are those of ptxas, as they were written.
void declarePtxas(CLI::App &app, Action &action,
                  std::vector<std::string> arguments);

} // namespace moe::sim

#endif // MOE_TOOLS_MOE_SIM_SUBCOMMANDS_H
