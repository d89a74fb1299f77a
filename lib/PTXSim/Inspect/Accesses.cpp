// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From instructions to accesses of a state space, and what strong ones and
// fences order.
#include "../Access.h"
#include "Checker.h"

#include <algorithm>

namespace moe::ptxsim {

void Checker::observe(const Op &op, Warp &warp, uint32_t mask) {
  if (!op.source)
    return;
  const Insight &insight = insights[op];
  if (has(Check::Init) && warp.now.frame == &warp.bottom)
    registers(op, insight, warp, mask);
  if (insights.hasProducts && insight.kind != Insight::Kind::Wgmma &&
      warp.now.frame == &warp.bottom)
    productRegisters(op, insight, warp, mask);
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
  case Kind::FenceProxy: {
    WarpClock &clock = watched(warp).clock;
    auto fence = [&](Knowledge &proxied) {
      proxied.join(clock.knows);
      proxied.cluster[clock.self].join(clock.own(mask, warp.live));
    };
    if (insight.fencesShared)
      fence(clock.proxied);
    if (insight.fencesGlobal)
      fence(clock.proxiedGlobal);
    ++clock.clock;
    return;
  }
  case Kind::Wgmma:
    if (ordered)
      product(op, insight, warp, mask);
    return;
  case Kind::WgmmaCommit:
    ++watched(warp).productGroups;
    return;
  case Kind::WgmmaWait:
    return productWait(warp, uint64_t(op.imm));
  case Kind::WgmmaFence:
    watched(warp).touched.assign(watched(warp).touched.size(), false);
    return;
  case Kind::BulkWait:
    bulkWait(warp, mask, op.imm);
    if (!op.width)
      storesDone(warp, mask, op.imm);
    return;
  case Kind::Fence: {
    if (!ordered)
      return;
    WatchedWarp &own = watched(warp);
    uint32_t first = warp.block->watched->cluster->firstWarp;
    if (own.clock.hasFound)
      own.clock.learn(own.clock.found, first);
    own.clock.hasFound = false;
    own.clock.found.clear();
    own.clock.hasFence = true;
    own.clock.fenced.clear();
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
  if (where == Window::ParamArea || where == Window::KernelParam)
    return;
  addresses(op, warp, address);
  if (insight.kind == Kind::LoadMatrix || insight.kind == Kind::StoreMatrix) {
    uint32_t used = op.count * 8u;
    access.mask = used >= lanes ? allLanes : (1u << used) - 1;
  }
  divide(access, uint8_t(where));
}

void Checker::accessOf(const Op &op, Warp &warp, uint32_t mask,
                       const uint64_t *addresses, uint32_t bytes, bool writes) {
  uint64_t address[lanes];
  std::copy_n(addresses, lanes, address);
  Access access{op,    insights[op], warp,   watched(warp), mask,
                bytes, !writes,      writes, false,         address};
  divide(access, uint8_t(window(op)));
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
  const Block &own = *access.warp.block;
  uint64_t *a = access.address;
  // Lanes that are off look at the place of one that is not.
  uint64_t any = a[firstLane(access.mask)];
  if (access.mask != allLanes)
    for (unsigned i = 0; i < lanes; ++i)
      a[i] = access.mask >> i & 1 ? a[i] : any;
  uint64_t base = uint64_t(own.rank) << Memory::sharedRankShift;
  uint64_t last = own.sharedBytes - access.bytes, outside = 0, bits = 0;
  for (unsigned i = 0; i < lanes; ++i) {
    outside |= uint64_t(a[i] - base > last);
    bits |= a[i];
  }
  uint32_t alignment = access.bytes & -access.bytes;
  if (!outside && !(bits & (alignment - 1)) &&
      own.sharedBytes >= access.bytes) {
    uint32_t offset[lanes];
    for (unsigned i = 0; i < lanes; ++i)
      offset[i] = uint32_t(a[i] - base);
    return sharedAccessOf(access, *own.watched, offset);
  }
  // To other blocks of the cluster, or wrong.
  WatchedCluster &cluster = *own.watched->cluster;
  for (uint32_t todo = access.mask; todo;) {
    uint64_t rank = a[firstLane(todo)] >> Memory::sharedRankShift;
    uint32_t offset[lanes] = {};
    access.mask = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      if (!(todo >> i & 1) || a[i] >> Memory::sharedRankShift != rank)
        continue;
      todo &= ~(1u << i);
      offset[i] = uint32_t(a[i] & ((1u << Memory::sharedRankShift) - 1));
      // What will fail is not looked at.
      bool valid = rank < cluster.blocks.size() &&
                   uint64_t(offset[i]) + access.bytes <=
                       cluster.blocks[rank].block->sharedBytes &&
                   !(offset[i] & (alignment - 1));
      access.mask |= uint32_t(valid) << i;
    }
    if (access.mask)
      sharedAccessOf(access, cluster.blocks[rank], offset);
  }
}

/// `offset`: in the shared memory of the block.
void Checker::sharedAccessOf(Access &access, WatchedBlock &home,
                             const uint32_t *offset) {
  if (ordered) { // knows what was written, too
    if (access.writes)
      sharedRaces<true>(access, home, offset);
    else
      sharedRaces<false>(access, home, offset);
    if (access.insight.strong)
      for (unsigned i = 0; i < lanes; ++i)
        if (access.mask >> i & 1)
          order(access, access.address[i], i, /*shared=*/true);
  } else if (has(Check::Init)) {
    uint64_t wide[lanes];
    std::copy_n(offset, lanes, wide);
    uint64_t *before = access.address;
    access.address = wide;
    bytesDefined(access, home.defined.data(), home.defined.size(), 0, 0,
                 "shared");
    access.address = before;
  }
  if (access.flies)
    fly(access, home, offset);
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
