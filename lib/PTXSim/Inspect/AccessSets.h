// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses of one place of global memory that nothing orders: reads, and atomic
// writes. Most places have one read and one write, so cells hold the last
// themselves and a set only of the others. Places that are accessed together
// share a set until they part.
#ifndef MOE_LIB_PTXSIM_INSPECT_ACCESSSETS_H
#define MOE_LIB_PTXSIM_INSPECT_ACCESSSETS_H

#include "Clocks.h"

namespace moe::ptxsim {

struct GlobalAccess {
  uint32_t who = 0; ///< in the grid, from 1
  Moment when = 0;
  uint32_t source = 0; ///< its lowest bit: whether it is strong

  bool isStrong() const { return source & 1; }
  bool operator==(const GlobalAccess &other) const {
    return who == other.who && when == other.when && source == other.source;
  }
};

/// Whether, if the earlier access comes before the later one, it need not be
/// remembered: what races with it races with the later one, too. Strong ones do
/// not race with each other.
inline bool supersedes(const GlobalAccess &later, const GlobalAccess &earlier) {
  return !later.isStrong() || earlier.isStrong();
}

class AccessSets {
public:
  /// Accesses of a set, the first that came.
  static constexpr uint32_t capacity = 5;
  /// Sets at most; beyond, accesses are forgotten.
  static constexpr uint32_t limit = 1u << 20;
  /// Of the number of a set: there is no room in it; there are writes in it.
  static constexpr uint32_t full = 1u << 31, hasWrites = 1u << 30;
  /// Of GlobalAccess::source in a set.
  static constexpr uint32_t isWrite = 1u << 31;

  struct alignas(64) Set {
    uint32_t uses = 0;
    GlobalAccess accesses[capacity]; ///< who is 0: nobody
  };

  /// By number; 0 is empty.
  const Set &operator[](uint32_t set) const { return sets[numberOf(set)]; }

  /// The set with one more access, for one use of `set` that it replaces.
  uint32_t add(uint32_t set, GlobalAccess access, bool writes);
  void keep(uint32_t set) { ++sets[numberOf(set)].uses; }
  void drop(uint32_t set) {
    if (set && !--sets[numberOf(set)].uses)
      spare.push_back(numberOf(set));
  }

private:
  static uint32_t numberOf(uint32_t set) { return set & ~(full | hasWrites); }

  std::vector<Set> sets{1};
  std::vector<uint32_t> spare;
};

} // namespace moe::ptxsim

#endif // MOE_LIB_PTXSIM_INSPECT_ACCESSSETS_H
