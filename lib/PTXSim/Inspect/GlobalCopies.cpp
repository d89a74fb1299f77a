// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What bulk copies read and write in global memory, from when they begin until
// their mbarrier or their bulk group has been waited for.
#include "../BulkCopy.h"
#include "Checker.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace moe::ptxsim {

namespace {

/// Copies are weak; each element of a reduction is an atomic access.
Insight makeInsight(bool reduces) {
  Insight insight;
  insight.strong = reduces;
  insight.scope = Scope::Gpu;
  return insight;
}
const Insight copies = makeInsight(false), reductions = makeInsight(true);

} // namespace

void Checker::defineGlobal(const AsyncRecord &record) {
  forEachGlobalRange(record, [&](Address begin, uint64_t bytes) {
    const Allocation *to = grid.memory->find(begin);
    uint64_t *bits = to ? grid.memory->definedBits(to->address) : nullptr;
    if (!bits)
      return;
    uint64_t first = begin - to->address;
    uint64_t last = std::min(first + bytes, to->bytes);
    for (uint64_t at = first, next; at < last; at = next) {
      next = std::min(last, (at / 64 + 1) * 64);
      bits[at / 64] |= ~uint64_t(0) >> (64 - (next - at)) << at % 64;
    }
  });
}

/// A bulk copy begins.
void Checker::globalCopy(const AsyncRecord &record) {
  bool stores = !record.to.block;
  if (!record.global || !record.read)
    return;
  if (record.first && record.first != record.to.block)
    return; // what it reads was looked at before
  Warp &warp = *record.warp;
  WatchedWarp &own = watched(warp);
  WatchedCluster &cluster = *warp.block->watched->cluster;
  Access access{*record.op,
                reduces(record) ? reductions : copies,
                warp,
                own,
                1u << record.lane,
                uint32_t(record.bytes),
                !stores || reduces(record),
                stores,
                false,
                nullptr,
                true};
  GlobalAccess agent;
  agent.source = access.source();
  if (stores) {
    agent.who = cluster.firstWarp + cluster.slots + own.clock.self * lanes +
                record.lane;
    agent.when = moment(record.group + 1, record.lane);
    own.stores |= 1u << record.lane;
  } else {
    uint32_t which = mbarrierOf(record.barrier).agent;
    agent.who = cluster.firstWarp + cluster.warps + which;
    agent.when = moment(cluster.agents[which].clock, record.lane);
  }
  issues[issueKey(agent.who, clockOf(agent.when))] = {
      cluster.firstWarp + own.clock.self, moment(own.clock.clock, record.lane)};
  bool clean = true;
  Alike alike;
  forEachGlobalRange(record, [&](Address begin, uint64_t bytes) {
    globalRange(access, agent, record.lane, begin, bytes, clean, alike);
  });
}

void Checker::globalRange(const Access &access, const GlobalAccess &own,
                          unsigned lane, Address begin, uint64_t bytes,
                          bool &clean, Alike &alike) {
  // What will fail is not looked at, nor what nobody can write.
  const Allocation *range = grid.memory->find(begin);
  if (!range || range->readOnly ||
      begin + bytes > range->address + range->bytes)
    return;
  const uint32_t firstWarp = access.warp.block->watched->cluster->firstWarp;
  const Knowledge &fenced = access.watched.clock.proxiedGlobal;
  // A granule of which it has a part may be shared without a race.
  const uint64_t granule = uint64_t(1) << globalShift;
  const Address end = (begin + bytes) & ~(granule - 1);
  begin = (begin + granule - 1) & ~(granule - 1);
  for (Address at = begin; at < end; at += granule) {
    GlobalCell &cell = *cells(at);
    const GlobalAccess &write = cell.write;
    if (clean && globalRace(access, cell, lane, at)) {
      clean = false; // once a copy
    } else if (clean && write.who && !(write.source & asynchronous) &&
               !fenced.has(write.who, write.when, firstWarp)) {
      unfencedGlobal(access, write, lane, at);
      clean = false;
    }
    if (access.writes)
      this->write(cell, own, access, lane);
    else
      read(cell, own, access, lane, alike);
  }
}

/// Bulk groups of these lanes but the newest have written.
void Checker::storesDone(Warp &warp, uint32_t mask, int64_t newest) {
  WatchedWarp &own = watched(warp);
  const WatchedCluster &cluster = *warp.block->watched->cluster;
  for (uint32_t todo = mask & own.stores; todo; todo &= todo - 1) {
    unsigned lane = firstLane(todo);
    int64_t done = int64_t(warp.bulkCommitted[lane]) - newest;
    if (done > 0)
      own.clock.knows.join(cluster.firstWarp + cluster.slots +
                               own.clock.self * lanes + lane,
                           {uint32_t(done) + 1, 0});
  }
}

void Checker::unfencedGlobal(const Access &access, const GlobalAccess &write,
                             unsigned lane, uint64_t address) {
  if (!has(Check::Proxy))
    return;
  char text[128];
  std::snprintf(text, sizeof text,
                " global memory at 0x%" PRIx64
                " through the async proxy, which a thread wrote without "
                "fence.proxy.async between",
                address);
  Finding finding;
  finding.check = Check::Proxy;
  finding.kernel = grid.kernel->name;
  finding.message = ptx::fullName(*access.op.source) + ": " +
                    (access.writes ? "writes" : "reads") + text;
  finding.place = place(access.op, access.warp, lane);
  finding.hasOther = true;
  finding.other = placeOf(write.who, laneOf(write.when), write.source >> 4);
  findings.add(std::move(finding));
}

} // namespace moe::ptxsim
