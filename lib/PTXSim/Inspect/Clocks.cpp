// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Clocks.h"

namespace moe::ptxsim {

namespace {

bool includes(const Others &all, const Others &part) {
  if (all.size() < part.size())
    return false;
  for (const auto &[who, seen] : part) {
    auto it = all.find(who);
    if (it == all.end() || !it->second.includes(seen))
      return false;
  }
  return true;
}

void joinAll(Others &to, const Others &from) {
  for (const auto &[who, seen] : from)
    to[who].join(seen);
}

} // namespace

void Knowledge::clear(uint32_t slots) {
  cluster.assign(slots, {});
  others.reset();
}

void Knowledge::join(const Knowledge &other) {
  for (size_t i = 0; i < other.cluster.size(); ++i)
    cluster[i].join(other.cluster[i]);
  if (!other.others || other.others == others)
    return;
  // Those that know the same share it.
  if (!others || includes(*other.others, *others)) {
    others = other.others;
    return;
  }
  if (includes(*others, *other.others))
    return;
  auto merged = std::make_shared<Others>(*others);
  joinAll(*merged, *other.others);
  others = std::move(merged);
}

void Knowledge::join(const Others &from, uint32_t firstWarp) {
  std::shared_ptr<Others> merged;
  for (const auto &[who, seen] : from) {
    if (who - firstWarp < cluster.size()) {
      cluster[who - firstWarp].join(seen);
      continue;
    }
    if (!merged) {
      if (others) {
        auto it = others->find(who);
        if (it != others->end() && it->second.includes(seen))
          continue;
      }
      merged = others ? std::make_shared<Others>(*others)
                      : std::make_shared<Others>();
    }
    (*merged)[who].join(seen);
  }
  if (merged)
    others = std::move(merged);
}

void Knowledge::join(uint32_t who, const Seen &seen) {
  if (others) {
    auto it = others->find(who);
    if (it != others->end() && it->second.includes(seen))
      return;
  }
  auto merged =
      others ? std::make_shared<Others>(*others) : std::make_shared<Others>();
  (*merged)[who].join(seen);
  others = std::move(merged);
}

void Knowledge::addTo(Others &to, uint32_t firstWarp) const {
  for (uint32_t i = 0; i < cluster.size(); ++i)
    if (cluster[i].clock > 1 || cluster[i].lanes)
      to[firstWarp + i].join(cluster[i]);
  if (others)
    joinAll(to, *others);
}

bool Knowledge::has(uint32_t who, Moment when, uint32_t firstWarp) const {
  uint32_t in = who - firstWarp;
  if (in < cluster.size())
    return covers(cluster[in], when);
  if (!others)
    return false;
  auto it = others->find(who);
  return it != others->end() && covers(it->second, when);
}

void Message::join(const Message &other) {
  joinAll(all, other.all);
  joinAll(proxied, other.proxied);
  joinAll(proxiedGlobal, other.proxiedGlobal);
}

void Message::clear() {
  all.clear();
  proxied.clear();
  proxiedGlobal.clear();
}

void WarpClock::start(uint32_t number, uint32_t slots) {
  self = number;
  clock = 1;
  clear(slots);
  hasFence = hasFound = false;
  fenced.clear();
  found.clear();
}

void WarpClock::tell(Message &to, uint32_t firstWarp, uint32_t mask,
                     uint32_t live) const {
  knows.addTo(to.all, firstWarp);
  to.all[firstWarp + self].join(own(mask, live));
  proxied.addTo(to.proxied, firstWarp);
  proxiedGlobal.addTo(to.proxiedGlobal, firstWarp);
}

void WarpClock::learn(const Message &from, uint32_t firstWarp) {
  knows.join(from.all, firstWarp);
  proxied.join(from.proxied, firstWarp);
  proxiedGlobal.join(from.proxiedGlobal, firstWarp);
}

} // namespace moe::ptxsim
