// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cluster.h"
#include "Observer.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace moe::ptxsim {

namespace {

/// Turns after which an operation that was put off happens at last: others may
/// spin until it does.
constexpr uint32_t oldAge = 64;
/// Looks in vain at mbarriers that make the next operation happen.
constexpr uint32_t manyLooks = 64;
/// Waits that gave up, and instructions of warps after them, with nothing else
/// between, that are taken for a deadlock: enough for other clusters to run.
constexpr uint32_t manyTimeouts = 64;
constexpr uint64_t manySteps = 1 << 17;

std::string text(const Dim3 &d) {
  return "(" + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " +
         std::to_string(d[2]) + ")";
}

} // namespace

std::string describe(const SharedPlace &place) {
  char hex[16];
  std::snprintf(hex, sizeof hex, "0x%x", place.offset);
  return std::string("byte ") + hex + " of the shared memory of block " +
         text(place.block->id);
}

void faultOf(const Op &op, ErrorKind kind, unsigned lane,
             const std::string &why) {
  fault(kind, ptx::fullName(*op.source) + ": " + why, 1u << lane);
}

SharedPlace sharedPlace(const Op &op, const Warp &warp, unsigned lane,
                        Window window, uint64_t address, uint64_t bytes,
                        uint32_t alignment) {
  Block &own = *warp.block;
  const Memory &memory = *own.grid->memory;
  char hex[32];
  std::snprintf(hex, sizeof hex, "0x%" PRIx64, address);
  auto wrong = [&](ErrorKind kind, const std::string &why) {
    faultOf(op, kind, lane,
            std::to_string(bytes) + " bytes at " + hex + ": " + why);
  };
  if (window == Window::Generic) {
    if (!memory.inSharedWindow(address))
      wrong(ErrorKind::IllegalAddress, "not an address of shared memory");
    address -= memory.sharedWindow();
  }
  uint64_t rank = address >> Memory::sharedRankShift;
  uint64_t offset = address & ((1u << Memory::sharedRankShift) - 1);
  auto &blocks = own.cluster->blocks;
  if (rank != own.rank && window == Window::Shared)
    wrong(ErrorKind::IllegalAddress,
          "not in the shared memory of the block itself");
  if (rank >= blocks.size())
    wrong(ErrorKind::IllegalAddress, "of block " + std::to_string(rank) +
                                         " of a cluster of " +
                                         std::to_string(blocks.size()));
  Block &block = blocks[rank];
  if (offset + bytes > block.sharedBytes)
    wrong(ErrorKind::IllegalAddress, "the block has " +
                                         std::to_string(block.sharedBytes) +
                                         " bytes of shared memory");
  if (offset % alignment)
    wrong(ErrorKind::Misaligned,
          "not aligned to " + std::to_string(alignment) + " bytes");
  if (&block != &own && block.done())
    wrong(ErrorKind::IllegalAddress,
          "block " + std::to_string(rank) + " of the cluster has ended");
  return {&block, uint32_t(offset)};
}

void Cluster::start() {
  records.clear();
  seenMaps.clear();
  events = eventsAtTimeout = stepsAtTimeout = 0;
  timeouts = looks = 0;
}

bool Cluster::chance(uint32_t of) {
  return grid->device->options.async == AsyncOrder::Random &&
         nextRandom(grid->asyncRandom) % of == 0;
}

void Cluster::issue(AsyncRecord record) {
  if (grid->observer)
    grid->observer->issue(record);
  records.push_back(std::move(record));
  if (grid->device->options.async == AsyncOrder::Early || chance(4))
    perform(records.size() - 1);
}

void Cluster::perform(size_t index, bool readOnly) {
  AsyncRecord record = std::move(records[index]);
  try {
    if (!record.isRead && record.read)
      record.read(record);
    record.isRead = true;
    if (readOnly) {
      records[index] = std::move(record);
      return;
    }
    // It is gone before it is told of, which may begin others.
    records.erase(records.begin() + std::ptrdiff_t(index));
    ++events;
    if (grid->observer)
      grid->observer->perform(record);
    record.write(record);
  } catch (Fault &fault) {
    fault.warp = record.warp;
    fault.op = record.op;
    fault.mask = 1u << record.lane;
    throw;
  }
}

void Cluster::finishGroups(Warp &warp, uint32_t mask, uint32_t newest,
                           bool readOnly) {
  for (size_t i = 0; i < records.size();) {
    const AsyncRecord &record = records[i];
    bool waited = record.grouped && record.warp == &warp &&
                  mask >> record.lane & 1 &&
                  int64_t(record.group) <
                      int64_t(warp.bulkCommitted[record.lane]) - newest;
    if (waited)
      perform(i, readOnly);
    i += !waited || readOnly;
  }
}

void Cluster::looked(const SharedPlace &barrier) {
  if (++looks < manyLooks || records.empty())
    return;
  looks = 0;
  size_t which = 0;
  for (size_t i = records.size(); i--;)
    if (records[i].barrier.block == barrier.block &&
        records[i].barrier.offset == barrier.offset)
      which = i;
  perform(which);
}

bool Cluster::pass() {
  uint64_t before = events;
  for (Block &block : blocks)
    if (!block.ended && block.done())
      checkEnded(block);
  for (size_t i = 0; i < records.size();) {
    bool now = ++records[i].age > oldAge || chance(3);
    if (now)
      perform(i);
    i += !now;
  }
  return events != before;
}

/// What still reads or writes the shared memory of a block that has ended
/// would meet that of another one.
void Cluster::checkEnded(Block &block) {
  block.ended = true;
  ++events;
  for (const AsyncRecord &record : records) {
    bool reads = record.from.block == &block && !record.isRead;
    if (!reads && record.to.block != &block && record.barrier.block != &block)
      continue;
    throw Fault{ErrorKind::IllegalAddress,
                ptx::fullName(*record.op->source) + ": block " +
                    text(block.id) + " ended before its shared memory was " +
                    (reads ? "read" : "written") + ": a wait is missing",
                1u << record.lane, record.warp, record.op};
  }
}

bool Cluster::relieve(uint64_t steps) {
  if (!records.empty()) {
    // Those that someone waits for come first.
    auto isAwaited = [](const AsyncRecord &record) {
      if (!record.barrier.block)
        return false;
      auto waits = [&](const Group &group) {
        return group.mask && group.wait == Wait::Mbarrier &&
               group.data == record.barrier.offset;
      };
      for (const Warp &warp : record.barrier.block->warps)
        if (waits(warp.now) ||
            std::any_of(warp.rest.begin(), warp.rest.end(), waits))
          return true;
      return false;
    };
    auto it = std::find_if(records.begin(), records.end(), isAwaited);
    perform(it == records.end() ? 0 : size_t(it - records.begin()));
    return true;
  }
  if (events != eventsAtTimeout) {
    eventsAtTimeout = events;
    stepsAtTimeout = steps;
    timeouts = 0;
  }
  if (++timeouts > manyTimeouts && steps - stepsAtTimeout > manySteps)
    return false;
  bool any = false;
  auto giveUp = [&](Group &group) {
    if (!group.mask || group.wait != Wait::Mbarrier)
      return;
    group.wait = Wait::None;
    group.data2 = ~uint64_t(0);
    any = true;
  };
  for (Block &block : blocks)
    for (Warp &warp : block.warps) {
      giveUp(warp.now);
      for (Group &group : warp.rest)
        giveUp(group);
    }
  return any;
}

void Cluster::end() {
  while (!records.empty())
    perform(0);
}

uint32_t Cluster::arrived() const {
  uint32_t count = 0;
  for (const Block &block : blocks)
    for (const Warp &warp : block.warps)
      count += unsigned(__builtin_popcount(warp.clusterArrived));
  return count;
}

uint32_t Cluster::threads() const {
  return uint32_t(blocks.size()) * grid->threads;
}

void Cluster::arrive(Warp &warp, uint32_t mask) {
  uint32_t twice = (warp.clusterArrived | warp.clusterComplete) & mask;
  if (twice)
    fault(ErrorKind::IllegalInstruction,
          "barrier.cluster.arrive: a thread arrives twice without a "
          "barrier.cluster.wait between",
          twice);
  warp.clusterArrived |= mask;
  if (grid->observer)
    grid->observer->clusterArrive(warp, mask);
  checkBarrier();
}

void Cluster::checkBarrier() {
  bool any = false;
  for (const Block &block : blocks)
    for (const Warp &warp : block.warps) {
      if (warp.live & ~warp.clusterArrived)
        return;
      any |= warp.clusterArrived != 0;
    }
  if (!any)
    return;
  ++events;
  if (grid->observer)
    grid->observer->clusterComplete(*this);
  auto wake = [](Group &group) {
    if (group.wait == Wait::Cluster)
      group.wait = Wait::None;
  };
  for (Block &block : blocks)
    for (Warp &warp : block.warps) {
      warp.clusterComplete |= warp.clusterArrived & warp.live;
      warp.clusterArrived = 0;
      wake(warp.now);
      for (Group &group : warp.rest)
        wake(group);
    }
}

} // namespace moe::ptxsim
