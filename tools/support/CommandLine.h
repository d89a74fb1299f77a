// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the command lines of the tools without LLVM have in common.
#ifndef MOE_TOOLS_SUPPORT_COMMANDLINE_H
#define MOE_TOOLS_SUPPORT_COMMANDLINE_H

#include <functional>
#include <string>
#include <vector>

namespace moe::tool {

/// The arguments in CLI11's order, the last one first. It knows neither "-n=4"
/// nor an empty value in "--prompt=": those become two arguments.
std::vector<std::string> splitArguments(int argc, char **argv);

/// Throws unless `value` is one of `known`; one of `later` is a matter of the
/// version, not of the command line.
void requireOneOf(const char *option, const std::string &value,
                  const std::vector<std::string> &known,
                  const std::vector<std::string> &later = {});

/// Runs a tool and turns what it throws into a line on stderr and an exit code.
int runTool(const std::function<void()> &tool);

} // namespace moe::tool

#endif // MOE_TOOLS_SUPPORT_COMMANDLINE_H
