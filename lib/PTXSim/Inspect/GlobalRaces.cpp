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
  if (!orderedGlobal || !changes)
    return;
  const WarpClock &clock = access.watched.clock;
  const uint32_t self =
      access.warp.block->watched->cluster->firstWarp + clock.self;
  const uint32_t count = access.bytes >> globalShift;
  const uint32_t source = access.source();
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1))
      continue;
    GlobalCell *cell = cells(a[i]);
    const Moment now = moment(clock.clock, i);
    Alike alike;
    for (uint32_t k = 0; k < count; ++k, ++cell) {
      if ((access.writes || cell->write.who) &&
          globalRace(access, *cell, i, a[i]))
        break; // once an access
      if (access.writes) {
        write(*cell, {self, now, source}, access, i);
        continue;
      }
      read(*cell, {self, now, source}, access, i, alike);
    }
  }
  if (access.insight.strong)
    for (unsigned i = 0; i < lanes; ++i)
      if (access.mask >> i & 1)
        order(access, a[i], i, /*shared=*/false);
}

bool Checker::globalRace(const Access &access, const GlobalCell &cell,
                         unsigned lane, uint64_t address) {
  const WarpClock &clock = access.watched.clock;
  const uint32_t self =
      access.warp.block->watched->cluster->firstWarp + clock.self;
  auto against = [&](const GlobalAccess &other, bool writes) {
    if (!other.who ||
        (other.who == self &&
         (clockOf(other.when) < clock.clock || laneOf(other.when) == lane)))
      return false;
    return conflict(access, {other.who, other.when, other.source, writes}, lane,
                    address, /*home=*/nullptr);
  };
  bool found = against(cell.write, true);
  if (access.writes)
    found |= against(cell.read, false);
  if (access.writes ? cell.others : cell.others & AccessSets::hasWrites)
    for (GlobalAccess other : accessSets[cell.others].accesses) {
      bool writes = other.source & AccessSets::isWrite;
      other.source &= ~AccessSets::isWrite;
      if (access.writes || writes)
        found |= against(other, writes);
    }
  return found;
}

/// What races with something from before a weak write races with the write.
void Checker::write(GlobalCell &cell, const GlobalAccess &write,
                    const Access &access, unsigned lane) {
  GlobalAccess &last = cell.write;
  if (!write.isStrong()) {
    cell.read = {};
    accessSets.drop(cell.others);
    cell.others = 0;
  } else if (last.who &&
             (!supersedes(write, last) ||
              !known(access, {last.who, last.when, last.source, true}, lane))) {
    cell.others = accessSets.add(cell.others, last, /*writes=*/true);
  }
  last = write;
}

/// One more read of a cell, which nearly always is like the one before.
void Checker::read(GlobalCell &cell, const GlobalAccess &read,
                   const Access &access, unsigned lane, Alike &alike) {
  if (cell.others & AccessSets::full && cell.read.who != read.who) {
    if (supersedes(read, cell.read))
      cell.read = read;
    return;
  }
  if (alike.any && cell.read == alike.read && cell.others == alike.others) {
    cell.read = alike.toRead;
    if (cell.others != alike.toOthers) {
      accessSets.keep(alike.toOthers);
      accessSets.drop(cell.others);
      cell.others = alike.toOthers;
    }
    return;
  }
  alike.any = true;
  alike.read = cell.read;
  alike.others = cell.others;
  addRead(cell, read, access, lane);
  alike.toRead = cell.read;
  alike.toOthers = cell.others;
}

void Checker::addRead(GlobalCell &cell, const GlobalAccess &read,
                      const Access &access, unsigned lane) {
  GlobalAccess &last = cell.read;
  if (!last.who) {
    last = read;
  } else if (last.who == read.who) {
    if (!supersedes(read, last)) {
      cell.others = accessSets.add(cell.others, read, /*writes=*/false);
      return;
    }
    bool another = clockOf(last.when) == clockOf(read.when) &&
                   laneOf(last.when) != laneOf(read.when);
    last = {read.who,
            another ? moment(clockOf(read.when), severalLanes) : read.when,
            read.source};
  } else {
    if (!supersedes(read, last) ||
        !known(access, {last.who, last.when, last.source, false}, lane))
      cell.others = accessSets.add(cell.others, last, /*writes=*/false);
    last = read;
  }
}

} // namespace moe::ptxsim
