// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Checker.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace moe::ptxsim {

namespace {

Scope scopeOf(uint32_t source) { return Scope(source >> 1 & 3); }
bool isStrong(uint32_t source) { return source & 1; }

} // namespace

template <bool Writes>
void Checker::sharedRaces(Access &access, WatchedBlock &home,
                          const uint32_t *offset) {
  const WarpClock &clock = access.watched.clock;
  const Seen *seen = clock.knows.cluster.data();
  const uint32_t warps = home.cluster->warps, self = clock.self,
                 now = clock.clock, source = access.source(),
                 count = access.bytes >> sharedShift,
                 firstWarp = home.cluster->firstWarp;
  const bool flights = home.flights != 0, readers = home.readerFlights != 0,
             init = has(Check::Init) && access.reads;
  const size_t granules = home.writes.size();
  SharedWrite *writes = home.writes.data();
  SharedRead *reads = home.reads.data(), *own = reads + self * granules;
  if (!Writes && count == 1 && !flights && access.mask == allLanes) {
    // Nearly always everything is in order. Neighbours that read one place are
    // looked at once.
    uint32_t firsts = 1;
    for (unsigned i = 1; i < lanes; ++i)
      firsts |= uint32_t(offset[i] != offset[i - 1]) << i;
    bool fine = true;
    while (firsts && fine) {
      unsigned i = unsigned(__builtin_ctz(firsts));
      firsts &= firsts - 1;
      unsigned next = firsts ? unsigned(__builtin_ctz(firsts)) : lanes;
      const SharedWrite &write = writes[offset[i] >> sharedShift];
      uint32_t limit = write.who == self ? now : seen[write.who].clock;
      fine = write.when != 0 && clockOf(write.when) < limit;
      SharedRead &read = own[offset[i] >> sharedShift];
      bool another =
          next - i > 1 || (clockOf(read.when) == now && laneOf(read.when) != i);
      read = {moment(now, another ? severalLanes : i), source};
    }
    if (fine)
      return;
  }
  bool clean = false; // the lane before read, and nothing was wrong
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1)) {
      clean = false;
      continue;
    }
    const uint32_t first = offset[i] >> sharedShift;
    if (!Writes && clean && offset[i] == offset[i - 1]) {
      for (uint32_t c = first; c < first + count; ++c)
        own[c].when = moment(now, severalLanes);
      continue;
    }
    clean = true;
    for (uint32_t c = first; c < first + count; ++c) {
      if (flights && home.flying[c])
        flying(access, home, c, i);
      if (Writes && readers && home.readers[c])
        overwritten(access, home, c, i);
      SharedWrite &write = writes[c];
      bool wrong = write.who == self
                       ? clockOf(write.when) == now && laneOf(write.when) != i
                       : clockOf(write.when) >= seen[write.who].clock;
      bool found = false;
      clean &= !wrong && write.when && write.who != self && !flights;
      if (wrong)
        found = conflict(access,
                         {firstWarp + write.who, write.when, write.source,
                          /*writes=*/true},
                         i, offset[i], &home);
      if (init && !write.when) {
        undefined(access, i, offset[i], "shared");
        found = true;
      }
      if constexpr (Writes) {
        for (uint32_t w = 0; w < warps; ++w) {
          const SharedRead &read = reads[w * granules + c];
          bool other = w == self
                           ? clockOf(read.when) == now && laneOf(read.when) != i
                           : clockOf(read.when) >= seen[w].clock;
          if (other && read.when)
            found |= conflict(
                access,
                {firstWarp + w, read.when, read.source, /*writes=*/false}, i,
                offset[i], &home);
        }
        write = {self, moment(now, i), source};
      }
      if (!Writes || access.reads) {
        Moment &when = own[c].when;
        bool another = clockOf(when) == now && laneOf(when) != i;
        when = moment(now, another ? severalLanes : i);
        own[c].source = source;
      }
      if (found) // once an access
        break;
    }
  }
}

template void Checker::sharedRaces<false>(Access &, WatchedBlock &,
                                          const uint32_t *);
template void Checker::sharedRaces<true>(Access &, WatchedBlock &,
                                         const uint32_t *);

/// Whether the other access comes before this one.
bool Checker::known(const Access &access, const Other &other,
                    unsigned lane) const {
  const WarpClock &clock = access.watched.clock;
  const WatchedCluster &cluster = *access.warp.block->watched->cluster;
  uint32_t in = other.who - cluster.firstWarp;
  if (in == clock.self)
    return clockOf(other.when) < clock.clock || laneOf(other.when) == lane;
  return clock.knows.has(other.who, other.when, cluster.firstWarp);
}

/// A store of what is there already, or of what the other lane of the same
/// instruction stores, changes nothing.
bool Checker::writesTheSame(const Access &access, const Other &other,
                            unsigned lane, uint64_t address,
                            const WatchedBlock *home) const {
  const ptx::Instruction &store = *access.op.source;
  if (access.insight.kind != Insight::Kind::Store)
    return false;
  const ptx::Operand &value = store.operands[1];
  unsigned bytes = ptx::byteSize(store.type()), width = bytes;
  auto look = [&](const ptx::Operand &operand) {
    if (operand.is(ptx::Operand::Kind::Register))
      width = std::max(1u, ptx::byteSize(operand.type));
  };
  look(value);
  for (const ptx::Operand &element : value.elements)
    look(element);
  const uint32_t *rows = access.warp.extras(access.op);
  bool sameOp = other.source >> 4 == access.op.index &&
                laneOf(other.when) < lanes &&
                access.mask >> laneOf(other.when) & 1 &&
                access.address[laneOf(other.when)] == access.address[lane] &&
                other.who == access.warp.block->watched->cluster->firstWarp +
                                 access.watched.clock.self;
  const std::byte *memory = home ? home->block->sharedBase + address
                                 : reinterpret_cast<const std::byte *>(address);
  for (unsigned k = 0; k < access.op.count; ++k) {
    const std::byte *own = access.warp.r + rows[k];
    const std::byte *before =
        sameOp ? own + laneOf(other.when) * width : memory + k * bytes;
    if (std::memcmp(own + lane * width, before, bytes) != 0)
      return false;
  }
  return true;
}

/// Reports a race unless the accesses are ordered or both strong.
bool Checker::conflict(const Access &access, const Other &other, unsigned lane,
                       uint64_t address, const WatchedBlock *home) {
  if (!other.when || known(access, other, lane))
    return false;
  const WatchedCluster &cluster = *access.warp.block->watched->cluster;
  uint32_t in = other.who - cluster.firstWarp;
  Scope needed = in >= clusterWarps ? Scope::Gpu
                 : in / grid.warps != access.watched.clock.self / grid.warps
                     ? Scope::Cluster
                     : Scope::Block;
  bool strong = access.insight.strong && isStrong(other.source);
  bool narrow = strong && (access.insight.scope < needed ||
                           scopeOf(other.source) < needed);
  bool mixed = strong && access.async != bool(other.source & asynchronous);
  if (strong && !narrow && !mixed)
    return false;
  // What a copy to global memory will write is not there yet.
  bool isThere = home || !(other.source & asynchronous);
  if (access.writes && other.writes && !access.reads && isThere &&
      writesTheSame(access, other, lane, address, home))
    return false;
  // Of a copy: who began it, and whether only its end is not known.
  Other begun = other;
  bool isCopy = (other.who - 1) % clusterNumbers >= clusterWarps;
  bool early = isCopy;
  if (isCopy && home) {
    const WatchedAgent &agent = cluster.agents[in - clusterWarps];
    begun.who = cluster.firstWarp + agent.issuer;
    begun.when = moment(0, agent.lane);
  } else if (isCopy) {
    const Issue &issue = issues[issueKey(other.who, clockOf(other.when))];
    begun.who = issue.who;
    begun.when = issue.when;
    early = known(access, begun, lane);
  }
  char where[64];
  std::snprintf(where, sizeof where, " at 0x%" PRIx64, address);
  Finding finding;
  finding.check = early ? Check::Wait : Check::Race;
  if (!has(finding.check))
    return false;
  finding.kernel = grid.kernel->name;
  finding.message = ptx::fullName(*access.op.source) + " " +
                    (access.writes ? "writes " : "reads ") +
                    std::to_string(access.bytes) + " bytes of " +
                    (home ? "shared" : "global") + " memory" + where +
                    ", which " + (early ? "a copy" : "another thread") +
                    (!other.writes ? " reads"
                     : early       ? " wrote"
                                   : " writes") +
                    (early ? " that was not waited for" : "") +
                    ", and nothing orders the two" +
                    (mixed    ? ": atomic accesses of two proxies"
                     : narrow ? ": the scope of an atomic access is too narrow"
                              : "");
  finding.place = place(access.op, access.warp, lane);
  finding.hasOther = true;
  finding.other = placeOf(begun.who, laneOf(begun.when), other.source >> 4);
  findings.add(std::move(finding));
  return true;
}

} // namespace moe::ptxsim
