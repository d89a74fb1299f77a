// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts what a launch does.
#ifndef MOE_LIB_PTXSIM_INSPECT_COUNTER_H
#define MOE_LIB_PTXSIM_INSPECT_COUNTER_H

#include "Insight.h"
#include "moe/PTXSim/Counters.h"

namespace moe::ptxsim {

class Counter {
public:
  explicit Counter(const Grid &grid);
  Counter(const Counter &) = delete;

  void observe(const Op &op, Warp &warp, uint32_t mask);
  /// Adds what was counted.
  void addTo(KernelCounters &kernel) const;

private:
  struct OpCounters {
    uint64_t warps = 0, lanes = 0, threads = 0, divergent = 0;
    AccessCounters global, shared;
  };

  void access(const Op &op, const Insight &insight, Warp &warp, uint32_t mask,
              OpCounters &counters);
  void sectors(const uint64_t *address, uint32_t mask, uint32_t bytes,
               AccessCounters &counters);
  void banks(const uint64_t *offset, uint32_t mask, uint32_t bytes,
             AccessCounters &counters) const;

  const Grid &grid;
  InsightTable insights;
  std::vector<OpCounters> ops;
  /// Of global memory: a bit a sector of 32 bytes, by page of 2 KiB.
  std::unordered_map<uint64_t, uint64_t> touched;
};

/// Registers a thread by kernel, as `ptxas -v` says of the module; empty when
/// no ptxas is at hand or it refuses.
std::map<std::string, uint32_t> ptxasRegisters(const ptx::Module &module);

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_COUNTER_H
