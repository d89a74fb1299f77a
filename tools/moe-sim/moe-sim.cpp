// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX without a GPU.
#include "CommandLine.h"
#include "Subcommands.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <CLI/CLI.hpp>

using namespace moe::rt;
using namespace moe::sim;
using namespace moe::tool;

static constexpr const char *description = "PTX on machines without a GPU.";

static constexpr const char *footer =
    "Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 "
    "the input\nis wrong, 2 the command line is, 3 not supported, 4 out of "
    "memory, 70 internal error.";

/// Where the words of another program begin: behind `ptxas`, or behind `run`
/// and its options, which take a value each unless "=" or their kind says
/// otherwise.
static int ownArguments(int argc, char **argv) {
  std::string subcommand = argc > 1 ? argv[1] : "";
  if (subcommand == "ptxas")
    return argc > 2 && std::string(argv[2]) == "--help" ? argc : 2;
  if (subcommand != "run")
    return argc;
  int end = 2;
  while (end < argc && argv[end][0] == '-') {
    std::string option = argv[end++];
    if (option == "--")
      break;
    bool flag = option == "--trace" || option == "--counters" ||
                option == "--help" || option == "-h";
    if (!flag && option.find('=') == std::string::npos && end < argc)
      ++end;
  }
  return end;
}

static void run(int argc, char **argv) {
  int own = ownArguments(argc, argv);
  std::vector<std::string> command(argv + own, argv + argc);
  if (own > 2 && std::string(argv[own - 1]) == "--")
    --own;
  Action action;
  CLI::App app(description, "moe-sim");
  app.footer(footer);
  // Scripts append to command lines: the last value counts.
  app.option_defaults()->take_last();
  app.set_version_flag("--version", "moe-sim " MOE_VERSION);
  app.require_subcommand(1);
  declarePtxInfo(app, action);
  declareKernel(app, action);
  declareRun(app, action, command);
  declarePtxas(app, action, command);
  try {
    app.parse(splitArguments(own, argv));
  } catch (const CLI::CallForHelp &) {
    Output().write(app.help());
    return;
  } catch (const CLI::CallForVersion &version) {
    Output().write(std::string(version.what()) + "\n");
    return;
  } catch (const CLI::ParseError &error) {
    throw Error(ExitCode::commandLine,
                std::string(error.what()) +
                    " (moe-sim --help lists the options)");
  }
  action();
}

int main(int argc, char **argv) {
  return runTool([&] { run(argc, argv); });
}
