// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AccessSets.h"

namespace moe::ptxsim {

uint32_t AccessSets::add(uint32_t set, GlobalAccess access, bool writes) {
  if (set & full) // so that places of many cost nothing more
    return set;
  uint32_t number = numberOf(set), flags = set & hasWrites;
  if (!number || sets[number].uses > 1) {
    if (spare.empty() && sets.size() > limit)
      return set;
    uint32_t copy = uint32_t(sets.size());
    if (spare.empty()) {
      sets.emplace_back();
    } else {
      copy = spare.back();
      spare.pop_back();
    }
    sets[copy] = sets[number];
    sets[copy].uses = 1;
    drop(set);
    number = copy;
  }
  access.source |= writes ? isWrite : 0;
  // A later access of the kind by the same warp says more.
  constexpr uint32_t kind = isWrite | 1;
  GlobalAccess *at = sets[number].accesses, *last = at + capacity - 1;
  while (at < last && at->who &&
         (at->who != access.who || (at->source ^ access.source) & kind))
    ++at;
  *at = access;
  return number | flags | (writes ? hasWrites : 0) | (at == last ? full : 0);
}

} // namespace moe::ptxsim
