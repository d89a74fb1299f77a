// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Checker.h"

namespace moe::ptxsim {

namespace {
constexpr unsigned pageShift = 12;
} // namespace

GlobalCell *Checker::cells(uint64_t address) {
  uint64_t number = address >> pageShift;
  unsigned slot = number % cachedPages;
  if (cachedNumber[slot] != number) {
    std::unique_ptr<GlobalPage> &page = pages[number];
    if (!page) {
      page = std::make_unique<GlobalPage>();
      page->cells.resize(size_t(1) << (pageShift - globalShift));
    }
    cachedNumber[slot] = number;
    cachedCells[slot] = page->cells.data();
  }
  return cachedCells[slot] +
         ((address & ((1u << pageShift) - 1)) >> globalShift);
}

void Checker::globalAccess(Access &access) {
  // What will fail is not looked at; what nobody can write cannot race.
  DefinedRange &range = ranges[access.op.index];
  const uint64_t *a = access.address;
  bool changes = false;
  uint32_t all = access.mask, alignment = access.bytes & -access.bytes;
  auto flush = [&](uint32_t mask) {
    changes |= mask && !range.readOnly;
    access.mask = mask;
    if (mask && has(Check::Init) && range.bits)
      bytesDefined(access, range.bits, (range.high - range.low + 63) / 64,
                   range.low, 0, "global");
  };
  uint32_t same = 0;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(all >> i & 1))
      continue;
    bool within = a[i] - range.low < range.high - range.low &&
                  range.high - a[i] >= access.bytes;
    if (!within) {
      flush(same);
      same = 0;
      const Allocation *allocation = grid.memory->find(a[i]);
      if (allocation)
        range = {allocation->address, allocation->address + allocation->bytes,
                 grid.memory->definedBits(allocation->address),
                 allocation->readOnly};
      within = allocation && range.high - a[i] >= access.bytes;
    }
    if (within && !(a[i] & (alignment - 1)))
      same |= 1u << i;
    else
      all &= ~(1u << i);
  }
  flush(same);
  access.mask = all;
  if (!has(Check::Race) || !changes)
    return;
  WarpClock &clock = access.watched.clock;
  uint32_t firstWarp = access.warp.block->watched->cluster->firstWarp;
  uint32_t self = firstWarp + clock.self, now = clock.clock;
  uint32_t slots = access.warp.block->watched->cluster->slots;
  uint32_t count = access.bytes >> globalShift;
  const uint32_t source = access.source();
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1))
      continue;
    GlobalCell *cell = cells(a[i]);
    for (uint32_t k = 0; k < count; ++k, ++cell) {
      bool stop = false;
      auto against = [&](const GlobalAccess &other, uint32_t from,
                         bool writes) {
        if (!other.who || (other.who == self && (clockOf(other.when) < now ||
                                                 laneOf(other.when) == i)))
          return;
        stop |= conflict(access, {other.who, other.when, from, writes}, i, a[i],
                         /*home=*/nullptr);
      };
      against(cell->write, cell->writeSource, true);
      if (access.writes) {
        against(cell->read, cell->readSource, false);
        against(cell->earlier, ~0u << 4, false);
        cell->write = {self, moment(now, i)};
        cell->writeSource = source;
      }
      if (!access.writes) {
        // The last read, and one of another cluster if there was one.
        GlobalAccess &last = cell->read;
        Moment when = last.who == self && clockOf(last.when) == now &&
                              laneOf(last.when) != i
                          ? moment(now, severalLanes)
                          : moment(now, i);
        if (last.who && last.who - firstWarp >= slots &&
            !(cell->readSource & 1))
          cell->earlier = last;
        if (!(source & 1) || !last.who) {
          last = {self, when};
          cell->readSource = source;
        }
      }
      if (stop)
        break;
    }
  }
  if (access.insight.strong)
    for (unsigned i = 0; i < lanes; ++i)
      if (access.mask >> i & 1)
        order(access, a[i], i, /*shared=*/false);
}

} // namespace moe::ptxsim
