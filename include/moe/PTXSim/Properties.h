// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The named virtual GPUs and the options of the executor.
#ifndef MOE_PTXSIM_PROPERTIES_H
#define MOE_PTXSIM_PROPERTIES_H

#include "moe/PTXSim/Error.h"

#include <string_view>

namespace moe::ptxsim {

struct Properties {
  const char *id;   ///< what MOE_SIM_DEVICE says: "a100"
  const char *name; ///< what cuDeviceGetName says
  uint32_t major, minor;
  uint32_t multiprocessors;
  uint32_t warpSize;
  uint32_t maxThreadsPerBlock, maxThreadsPerMultiprocessor;
  uint32_t maxBlocksPerMultiprocessor;
  Dim3 maxBlockDim, maxGridDim;
  uint32_t registersPerBlock, registersPerMultiprocessor;
  uint32_t sharedPerBlock;      ///< without opting in
  uint32_t sharedPerBlockOptin; ///< with opting in
  uint32_t sharedPerMultiprocessor;
  uint32_t sharedReservedPerBlock; ///< taken by the system
  uint32_t maxClusterSize;         ///< portable; 1: no clusters
  uint32_t maxClusterSizeNonPortable;
  uint32_t clockKHz, memoryClockKHz, memoryBusBits;
  uint64_t memoryBytes, l2Bytes, constantBytes;
};

/// The virtual GPU of that id, or null. Ids: "a100", "h100".
const Properties *findProperties(std::string_view id);

/// When asynchronous operations take effect, within what the ISA allows.
enum class AsyncOrder : uint8_t { Late, Early, Random };

struct Options {
  const Properties *device = nullptr; ///< MOE_SIM_DEVICE, "a100" by default
  /// MOE_SIM_ASYNC=late|early|SEED, late by default.
  AsyncOrder async = AsyncOrder::Late;
  uint64_t asyncSeed = 0;
  /// MOE_SIM_SCHED=SEED: warps and blocks in a random order; 0: round robin.
  uint64_t scheduleSeed = 0;
  /// MOE_SIM_THREADS: host threads that run blocks; 1: one, in a fixed order.
  uint32_t threads = 1;
  /// MOE_SIM_TENSOR=exact|fast: bit-equal tensor cores, or plain f32 sums.
  bool exactTensorCores = true;
  /// MOE_SIM_APPROX=SEED: approximations are off by as much as their
  /// documented bounds allow; 0: correctly rounded.
  uint64_t approximationSeed = 0;
  /// MOE_SIM_STEPS: warp instructions after which a launch is taken for an
  /// endless loop; 0: no limit.
  uint64_t maxSteps = 0;
  /// MOE_SIM_CHECK=all|memory,init,race,sync,wait,proxy,leak: bits of Check.
  uint32_t checks = 0;
  /// MOE_SIM_COUNTERS=1: instructions, accesses, conflicts are counted.
  bool counters = false;

  /// Reads the environment; a value it cannot read is an error that names the
  /// variable.
  static Error fromEnvironment(Options &options);
};

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_PROPERTIES_H
