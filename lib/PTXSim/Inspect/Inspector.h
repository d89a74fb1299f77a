// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The observer of a launch: the checkers and counters that are asked for.
#ifndef MOE_LIB_PTXSIM_INSPECT_INSPECTOR_H
#define MOE_LIB_PTXSIM_INSPECT_INSPECTOR_H

#include "../Observer.h"
#include "Checker.h"
#include "Counter.h"

#include <optional>

namespace moe::ptxsim {

class Inspector final : public Observer {
public:
  Inspector(const Grid &grid, const Options &options, Findings &findings) {
    if (options.checks & ~bit(Check::Leak))
      checker.emplace(grid, options.checks, findings);
    if (options.counters)
      counter.emplace(grid);
  }

  void start(std::vector<Block> &cluster) override {
    if (checker)
      checker->start(cluster);
  }
  void end(std::vector<Block> &cluster) override {
    if (checker)
      checker->end(cluster);
  }
  void observe(const Op &op, Warp &warp, uint32_t mask) override {
    if (counter)
      counter->observe(op, warp, mask);
    if (checker)
      checker->observe(op, warp, mask);
  }
  void access(const Op &op, Warp &warp, uint32_t mask,
              const uint64_t *addresses, uint32_t bytes, bool writes) override {
    if (checker)
      checker->accessOf(op, warp, mask, addresses, bytes, writes);
  }
  void arrive(Block &block, Warp &warp, unsigned barrier,
              uint32_t mask) override {
    if (checker)
      checker->arrive(block, warp, barrier, mask);
  }
  void complete(Block &block, unsigned barrier) override {
    if (checker)
      checker->complete(block, barrier);
  }
  void pass(Warp &warp, unsigned barrier, uint32_t mask) override {
    if (checker)
      checker->pass(warp, barrier, mask);
  }
  void warpBarrier(Warp &warp, uint32_t mask) override {
    if (checker)
      checker->warpBarrier(warp, mask);
  }
  void exit(Warp &warp, uint32_t mask) override {
    if (checker)
      checker->exit(warp, mask);
  }
  void clusterArrive(Warp &warp, uint32_t mask) override {
    if (checker)
      checker->clusterArrive(warp, mask);
  }
  void clusterComplete(Cluster &cluster) override {
    if (checker)
      checker->clusterComplete(cluster);
  }
  void clusterPass(Warp &warp, uint32_t mask) override {
    if (checker)
      checker->clusterPass(warp, mask);
  }
  void mbarrierArrive(Warp &warp, unsigned lane,
                      const SharedPlace &place) override {
    if (checker)
      checker->mbarrierArrive(warp, lane, place);
  }
  void mbarrierComplete(const SharedPlace &place) override {
    if (checker)
      checker->mbarrierComplete(place);
  }
  void mbarrierPass(Warp &warp, unsigned lane,
                    const SharedPlace &place) override {
    if (checker)
      checker->mbarrierPass(warp, lane, place);
  }
  void issue(const AsyncRecord &record) override {
    if (checker)
      checker->issue(record);
  }
  void perform(const AsyncRecord &record) override {
    if (checker)
      checker->perform(record);
  }
  void fault(const Error &error) override {
    if (checker)
      checker->fault(error);
  }

  /// Adds what was counted in the launch.
  void addTo(KernelCounters &kernel) const {
    if (counter)
      counter->addTo(kernel);
  }

private:
  std::optional<Checker> checker;
  std::optional<Counter> counter;
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_INSPECTOR_H
