// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block: its warps, its shared memory and its barriers.
#include "Cluster.h"
#include "Observer.h"

#include <algorithm>
#include <cstring>

namespace moe::ptxsim {

void Block::start(Grid &ofGrid, Cluster &ofCluster, Dim3 at,
                  uint32_t rankInCluster) {
  grid = &ofGrid;
  cluster = &ofCluster;
  mbarriers.clear();
  ended = false;
  freeRegisters = 0;
  id = at;
  rank = rankInCluster;
  sharedBytes = grid->sharedBytes;
  // What shared memory holds at first is undefined; the same bytes each time.
  shared.assign(size_t(sharedBytes) + 1024, std::byte(0));
  auto address = reinterpret_cast<uintptr_t>(shared.data());
  sharedBase = shared.data() + (-address & 1023);
  for (Barrier &barrier : barriers)
    barrier.used = false;
  warps.resize(grid->warps);
  for (uint32_t i = 0; i < grid->warps; ++i)
    warps[i].start(*this, i);
}

bool Block::done() const {
  for (const Warp &warp : warps)
    if (!warp.done())
      return false;
  return true;
}

bool Block::pass() {
  bool progress = false;
  size_t first = 0, count = warps.size();
  uint64_t budget = 4096;
  if (grid->device->options.scheduleSeed) {
    first = nextRandom(grid->random) % count;
    budget = 1 + nextRandom(grid->random) % 96;
  }
  for (size_t i = 0; i < count; ++i) {
    Warp &warp = warps[(first + i) % count];
    if (warp.done())
      continue;
    uint64_t before = warp.warpInstructions;
    grid->running = &warp;
    warp.run(budget);
    progress |= warp.warpInstructions != before;
  }
  return progress;
}

void Block::arrive(Warp &warp, unsigned number, uint32_t mask,
                   uint32_t expected, uint32_t predicate) {
  Barrier &barrier = barriers[number];
  if (!barrier.used) {
    barrier.used = true;
    barrier.expected = expected;
    barrier.arrived.assign(warps.size(), 0);
    barrier.predicate.assign(warps.size(), 0);
  } else if (barrier.expected != expected) {
    fault(ErrorKind::IllegalInstruction,
          "barrier " + std::to_string(number) + ": this arrival expects " +
              std::to_string(expected) + " threads, earlier ones " +
              std::to_string(barrier.expected),
          mask);
  }
  uint32_t &arrived = barrier.arrived[warp.index];
  if (arrived & mask)
    fault(ErrorKind::IllegalInstruction,
          "barrier " + std::to_string(number) +
              ": a thread arrives twice before it completes",
          arrived & mask);
  arrived |= mask;
  if (grid->observer)
    grid->observer->arrive(*this, warp, number, mask);
  barrier.predicate[warp.index] |= predicate & mask;
  checkBarrier(number);
}

void Block::checkBarrier(unsigned number) {
  Barrier &barrier = barriers[number];
  if (!barrier.used)
    return;
  // A count is in warps: lanes that have ended or never were count as here.
  uint32_t threads = 0;
  bool all = true;
  for (size_t i = 0; i < warps.size(); ++i) {
    uint32_t here = barrier.arrived[i];
    bool whole = (here & warps[i].live) == warps[i].live;
    all &= whole;
    if (here)
      threads += whole ? lanes : unsigned(__builtin_popcount(here));
  }
  if (barrier.expected ? threads < barrier.expected : !all)
    return;
  unsigned votes = 0, arrivals = 0;
  for (size_t i = 0; i < warps.size(); ++i) {
    votes += unsigned(__builtin_popcount(barrier.predicate[i]));
    arrivals += unsigned(__builtin_popcount(barrier.arrived[i]));
  }
  barrier.used = false;
  ++cluster->events;
  if (grid->observer)
    grid->observer->complete(*this, number);
  auto release = [&](Warp &warp, Group &group) {
    if (!group.mask || group.wait != Wait::Barrier || group.data != number)
      return;
    group.wait = Wait::None;
    if (grid->observer)
      grid->observer->pass(warp, number, group.mask);
    const Op &op = grid->code->ops[group.pc - 1];
    if (op.o[0] == noRow)
      return;
    std::byte *row = group.frame->base + op.o[0];
    if (op.mode == 0) { // .popc
      for (unsigned i = 0; i < lanes; ++i)
        if (group.mask >> i & 1)
          std::memcpy(row + 4 * i, &votes, 4);
      return;
    }
    bool value = op.mode == 1 ? votes == arrivals : votes != 0;
    uint32_t bits;
    std::memcpy(&bits, row, 4);
    bits = value ? bits | group.mask : bits & ~group.mask;
    std::memcpy(row, &bits, 4);
  };
  for (Warp &warp : warps) {
    release(warp, warp.now);
    for (Group &group : warp.rest)
      release(warp, group);
  }
}

void Block::checkBarriers() {
  for (unsigned i = 0; i < 16; ++i)
    checkBarrier(i);
}

template <class F>
static void wake(Block &block, F which) {
  ++block.cluster->events;
  auto look = [&](Group &group) {
    if (which(group))
      group.wait = Wait::None;
  };
  for (Warp &warp : block.warps) {
    look(warp.now);
    for (Group &group : warp.rest)
      look(group);
  }
}

void Block::wakeAtMbarrier(uint32_t offset) {
  wake(*this, [&](const Group &group) {
    return group.wait == Wait::Mbarrier && group.data == offset;
  });
}

void Block::wakeForRegisters() {
  wake(*this, [](const Group &group) { return group.wait == Wait::Registers; });
}

std::string Block::places() const {
  std::string text;
  auto describe = [&](const Warp &warp, const Group &group) {
    if (!group.mask)
      return;
    // A barrier's group already stands behind it.
    uint32_t pc = group.pc - (group.wait == Wait::Barrier ||
                              group.wait == Wait::WarpBarrier);
    const Op &op = grid->code->ops[pc];
    char mask[16];
    std::snprintf(mask, sizeof mask, "%08x", group.mask);
    text += "\n  block (" + std::to_string(id[0]) + ", " +
            std::to_string(id[1]) + ", " + std::to_string(id[2]) + ") warp " +
            std::to_string(warp.index) + " lanes " + mask + ": line " +
            std::to_string(op.line) + ": " +
            (op.source ? ptx::fullName(*op.source) : "ret");
    if (group.wait == Wait::Barrier) {
      const Barrier &barrier = barriers[group.data];
      unsigned here = 0;
      for (uint32_t arrived : barrier.arrived)
        here += unsigned(__builtin_popcount(arrived));
      text +=
          " waits at barrier " + std::to_string(group.data) + ", where " +
          std::to_string(here) + " of " +
          std::to_string(barrier.expected ? barrier.expected : grid->threads) +
          " threads are";
    } else if (group.wait == Wait::Sync || group.wait == Wait::WarpBarrier) {
      std::snprintf(mask, sizeof mask, "%08x", group.data);
      text += std::string(" waits for lanes ") + mask;
    } else if (group.wait == Wait::Registers) {
      text += " waits for " + std::to_string(group.data) +
              " registers a thread, of which " + std::to_string(freeRegisters) +
              " are free";
    } else if (group.wait == Wait::Cluster) {
      text += " waits at the barrier of the cluster, where " +
              std::to_string(cluster->arrived()) + " of " +
              std::to_string(cluster->threads()) + " threads are";
    } else if (group.wait == Wait::Mbarrier) {
      auto it = mbarriers.find(group.data);
      char offset[16];
      std::snprintf(offset, sizeof offset, "0x%x", group.data);
      text += std::string(" waits at the mbarrier at byte ") + offset;
      if (it != mbarriers.end())
        text += " for phase " + std::to_string(it->second.phase) +
                ", which lacks " + std::to_string(it->second.pending) + " of " +
                std::to_string(it->second.expected) + " arrivals and " +
                std::to_string(it->second.transactions) + " bytes";
    }
  };
  for (const Warp &warp : warps) {
    if (warp.done())
      continue;
    describe(warp, warp.now);
    for (const Group &group : warp.rest)
      describe(warp, group);
  }
  return text;
}

} // namespace moe::ptxsim
