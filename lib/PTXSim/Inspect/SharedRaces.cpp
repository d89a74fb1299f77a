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
void Checker::sharedRaces(Access &access, WatchedBlock &home) {
  WarpClock &clock = access.watched.clock;
  const Seen *seen = clock.knows.cluster.data();
  uint32_t warps = home.cluster->warps, self = clock.self, now = clock.clock;
  uint32_t count = access.bytes >> sharedShift;
  uint32_t firstWarp = home.cluster->firstWarp;
  const uint32_t source = access.source();
  SharedWrite *writes = home.writes.data();
  SharedRead *reads = home.reads.data();
  const bool flights = home.flights != 0;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(access.mask >> i & 1))
      continue;
    uint32_t first = uint32_t(access.address[i]) >> sharedShift;
    for (uint32_t c = first; c < first + count; ++c) {
      if (flights && home.flying[c])
        flying(access, home, c, i);
      SharedWrite &write = writes[c];
      SharedRead *row = reads + size_t(c) * warps;
      bool wrong = write.who == self
                       ? clockOf(write.when) == now && laneOf(write.when) != i
                       : clockOf(write.when) >= seen[write.who].clock;
      bool known = false;
      if (wrong)
        known = conflict(access,
                         {firstWarp + write.who, write.when, write.source,
                          /*writes=*/true},
                         i, access.address[i], /*shared=*/true);
      if constexpr (Writes) {
        for (uint32_t w = 0; w < warps; ++w) {
          Moment when = row[w].when;
          bool other = w == self ? clockOf(when) == now && laneOf(when) != i
                                 : clockOf(when) >= seen[w].clock;
          if (other && when)
            known |=
                conflict(access, {firstWarp + w, when, row[w].source, false}, i,
                         access.address[i], true);
        }
        write = {self, moment(now, i), source};
      }
      if (!Writes || access.reads) {
        SharedRead &read = row[self];
        if (clockOf(read.when) == now && laneOf(read.when) != i)
          read.when = moment(now, severalLanes);
        else
          read.when = moment(now, i);
        read.source = source;
      }
      if (known) // once an access
        break;
    }
  }
}

template void Checker::sharedRaces<false>(Access &, WatchedBlock &);
template void Checker::sharedRaces<true>(Access &, WatchedBlock &);

/// Whether the other access comes before this one.
bool Checker::known(const Access &access, const Other &other,
                    unsigned lane) const {
  const WarpClock &clock = access.watched.clock;
  const WatchedCluster &cluster = *access.warp.block->watched->cluster;
  uint32_t in = other.who - cluster.firstWarp;
  if (in == clock.self)
    return clockOf(other.when) < clock.clock || laneOf(other.when) == lane;
  if (in < cluster.warps)
    return covers(clock.knows.cluster[in], other.when);
  if (!clock.knows.others)
    return false;
  auto it = clock.knows.others->find(other.who);
  return it != clock.knows.others->end() && covers(it->second, other.when);
}

/// A store of what is there already, or of what the other lane of the same
/// instruction stores, changes nothing.
bool Checker::writesTheSame(const Access &access, const Other &other,
                            unsigned lane, bool shared) const {
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
  const std::byte *memory =
      shared
          ? access.warp.block->watched->cluster->blocks[access.warp.block->rank]
                    .block->sharedBase +
                access.address[lane]
          : reinterpret_cast<const std::byte *>(access.address[lane]);
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
                       uint64_t address, bool shared) {
  if (!other.when || known(access, other, lane))
    return false;
  const WatchedCluster &cluster = *access.warp.block->watched->cluster;
  uint32_t in = other.who - cluster.firstWarp;
  Scope needed = in >= cluster.warps ? Scope::Gpu
                 : in / grid.warps != access.watched.clock.self / grid.warps
                     ? Scope::Cluster
                     : Scope::Block;
  bool strong = access.insight.strong && isStrong(other.source);
  bool narrow = strong && (access.insight.scope < needed ||
                           scopeOf(other.source) < needed);
  if (strong && !narrow)
    return false;
  if (access.writes && other.writes && !access.reads &&
      writesTheSame(access, other, lane, shared))
    return false;
  char where[64];
  std::snprintf(where, sizeof where, " at 0x%" PRIx64, address);
  Finding finding;
  finding.check = Check::Race;
  finding.kernel = grid.kernel->name;
  finding.message =
      ptx::fullName(*access.op.source) + " " +
      (access.writes ? "writes " : "reads ") + std::to_string(access.bytes) +
      " bytes of " + (shared ? "shared" : "global") + " memory" + where +
      (other.writes ? ", which another thread writes"
                    : ", which another thread reads") +
      ", and nothing orders the two" +
      (narrow ? ": the scope of an atomic access is too narrow" : "");
  finding.place = place(access.op, access.warp, lane);
  finding.hasOther = true;
  finding.other = placeOf(other.who, laneOf(other.when), other.source >> 4);
  findings.add(std::move(finding));
  return true;
}

} // namespace moe::ptxsim
