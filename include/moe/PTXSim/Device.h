// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A virtual GPU that runs PTX. Not thread-safe: the driver above calls it under
// one mutex. A launch runs to its end before run() returns.
#ifndef MOE_PTXSIM_DEVICE_H
#define MOE_PTXSIM_DEVICE_H

#include "moe/PTXSim/Counters.h"
#include "moe/PTXSim/Inspection.h"
#include "moe/PTXSim/Program.h"
#include "moe/PTXSim/Properties.h"

#include <functional>

namespace moe::ptxsim {

struct Launch {
  Dim3 grid{1, 1, 1};
  Dim3 block{1, 1, 1};
  Dim3 cluster{}; ///< blocks of a cluster; 0: what the kernel requires, else 1
  uint32_t dynamicSharedBytes = 0;
  /// All blocks are resident at once, or the launch is refused.
  bool cooperative = false;
  /// Kernel::paramBytes bytes, each parameter at its offset.
  std::vector<std::byte> params;
};

/// What a launch did.
struct LaunchStatistics {
  uint64_t threadInstructions = 0, warpInstructions = 0;
};

class Device {
public:
  explicit Device(const Options &options);
  ~Device();

  const Properties &properties() const { return *options.device; }
  Memory &memory() { return mem; }
  const Memory &memory() const { return mem; }

  /// Blocks of that size that one multiprocessor holds; 0: does not fit.
  /// `registers` a thread; 0: the kernel's own estimate.
  uint32_t occupancy(const Kernel &kernel, uint32_t threads,
                     uint32_t dynamicSharedBytes, uint32_t registers = 0) const;

  /// Checks the launch and runs it. After an error of the running kernel the
  /// contents of its memory are undefined, as on silicon, but the device stays
  /// usable; that a context is lost is for the driver to say.
  Error run(const Kernel &kernel, const Launch &launch,
            LaunchStatistics *statistics = nullptr);

  /// Where vprintf of kernels goes; stdout by default.
  void setOutput(std::function<void(std::string_view)> sink);

  /// What the checkers of Options::checks found in all launches.
  const Findings &findings() const { return found; }
  Findings &findings() { return found; }
  /// With Options::counters.
  const Counters &counters() const { return counted; }

  const Options options;

private:
  Memory mem;
  std::function<void(std::string_view)> output;
  void count(KernelCounters &counters, const Kernel &kernel,
             const Launch &launch);

  Findings found;
  Counters counted;
  /// Registers of kernels by module, as ptxas has them.
  std::map<std::shared_ptr<const ptx::Module>, std::map<std::string, uint32_t>>
      assembled;
};

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_DEVICE_H
