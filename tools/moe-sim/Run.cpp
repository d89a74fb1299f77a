// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-sim run: starts a program with the simulated driver in front of any
// other.
#include "Device.h"
#include "Subcommands.h"
#include "moe/Runtime/Error.h"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unistd.h>

using namespace moe::rt;

namespace {

struct RunOptions {
  std::string device, async, sched, threads, tensor, report, check;
  bool trace = false, counters = false;
  std::vector<std::string> command;
};

void set(const char *name, const std::string &value) {
  if (!value.empty())
    setenv(name, value.c_str(), 1);
}

/// Puts a folder in front of a list of folders.
void prepend(const char *name, const std::string &folder) {
  const char *before = std::getenv(name);
  setenv(name,
         before && *before ? (folder + ":" + before).c_str() : folder.c_str(),
         1);
}

void run(const RunOptions &options) {
  std::string folder = moe::tool::simulatorFolder();
  setenv("MOE_SIM_RUN", "1", 1);
  set("MOE_SIM_DEVICE", options.device);
  set("MOE_SIM_ASYNC", options.async);
  set("MOE_SIM_SCHED", options.sched);
  set("MOE_SIM_THREADS", options.threads);
  set("MOE_SIM_TENSOR", options.tensor);
  set("MOE_SIM_REPORT", options.report);
  set("MOE_SIM_CHECK", options.check);
  if (options.counters)
    setenv("MOE_SIM_COUNTERS", "1", 1);
  if (options.trace)
    setenv("MOE_SIM_TRACE", "1", 1);
  prepend("LD_LIBRARY_PATH", folder);
  prepend("PYTHONPATH", folder + "/python");
  // Triton finds driver and assembler by these.
  setenv("TRITON_LIBCUDA_PATH", folder.c_str(), 1);
  for (const char *name :
       {"TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"}) {
    if (const char *own = std::getenv(name))
      setenv("MOE_SIM_PTXAS", own, 0);
    setenv(name, (folder + "/ptxas").c_str(), 1);
  }
  std::vector<char *> arguments;
  for (const std::string &argument : options.command)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw Error(ExitCode::inputWrong,
              options.command[0] + ": cannot be run: " + std::strerror(errno));
}

} // namespace

void moe::sim::declareRun(CLI::App &app, Action &action,
                          std::vector<std::string> command) {
  auto options = std::make_shared<RunOptions>();
  options->command = std::move(command);
  CLI::App *run = app.add_subcommand(
      "run", "Start a program that uses CUDA's driver, or Triton: moe-sim run "
             "[options] PROGRAM [arguments]");
  run->add_option("--device", options->device,
                  "Virtual GPU: a100 (default) or h100");
  run->add_option("--async", options->async,
                  "When asynchronous work is done: late, early or a seed");
  run->add_option("--sched", options->sched,
                  "Seed for the order of warps and blocks");
  run->add_option("--threads", options->threads,
                  "Host threads that run blocks");
  run->add_option("--tensor", options->tensor,
                  "Sums of tensor cores: exact or fast");
  run->add_option("--report", options->report,
                  "Say what was run: - for a table on stderr, or a JSON file");
  run->add_option("--check", options->check,
                  "Checkers: all, or some of memory, init, race, sync, wait, "
                  "proxy, leak with commas between; findings make the run "
                  "fail");
  run->add_flag("--counters", options->counters,
                "Count instructions, accesses, bank conflicts, operations");
  run->add_flag("--trace", options->trace,
                "Print each call of the driver and its result");
  run->callback([options, &action] {
    if (options->command.empty())
      throw Error(ExitCode::commandLine, "run: no program is named");
    action = [options] { ::run(*options); };
  });
}
