// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels did on the virtual GPU, counted: figures of the simulation,
// without caches and without time.
#ifndef MOE_PTXSIM_COUNTERS_H
#define MOE_PTXSIM_COUNTERS_H

#include "moe/PTXSim/Properties.h"

#include <map>
#include <string>
#include <vector>

namespace moe::ptxsim {

/// Accesses of warps to memory.
struct AccessCounters {
  uint64_t requests = 0; ///< warp instructions
  uint64_t bytes = 0;    ///< that threads asked for
  /// Global: sectors of 32 bytes. Shared: rounds that the banks need.
  uint64_t parts = 0;
  /// The fewest parts that these bytes fit into.
  uint64_t least = 0;

  void add(const AccessCounters &other);
};

/// One line of the PTX.
struct LineCounters {
  std::string instruction, source;
  uint64_t warps = 0, threads = 0;
  AccessCounters global, shared;
};

struct KernelCounters {
  uint64_t launches = 0, blocks = 0;
  uint64_t warpInstructions = 0, threadInstructions = 0;
  std::map<std::string, uint64_t> mix; ///< warp instructions of a family
  uint64_t branches = 0, divergentBranches = 0;       ///< warp instructions
  AccessCounters loads, stores, atomics, asyncCopies; ///< global memory
  AccessCounters shared;
  uint64_t touchedBytes = 0; ///< sectors of global memory, each counted once
  /// Operations on floats: of threads, of tensor cores by width of operands.
  uint64_t floatOperations = 0, tensor32 = 0, tensor16 = 0, tensor8 = 0;
  // Occupancy of the last launch.
  uint32_t registers = 0; ///< a thread
  bool registersFromPtxas = false;
  uint32_t threadsOfBlock = 0, sharedOfBlock = 0, blocksOfMultiprocessor = 0;
  std::map<uint32_t, LineCounters> lines;

  uint64_t tensorOperations() const { return tensor32 + tensor16 + tensor8; }
  double tensorShare() const; ///< of operations on floats
  double activeLanes() const; ///< of 32
  double occupancy(const Properties &device) const;
};

/// The bounds of the device that a kernel comes up against first.
struct Roofline {
  double bytesPerSecond = 0;      ///< of the device's memory
  double operationsPerSecond = 0; ///< for this kernel's mix of operations
  double intensity = 0;           ///< operations a byte, each sector read once
  double bound = 0;               ///< operations a second at that intensity
  bool memoryBound = false;
};
Roofline roofline(const KernelCounters &kernel, const Properties &device);

/// By name of the kernel.
using Counters = std::map<std::string, KernelCounters>;
std::string countersTable(const Counters &counters, const Properties &device);
/// A JSON array.
std::string countersJson(const Counters &counters, const Properties &device);

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_COUNTERS_H
