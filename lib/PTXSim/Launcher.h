// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the blocks of a grid on the threads of the host.
#ifndef MOE_LIB_PTXSIM_LAUNCHER_H
#define MOE_LIB_PTXSIM_LAUNCHER_H

#include "Cluster.h"

#include <atomic>
#include <mutex>

namespace moe::ptxsim {

class Launcher {
public:
  /// At most `resident` blocks have begun and not ended.
  Launcher(const Grid &grid, uint32_t resident);

  Error run(LaunchStatistics *statistics);

private:
  void work(uint32_t worker);
  void start(Cluster &cluster, Grid &grid, uint64_t number) const;
  /// False when all of its blocks have ended.
  bool step(Cluster &cluster, Grid &grid, uint64_t budget);
  void report(const Fault &fault, const Grid &grid);

  Grid grid;
  uint64_t clusters;
  uint32_t blocksOfCluster, resident;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Error error;
  LaunchStatistics total;
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_LAUNCHER_H
