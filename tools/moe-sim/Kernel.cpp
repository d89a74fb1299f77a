// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-sim kernel: runs one kernel of a PTX file on values from files or
// patterns.
#include "Arguments.h"
#include "Subcommands.h"
#include "Terminal.h"
#include "moe/PTXSim/Device.h"
#include "moe/Runtime/Error.h"
#include "moe/Runtime/MappedFile.h"
#include "moe/Target/PTX/Parser.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

using namespace moe::rt;
using namespace moe::ptxsim;
using moe::sim::Argument;

namespace {

struct KernelOptions {
  std::string file, kernel, device, check, report;
  bool counters = false;
  std::vector<uint32_t> grid{1}, block{1}, cluster;
  uint32_t shared = 0;
  size_t print = 8;
  std::vector<std::string> args;
};

void check(const moe::ptxsim::Error &error) {
  if (!error)
    return;
  bool unsupported = error.kind == ErrorKind::Unsupported;
  throw moe::rt::Error(
      unsupported ? ExitCode::unsupported : ExitCode::inputWrong, error.str());
}

Dim3 extents(const std::vector<uint32_t> &values, uint32_t otherwise) {
  Dim3 result{otherwise, otherwise, otherwise};
  for (size_t i = 0; i < values.size() && i < 3; ++i)
    result[i] = values[i];
  return result;
}

std::shared_ptr<const moe::ptx::Module> readModule(const std::string &path) {
  MappedFile file = MappedFile::open(path);
  moe::ptx::Diagnostics diagnostics(path);
  std::shared_ptr<const moe::ptx::Module> module =
      moe::ptx::parseAndVerify(file.text(), diagnostics);
  if (!module)
    throw moe::rt::Error(ExitCode::inputWrong, diagnostics.str());
  return module;
}

const Kernel &chooseKernel(const Program &program,
                           const KernelOptions &options) {
  std::string names;
  for (const auto &kernel : program.kernels())
    names += (names.empty() ? "" : ", ") + kernel->name;
  if (options.kernel.empty() && program.kernels().size() == 1)
    return *program.kernels().front();
  const Kernel *kernel = program.findKernel(options.kernel);
  if (!kernel)
    throw moe::rt::Error(ExitCode::commandLine, "--kernel: expected one of " +
                                                    names + ", got '" +
                                                    options.kernel + "'");
  return *kernel;
}

std::string typeOf(const moe::ptx::Module &module, const Kernel &kernel,
                   size_t param) {
  for (const moe::ptx::Function &function : module.functions)
    if (function.name == kernel.name && function.hasBody)
      return std::string(moe::ptx::spelling(function.params[param].type));
  return "";
}

/// What checkers and counters have to say: on stderr, or as JSON.
void report(const Device &device, const std::string &path) {
  if (path.empty() || path == "-") {
    for (const Finding &finding : device.findings().all())
      moe::tool::say(finding.str());
    std::string table = countersTable(device.counters(), device.properties());
    if (!table.empty()) {
      table.pop_back();
      moe::tool::say(table);
    }
    return;
  }
  std::ofstream file(path);
  file << "{\n  \"simulated\": true,\n  \"device\": "
       << jsonString(device.properties().name)
       << ",\n  \"findings\": " << device.findings().json()
       << ",\n  \"counters\": "
       << countersJson(device.counters(), device.properties()) << "\n}\n";
  file.close();
  if (!file)
    throw moe::rt::Error(ExitCode::inputWrong, path + ": cannot be written");
}

void run(const KernelOptions &options) {
  if (!options.device.empty())
    setenv("MOE_SIM_DEVICE", options.device.c_str(), 1);
  if (!options.check.empty())
    setenv("MOE_SIM_CHECK", options.check.c_str(), 1);
  if (options.counters)
    setenv("MOE_SIM_COUNTERS", "1", 1);
  Options simulator;
  check(Options::fromEnvironment(simulator));
  Device device(simulator);
  std::shared_ptr<const moe::ptx::Module> module = readModule(options.file);
  moe::ptxsim::Error error;
  std::unique_ptr<Program> program = Program::load(module, device, error);
  check(error);
  const Kernel &kernel = chooseKernel(*program, options);
  if (options.args.size() != kernel.params.size())
    throw moe::rt::Error(ExitCode::commandLine,
                         "--args: expected " +
                             std::to_string(kernel.params.size()) +
                             " values for " + kernel.name + ", got " +
                             std::to_string(options.args.size()));
  Launch launch;
  launch.grid = extents(options.grid, 1);
  launch.block = extents(options.block, 1);
  launch.cluster =
      options.cluster.empty() ? Dim3{} : extents(options.cluster, 1);
  launch.dynamicSharedBytes = options.shared;
  launch.params.resize(kernel.paramBytes);
  std::vector<Argument> arguments;
  std::vector<Address> addresses;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    const Param &param = kernel.params[i];
    Argument argument = moe::sim::readArgument(
        options.args[i], typeOf(*module, kernel, i), param.bytes);
    Address address = 0;
    if (argument.isBuffer) {
      address = device.memory().allocate(argument.values.size());
      if (!address)
        throw moe::rt::Error(ExitCode::memory,
                             "--args: " + options.args[i] +
                                 ": no memory left on the device");
      check(device.memory().write(address, argument.values.data(),
                                  argument.values.size()));
      std::memcpy(launch.params.data() + param.offset, &address,
                  sizeof address);
    } else {
      std::memcpy(launch.params.data() + param.offset, argument.scalar.data(),
                  param.bytes);
    }
    addresses.push_back(address);
    arguments.push_back(std::move(argument));
  }
  LaunchStatistics statistics;
  moe::ptxsim::Error failed = device.run(kernel, launch, &statistics);
  report(device, options.report);
  check(failed);
  moe::tool::Output output;
  for (size_t i = 0; i < arguments.size(); ++i) {
    Argument &argument = arguments[i];
    if (!argument.isBuffer)
      continue;
    std::vector<std::byte> before = argument.values;
    check(device.memory().read(addresses[i], argument.values.data(),
                               argument.values.size()));
    if (!argument.outFile.empty())
      moe::sim::writeBuffer(argument);
    if (argument.values != before)
      output.write(kernel.params[i].name + ": " + argument.type + "[" +
                   std::to_string(argument.count) + "]" +
                   moe::sim::describeValues(argument, options.print) + "\n");
  }
  moe::tool::say(moe::tool::format(
      "%s: %llu thread instructions on a simulated %s", kernel.name.c_str(),
      (unsigned long long)statistics.threadInstructions,
      device.properties().id));
  if (!device.findings().empty())
    throw moe::rt::Error(ExitCode::inputWrong,
                         std::to_string(device.findings().all().size()) +
                             " findings of the checkers");
}

} // namespace

void moe::sim::declareKernel(CLI::App &app, Action &action) {
  auto options = std::make_shared<KernelOptions>();
  CLI::App *command = app.add_subcommand(
      "kernel",
      "Run one kernel of a PTX file; print the buffers that it changed");
  command->add_option("file", options->file, "PTX file")
      ->type_name("FILE")
      ->required();
  command->add_option("--kernel", options->kernel,
                      "Its name; not needed if it is the only one");
  command->add_option("--device", options->device,
                      "Virtual GPU: a100 (default) or h100");
  command->add_option("--grid", options->grid, "Blocks: X or X,Y,Z")
      ->delimiter(',')
      ->expected(1, 3)
      ->take_all();
  command
      ->add_option("--block", options->block, "Threads of a block: X or X,Y,Z")
      ->delimiter(',')
      ->expected(1, 3)
      ->take_all();
  command
      ->add_option("--cluster", options->cluster,
                   "Blocks of a cluster: X or X,Y,Z")
      ->delimiter(',')
      ->expected(1, 3)
      ->take_all();
  command->add_option("--shared", options->shared,
                      "Bytes of dynamic shared memory");
  command->add_option("--check", options->check,
                      "Checkers: all, or some of memory, init, race, sync, "
                      "wait, proxy with commas between; findings make the run "
                      "fail");
  command->add_flag("--counters", options->counters,
                    "Count instructions, accesses, bank conflicts, operations");
  command->add_option("--report", options->report,
                      "Where findings and counters go: - (stderr), or a JSON "
                      "file");
  command->add_option("--print", options->print,
                      "Values to print of a buffer that changed");
  command
      ->add_option("--args", options->args,
                   "A word for each parameter: a number (5, f32:1.5), null, a "
                   "buffer (x.npy, f32[100], f32[100]=7, "
                   "=iota, =random), each buffer with :out.npy behind it to be "
                   "written there")
      ->take_all()
      ->type_name("WORD...");
  command->callback(
      [options, &action] { action = [options] { run(*options); }; });
}
