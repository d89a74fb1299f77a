// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who looks on while a grid runs: checkers and counters. A grid without an
// observer runs code of its own that has no trace of one.
#ifndef MOE_LIB_PTXSIM_OBSERVER_H
#define MOE_LIB_PTXSIM_OBSERVER_H

#include "Core.h"

namespace moe::ptxsim {

struct AsyncRecord;
struct SharedPlace;

class Observer {
public:
  virtual ~Observer() = default;

  /// The blocks of a cluster begin, or have ended.
  virtual void start(std::vector<Block> &) {}
  virtual void end(std::vector<Block> &) {}

  /// The lanes of `mask` are about to run the instruction; none, if the guard
  /// holds for no lane.
  virtual void observe(const Op &op, Warp &warp, uint32_t mask) = 0;

  /// Of an instruction with many places a lane: these addresses next, relative
  /// to its window.
  virtual void access(const Op &, Warp &, uint32_t /*mask*/,
                      const uint64_t * /*addresses*/, uint32_t /*bytes*/,
                      bool /*writes*/) {}

  /// Lanes reach a barrier of the block; all have; lanes that waited go on.
  virtual void arrive(Block &, Warp &, unsigned /*barrier*/,
                      uint32_t /*mask*/) {}
  virtual void complete(Block &, unsigned /*barrier*/) {}
  virtual void pass(Warp &, unsigned /*barrier*/, uint32_t /*mask*/) {}
  /// Lanes leave a bar.warp.sync.
  virtual void warpBarrier(Warp &, uint32_t /*mask*/) {}
  virtual void exit(Warp &, uint32_t /*mask*/) {}

  /// The barrier of the cluster.
  virtual void clusterArrive(Warp &, uint32_t /*mask*/) {}
  virtual void clusterComplete(Cluster &) {}
  virtual void clusterPass(Warp &, uint32_t /*mask*/) {}

  /// A lane arrives at an mbarrier; a phase is complete; a lane sees that.
  virtual void mbarrierArrive(Warp &, unsigned /*lane*/, const SharedPlace &) {}
  virtual void mbarrierComplete(const SharedPlace &) {}
  virtual void mbarrierPass(Warp &, unsigned /*lane*/, const SharedPlace &) {}

  /// Something asynchronous begins, or is about to be written and told of.
  virtual void issue(const AsyncRecord &) {}
  virtual void perform(const AsyncRecord &) {}

  /// What ended the launch.
  virtual void fault(const Error &) {}
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_OBSERVER_H
