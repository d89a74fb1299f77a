// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters, mbarriers and bulk copies. A copy that tells an mbarrier is a write
// of an agent of that mbarrier: who sees the phase complete knows of it.
#include "../Cluster.h"
#include "Checker.h"

#include <algorithm>

namespace moe::ptxsim {

namespace {

bool isCopyArrival(const AsyncRecord &record) {
  return record.op->source->opcode == ptx::Opcode::CpAsyncMbarrierArrive;
}

} // namespace

bool reduces(const AsyncRecord &record) {
  switch (record.op->source->opcode) {
  case ptx::Opcode::RedAsync:
  case ptx::Opcode::CpReduceAsyncBulk:
  case ptx::Opcode::CpReduceAsyncBulkTensor:
    return true;
  default:
    return false;
  }
}

void Checker::clusterArrive(Warp &warp, uint32_t mask) {
  if (!ordered)
    return;
  WatchedWarp &own = watched(warp);
  WatchedCluster &cluster = *warp.block->watched->cluster;
  tell(cluster.gathering, own, mask, warp.live);
  ++own.clock.clock;
}

void Checker::clusterComplete(Cluster &of) {
  if (!ordered)
    return;
  WatchedCluster &cluster = *of.blocks[0].watched->cluster;
  std::swap(cluster.gathering, cluster.gathered);
  cluster.gathering.clear(cluster.slots);
}

void Checker::clusterPass(Warp &warp, uint32_t) {
  if (!ordered)
    return;
  WatchedWarp &own = watched(warp);
  learn(own, warp.block->watched->cluster->gathered);
  ++own.clock.clock;
}

WatchedMbarrier &Checker::mbarrierOf(const SharedPlace &place) {
  WatchedBlock &home = *place.block->watched;
  auto [it, isNew] = home.mbarriers.try_emplace(place.offset);
  if (isNew) {
    WatchedCluster &cluster = *home.cluster;
    it->second.gathering.clear(cluster.slots);
    it->second.done.clear(cluster.slots);
    // With many mbarriers some share an agent.
    it->second.agent = cluster.agentsUsed++ % agentSlots;
  }
  return it->second;
}

void Checker::mbarrierArrive(Warp &warp, unsigned lane,
                             const SharedPlace &place) {
  if (!ordered)
    return;
  WatchedWarp &own = watched(warp);
  tell(mbarrierOf(place).gathering, own, 1u << lane, warp.live);
  ++own.clock.clock;
}

void Checker::mbarrierComplete(const SharedPlace &place) {
  if (!ordered)
    return;
  WatchedMbarrier &barrier = mbarrierOf(place);
  barrier.done = barrier.gathering;
  ++barrier.phase;
}

void Checker::mbarrierPass(Warp &warp, unsigned, const SharedPlace &place) {
  if (!ordered)
    return;
  WatchedWarp &own = watched(warp);
  WatchedMbarrier &barrier = mbarrierOf(place);
  if (own.passed == &barrier && own.passedPhase == barrier.phase)
    return; // another lane was here
  own.passed = &barrier;
  own.passedPhase = barrier.phase;
  learn(own, barrier.done);
}

void Checker::asyncAccess(Access &access, WatchedBlock &home, uint32_t first,
                          uint32_t bytes, unsigned lane) {
  const WarpClock &clock = access.watched.clock;
  uint32_t end = (first + bytes + (1u << sharedShift) - 1) >> sharedShift;
  uint32_t firstWarp = home.cluster->firstWarp;
  for (uint32_t c = first >> sharedShift; c < end && c < home.writes.size();
       ++c) {
    const SharedWrite &write = home.writes[c];
    uint32_t at = c << sharedShift;
    if (home.flights && home.flying[c])
      return flying(access, home, c, lane);
    if (write.when && conflict(access,
                               {firstWarp + write.who, write.when, write.source,
                                /*writes=*/true},
                               lane, at, &home))
      return;
    if (!access.writes) {
      if (!write.when) {
        if (has(Check::Init))
          undefined(access, lane, at, "shared");
        return;
      }
      if (!(write.source & asynchronous) &&
          !covers(clock.proxied.cluster[write.who], write.when))
        return unfenced(access, home, c, lane);
      continue;
    }
    if (home.readerFlights && home.readers[c])
      return overwritten(access, home, c, lane);
    for (uint32_t w = 0; w < home.cluster->warps; ++w) {
      const SharedRead &read = home.reads[w * home.writes.size() + c];
      if (read.when && conflict(access,
                                {firstWarp + w, read.when, read.source,
                                 /*writes=*/false},
                                lane, at, &home))
        return;
    }
  }
}

void Checker::issue(const AsyncRecord &record) {
  if (!ordered || isCopyArrival(record))
    return;
  Warp &warp = *record.warp;
  WatchedWarp &own = watched(warp);
  Access access{*record.op,
                insights[*record.op],
                warp,
                own,
                1u << record.lane,
                uint32_t(record.bytes),
                true,
                false,
                false,
                nullptr,
                true};
  uint32_t granule = 1u << sharedShift;
  if (record.from.block) {
    WatchedBlock &home = *record.from.block->watched;
    asyncAccess(access, home, record.from.offset, uint32_t(record.bytes),
                record.lane);
    if (record.grouped) {
      FlyingCopy read{&home,
                      record.from.offset >> sharedShift,
                      uint32_t(record.bytes + granule - 1) >> sharedShift,
                      record.op->index,
                      record.group,
                      uint8_t(record.lane),
                      0};
      for (uint32_t c = 0; c < read.count; ++c)
        home.readers[read.first + c] += 1;
      ++home.readerFlights;
      own.bulkReads.push_back(read);
    }
  }
  if (record.to.block && !reduces(record)) {
    WatchedBlock &home = *record.to.block->watched;
    access.reads = false;
    access.writes = true;
    asyncAccess(access, home, record.to.offset, uint32_t(record.bytes),
                record.lane);
    uint32_t end =
        uint32_t(record.to.offset + record.bytes + granule - 1) >> sharedShift;
    for (uint32_t c = record.to.offset >> sharedShift;
         c < end && c < home.flying.size(); ++c)
      home.flying[c] = record.op->index + 1;
    ++home.flights;
  }
  if (insights.hasGlobalCopies)
    globalCopy(record);
}

void Checker::perform(const AsyncRecord &record) {
  if (!record.to.block && record.global)
    defineGlobal(record);
  if (!ordered)
    return;
  Warp &warp = *record.warp;
  if (isCopyArrival(record)) {
    landUpTo(warp, record.lane, record.number);
    return mbarrierArrive(warp, record.lane, record.barrier);
  }
  if (!record.to.block)
    return;
  WatchedBlock &home = *record.to.block->watched;
  WatchedCluster &cluster = *home.cluster;
  uint32_t agent = 0;
  if (record.barrier.block)
    agent = mbarrierOf(record.barrier).agent;
  WatchedAgent &as = cluster.agents[agent];
  uint32_t end =
      uint32_t(record.to.offset + record.bytes + (1u << sharedShift) - 1) >>
      sharedShift;
  for (uint32_t c = record.to.offset >> sharedShift;
       c < end && c < home.writes.size(); ++c) {
    home.flying[c] = 0;
    home.writes[c] = {cluster.warps + agent, moment(as.clock, 0),
                      record.op->index << 4 | asynchronous};
  }
  if (!reduces(record))
    --home.flights;
  as.issuer = watched(warp).clock.self;
  as.lane = record.lane;
  ++as.clock;
  if (!record.barrier.block)
    return;
  Views &views = mbarrierOf(record.barrier).gathering;
  auto tellOf = [&](uint32_t which) {
    for (Knowledge *one : {&views.knows, &views.proxied, &views.proxiedGlobal})
      one->cluster[cluster.warps + which] = {cluster.agents[which].clock, 0};
  };
  tellOf(agent);
  if (record.first && record.first != record.to.block) {
    // Another block's mbarrier has the agent that reads for all of them.
    agent = mbarrierOf({record.first, record.barrier.offset}).agent;
    ++cluster.agents[agent].clock;
    tellOf(agent);
  }
}

/// Bulk groups of these lanes but the newest have read their sources.
void Checker::bulkWait(Warp &warp, uint32_t mask, int64_t newest) {
  WatchedWarp &own = watched(warp);
  size_t kept = 0;
  for (const FlyingCopy &read : own.bulkReads) {
    if (!(mask >> read.lane & 1) ||
        int64_t(read.group) >=
            int64_t(warp.bulkCommitted[read.lane]) - newest) {
      own.bulkReads[kept++] = read;
      continue;
    }
    for (uint32_t c = 0; c < read.count; ++c)
      read.home->readers[read.first + c] -= 1;
    --read.home->readerFlights;
  }
  own.bulkReads.resize(kept);
}

void Checker::overwritten(const Access &access, const WatchedBlock &,
                          uint32_t granule, unsigned lane) {
  if (!has(Check::Wait))
    return;
  report(Check::Wait, access.op, access.warp, lane,
         "writes shared memory at " + std::to_string(granule << sharedShift) +
             ", which asynchronous work may still read: a wait is missing");
}

void Checker::unfenced(const Access &access, const WatchedBlock &home,
                       uint32_t granule, unsigned lane) {
  if (!has(Check::Proxy))
    return;
  const SharedWrite &write = home.writes[granule];
  Finding finding;
  finding.check = Check::Proxy;
  finding.kernel = grid.kernel->name;
  finding.message = ptx::fullName(*access.op.source) +
                    ": reads shared memory at " +
                    std::to_string(granule << sharedShift) +
                    " through the async proxy, which a thread wrote without "
                    "fence.proxy.async between";
  finding.place = place(access.op, access.warp, lane);
  finding.hasOther = true;
  finding.other = placeOf(home.cluster->firstWarp + write.who,
                          laneOf(write.when), write.source >> 4);
  findings.add(std::move(finding));
}

} // namespace moe::ptxsim
