// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is ordered before what. Each warp has a clock that advances when it
// synchronises; a warp knows of each other warp up to which clock its accesses
// come before its own. Barriers, acquires and releases pass that knowledge on.
//
// Within one clock lanes of a warp are not ordered, so what is known of the
// last clock is a set of lanes.
#ifndef MOE_LIB_PTXSIM_INSPECT_CLOCKS_H
#define MOE_LIB_PTXSIM_INSPECT_CLOCKS_H

#include "../Core.h"

namespace moe::ptxsim {

/// All accesses before `clock` are known, and those at `clock` of `lanes`.
struct Seen {
  uint32_t clock = 1, lanes = 0;

  void join(const Seen &other) {
    if (other.clock > clock)
      *this = other;
    else if (other.clock == clock)
      lanes |= other.lanes;
  }
  bool includes(const Seen &other) const {
    return other.clock < clock ||
           (other.clock == clock && !(other.lanes & ~lanes));
  }
};

/// A moment of a warp and the lane: clock << 6 | lane; 0: never. Lane
/// `severalLanes` stands for more than one.
using Moment = uint32_t;
constexpr uint32_t severalLanes = 32;
constexpr Moment moment(uint32_t clock, uint32_t lane) {
  return clock << 6 | lane;
}
constexpr uint32_t clockOf(Moment m) { return m >> 6; }
constexpr uint32_t laneOf(Moment m) { return m & 63; }

inline bool covers(const Seen &seen, Moment m) {
  if (clockOf(m) < seen.clock)
    return true;
  uint32_t lanesOfMoment =
      laneOf(m) == severalLanes ? allLanes : 1u << laneOf(m);
  return clockOf(m) == seen.clock && !(lanesOfMoment & ~seen.lanes);
}

/// Of warps outside of the cluster and of bulk stores, by their number in the
/// grid.
using Others = std::unordered_map<uint32_t, Seen>;

/// What a warp knows; `cluster` is by warp of the cluster.
struct Knowledge {
  std::vector<Seen> cluster;
  std::shared_ptr<const Others> others;

  void clear(uint32_t slots);
  void join(const Knowledge &other);
  void join(const Others &from, uint32_t firstWarp);
  void join(uint32_t who, const Seen &seen); ///< of another cluster
  void addTo(Others &to, uint32_t firstWarp) const;
  /// Whether it has the moment of `who`, by number in the grid.
  bool has(uint32_t who, Moment when, uint32_t firstWarp) const;
};

/// Knowledge, and the parts of it that the async proxy shares: of shared
/// memory and of global memory.
struct Views {
  Knowledge knows, proxied, proxiedGlobal;

  void clear(uint32_t slots) {
    for (Knowledge *one : {&knows, &proxied, &proxiedGlobal})
      one->clear(slots);
  }
};

/// Views that leave the cluster: by number of the warp in the grid.
struct Message {
  Others all, proxied, proxiedGlobal;
  void join(const Message &other);
  void clear();
};

/// A warp's view.
struct WarpClock : Views {
  uint32_t self = 0;  ///< in the cluster
  uint32_t clock = 1; ///< of itself
  /// What the lanes knew at their last fence, which a relaxed write releases.
  bool hasFence = false;
  Message fenced;
  /// What relaxed reads found, which a fence acquires.
  bool hasFound = false;
  Message found;

  void start(uint32_t self, uint32_t slots);
  /// Its knowledge with its own accesses of `mask`, as others may learn it.
  Seen own(uint32_t mask, uint32_t live) const {
    return (mask & live) == live ? Seen{clock + 1, 0} : Seen{clock, mask};
  }
  void tell(Message &to, uint32_t firstWarp, uint32_t mask,
            uint32_t live) const;
  void learn(const Message &from, uint32_t firstWarp);
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_CLOCKS_H
