// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads a file of PTX on a virtual GPU and runs its kernels.
#ifndef MOE_TEST_PTXSIM_SIM_H
#define MOE_TEST_PTXSIM_SIM_H

#include "moe/PTXSim/Device.h"
#include "moe/Target/PTX/Parser.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>

namespace moe::ptxsim {

inline Options optionsOf(const char *device) {
  Options options;
  options.device = findProperties(device);
  return options;
}

/// Late, early, and three orders by seeds, which mix warps and blocks, too.
inline std::vector<Options> everyOrder(const char *device) {
  std::vector<Options> all(6, optionsOf(device));
  all[1].async = AsyncOrder::Early;
  for (unsigned i = 2; i < 5; ++i) {
    all[i].async = AsyncOrder::Random;
    all[i].asyncSeed = i;
    all[i].scheduleSeed = 7 * i;
  }
  all[5].checks = allChecks;
  return all;
}

class Sim {
public:
  explicit Sim(const Options &options) : device(options) {}
  explicit Sim(const char *id = "a100") : device(optionsOf(id)) {}
  /// Kernels are right unless a test says otherwise.
  ~Sim() {
    if (expectClean)
      EXPECT_TRUE(device.findings().empty()) << device.findings().table();
  }

  static std::string readInput(const std::string &name) {
    std::ifstream file(std::string(PTX_INPUTS) + "/" + name);
    EXPECT_TRUE(file.good()) << name;
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Parses and loads; what goes wrong is in `error`.
  bool load(const std::string &text) {
    ptx::Diagnostics diagnostics;
    std::shared_ptr<const ptx::Module> module = ptx::parse(text, diagnostics);
    if (!module) {
      error = Error::make(ErrorKind::InvalidValue, diagnostics.str());
      return false;
    }
    program = Program::load(module, device, error);
    return program != nullptr;
  }
  /// Kernels for sm_80 run as those for sm_90a where the device is one.
  void loadFile(const std::string &name) {
    std::string text = readInput(name);
    size_t at = text.find(".target sm_80");
    if (at != std::string::npos && device.properties().major == 9)
      text.replace(at, 13, ".target sm_90a");
    ASSERT_TRUE(load(text)) << error.str();
  }

  template <class T>
  Address upload(const std::vector<T> &values) {
    Address at = device.memory().allocate(
        std::max<size_t>(values.size() * sizeof(T), 1));
    EXPECT_NE(at, 0u);
    Error e =
        device.memory().write(at, values.data(), values.size() * sizeof(T));
    EXPECT_FALSE(e) << e.str();
    return at;
  }
  template <class T>
  std::vector<T> download(Address at, size_t count) {
    std::vector<T> values(count);
    Error e = device.memory().read(at, values.data(), count * sizeof(T));
    EXPECT_FALSE(e) << e.str();
    return values;
  }

  /// Each argument at the offset of its parameter.
  template <class... Args>
  Error run(const std::string &kernel, Dim3 grid, Dim3 block, uint32_t shared,
            Args... args) {
    const Kernel *k = program->findKernel(kernel);
    if (!k)
      return Error::make(ErrorKind::InvalidValue, "no kernel " + kernel);
    Launch launch;
    launch.grid = grid;
    launch.block = block;
    launch.dynamicSharedBytes = shared;
    launch.cooperative = cooperative;
    launch.cluster = cluster;
    launch.params.resize(k->paramBytes);
    size_t i = 0;
    auto put = [&](auto value) {
      const Param &param = k->params.at(i++);
      EXPECT_EQ(param.bytes, sizeof value) << kernel << " " << param.name;
      std::memcpy(&launch.params[param.offset], &value, sizeof value);
    };
    (put(args), ...);
    EXPECT_EQ(i, k->params.size()) << kernel;
    return device.run(*k, launch, &statistics);
  }

  Device device;
  std::unique_ptr<Program> program;
  Error error;
  LaunchStatistics statistics;
  bool cooperative = false, expectClean = true;
  Dim3 cluster{}; ///< of the next launches
};

/// Fails the test with what the executor says.
#define EXPECT_RUNS(expression)                                                \
  do {                                                                         \
    Error runError = (expression);                                             \
    EXPECT_FALSE(runError) << runError.str();                                  \
  } while (false)

} // namespace moe::ptxsim

#endif // MOE_TEST_PTXSIM_SIM_H
