// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From instructions to accesses of a state space, and what strong ones and
// fences order.
#include "../Access.h"
#include "Checker.h"

namespace moe::ptxsim {

void Checker::observe(const Op &op, Warp &warp, uint32_t mask) {
  if (!op.source)
    return;
  const Insight &insight = insights[op];
  if (has(Check::Init) && warp.now.frame == &warp.bottom)
    registers(op, insight, warp, mask);
  if (!mask)
    return;
  using Kind = Insight::Kind;
  switch (insight.kind) {
  case Kind::Load:
  case Kind::Store:
  case Kind::Atomic:
  case Kind::LoadMatrix:
  case Kind::StoreMatrix:
    return access(op, insight, warp, mask);
  case Kind::CopyAsync:
    return copy(op, insight, warp, mask);
  case Kind::CopyCommit:
    for (unsigned i = 0; i < lanes; ++i)
      watched(warp).committed[i] += mask >> i & 1;
    return;
  case Kind::CopyWait:
    return land(warp, mask, op.imm);
  case Kind::CopyWaitAll:
    return land(warp, mask, -1);
  case Kind::WarpBarrier: {
    const uint32_t *members = warp.row<uint32_t>(op.o[1]);
    for (unsigned i = 0; has(Check::Sync) && i < lanes; ++i)
      if (mask >> i & 1 && !(members[i] >> i & 1)) {
        report(Check::Sync, op, warp, i,
               "runs in a lane that its member mask does not name");
        break;
      }
    return;
  }
  case Kind::Fence: {
    if (!has(Check::Race))
      return;
    WatchedWarp &own = watched(warp);
    uint32_t first = warp.block->watched->cluster->firstWarp;
    if (own.clock.hasFound)
      own.clock.learn(own.clock.found, first);
    own.clock.hasFound = false;
    own.clock.found.all.clear();
    own.clock.hasFence = true;
    own.clock.fenced.all.clear();
    own.clock.tell(own.clock.fenced, first, mask, warp.live);
    ++own.clock.clock;
    return;
  }
  default:
    return;
  }
}

void Checker::access(const Op &op, const Insight &insight, Warp &warp,
                     uint32_t mask) {
  uint64_t address[lanes];
  using Kind = Insight::Kind;
  bool isStore =
      insight.kind == Kind::Store || insight.kind == Kind::StoreMatrix;
  Access access{
      op,    insight,       warp,     watched(warp),
      mask,  insight.bytes, !isStore, isStore || insight.kind == Kind::Atomic,
      false, address};
  Window where = window(op);
  if (where == Window::ParamArea)
    return;
  if (where == Window::KernelParam) {
    if (has(Check::Memory) &&
        uint64_t(op.imm) + insight.bytes > grid.kernel->paramBytes)
      report(Check::Memory, op, warp, firstLane(mask),
             std::to_string(insight.bytes) + " bytes at " +
                 std::to_string(op.imm) + " of the parameters, which have " +
                 std::to_string(grid.kernel->paramBytes));
    return;
  }
  addresses(op, warp, address);
  if (insight.kind == Kind::LoadMatrix || insight.kind == Kind::StoreMatrix) {
    uint32_t used = op.count * 8u;
    access.mask = used >= lanes ? allLanes : (1u << used) - 1;
  }
  divide(access, uint8_t(where));
}

/// Generic addresses are those of a window each.
void Checker::divide(Access &access, uint8_t where) {
  uint64_t *a = access.address;
  switch (Window(where)) {
  case Window::Global:
    return globalAccess(access);
  case Window::Shared:
  case Window::Cluster:
    return sharedAccess(access);
  case Window::Local:
    return localAccess(access);
  default:
    break;
  }
  const Memory &memory = *grid.memory;
  uint32_t all = access.mask, shared = 0, local = 0;
  for (unsigned i = 0; i < lanes; ++i) {
    shared |= uint32_t(memory.inSharedWindow(a[i])) << i;
    local |= uint32_t(memory.inLocalWindow(a[i])) << i;
  }
  if ((access.mask = all & ~shared & ~local))
    globalAccess(access);
  for (unsigned i = 0; i < lanes; ++i)
    a[i] -= shared >> i & 1  ? memory.sharedWindow()
            : local >> i & 1 ? memory.localWindow()
                             : 0;
  if ((access.mask = all & shared))
    sharedAccess(access);
  if ((access.mask = all & local))
    localAccess(access);
}

void Checker::sharedAccess(Access &access) {
  WatchedCluster &cluster = *access.warp.block->watched->cluster;
  uint64_t *a = access.address;
  // Lanes may go to different blocks of the cluster.
  for (uint32_t todo = access.mask; todo;) {
    uint64_t rank = a[firstLane(todo)] >> Memory::sharedRankShift;
    uint32_t same = 0;
    for (unsigned i = 0; i < lanes; ++i)
      same |= uint32_t(a[i] >> Memory::sharedRankShift == rank) << i;
    access.mask = todo & same;
    todo &= ~same;
    if (rank >= cluster.blocks.size())
      continue; // the access itself will fail
    WatchedBlock &home = cluster.blocks[rank];
    uint64_t offset[lanes];
    for (unsigned i = 0; i < lanes; ++i) {
      offset[i] = a[i] & ((1u << Memory::sharedRankShift) - 1);
      if (access.mask >> i & 1 &&
          (offset[i] + access.bytes > home.block->sharedBytes ||
           offset[i] & (access.bytes & -access.bytes) - 1))
        access.mask &= ~(1u << i);
    }
    if (!access.mask)
      continue;
    uint64_t *before = access.address;
    access.address = offset;
    if (has(Check::Init))
      bytesDefined(access, home.defined.data(), home.defined.size(), 0, 0,
                   "shared");
    if (has(Check::Race)) {
      if (access.writes)
        sharedRaces<true>(access, home);
      else
        sharedRaces<false>(access, home);
      if (access.insight.strong)
        for (unsigned i = 0; i < lanes; ++i)
          if (access.mask >> i & 1)
            order(access, before[i], i, /*shared=*/true);
    }
    if (access.flies)
      fly(access, home);
    access.address = before;
  }
}

void Checker::localAccess(Access &access) {
  if (!has(Check::Init))
    return;
  uint64_t stride = access.warp.localStride;
  for (unsigned i = 0; i < lanes; ++i)
    if (access.address[i] + access.bytes > stride)
      access.mask &= ~(1u << i);
  bytesDefined(access, access.watched.localDefined.data(),
               access.watched.localDefined.size(), 0, stride, "local");
}

/// A strong access: releases what the warp or its last fence knows, and
/// acquires, at once or with the next fence, what was released there.
void Checker::order(Access &access, uint64_t address, unsigned lane,
                    bool shared) {
  WarpClock &clock = access.watched.clock;
  WatchedCluster &cluster = *access.warp.block->watched->cluster;
  auto &map = shared ? cluster.messages : messages;
  uint64_t key = address / 4;
  if (access.reads) {
    auto it = map.find(key);
    if (it != map.end()) {
      if (access.insight.acquires)
        clock.learn(it->second, cluster.firstWarp);
      else {
        clock.hasFound = true;
        clock.found.join(it->second);
      }
    }
  }
  if (!access.writes)
    return;
  if (access.insight.releases) {
    clock.tell(map[key], cluster.firstWarp, 1u << lane, access.warp.live);
    ++clock.clock;
  } else if (clock.hasFence) {
    map[key].join(clock.fenced);
  }
}

} // namespace moe::ptxsim
