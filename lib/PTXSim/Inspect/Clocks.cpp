// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Clocks.h"

namespace moe::ptxsim {

void Knowledge::join(const Knowledge &other) {
  for (size_t i = 0; i < other.cluster.size(); ++i)
    cluster[i].join(other.cluster[i]);
  if (!other.others || other.others == others)
    return;
  if (!others) {
    others = other.others;
    return;
  }
  auto merged = std::make_shared<Others>(*others);
  for (const auto &[warp, seen] : *other.others)
    (*merged)[warp].join(seen);
  others = std::move(merged);
}

void Message::join(const Message &other) {
  for (const auto &[warp, seen] : other.all)
    all[warp].join(seen);
}

void WarpClock::start(uint32_t number, uint32_t slots) {
  self = number;
  clock = 1;
  for (Knowledge *one : {&knows, &proxied}) {
    one->cluster.assign(slots, {});
    one->others.reset();
  }
  hasFence = hasFound = false;
  fenced.all.clear();
  found.all.clear();
}

void WarpClock::tell(Message &to, uint32_t firstWarp, uint32_t mask,
                     uint32_t live) const {
  for (uint32_t i = 0; i < knows.cluster.size(); ++i) {
    const Seen &seen = knows.cluster[i];
    if (i == self)
      to.all[firstWarp + i].join(own(mask, live));
    else if (seen.clock > 1 || seen.lanes)
      to.all[firstWarp + i].join(seen);
  }
  if (knows.others)
    for (const auto &[warp, seen] : *knows.others)
      to.all[warp].join(seen);
}

void WarpClock::learn(const Message &from, uint32_t firstWarp) {
  std::shared_ptr<Others> merged;
  for (const auto &[warp, seen] : from.all) {
    if (warp - firstWarp < knows.cluster.size()) {
      if (warp - firstWarp != self)
        knows.cluster[warp - firstWarp].join(seen);
      continue;
    }
    if (!merged)
      merged = knows.others ? std::make_shared<Others>(*knows.others)
                            : std::make_shared<Others>();
    (*merged)[warp].join(seen);
  }
  if (merged)
    knows.others = std::move(merged);
}

} // namespace moe::ptxsim
