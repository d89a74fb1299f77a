// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The course of a launch: clusters, barriers, faults, findings.
#include "Checker.h"

#include <algorithm>

namespace moe::ptxsim {

Checker::Checker(const Grid &grid, uint32_t checks, Findings &findings)
    : grid(grid), checks(checks),
      ordered(checks &
              (bit(Check::Race) | bit(Check::Wait) | bit(Check::Proxy))),
      findings(findings), insights(*grid.code),
      sharedShift(unsigned(__builtin_ctz(insights.sharedGranule))),
      globalShift(unsigned(__builtin_ctz(insights.globalGranule))) {
  std::fill_n(cachedNumber, cachedPages, ~uint64_t(0));
  std::fill_n(cachedCells, cachedPages, nullptr);
  ranges.resize(grid.code->ops.size());
  orderedGlobal = has(Check::Race) || (ordered && insights.hasGlobalCopies);
  clusterWarps =
      grid.cluster[0] * grid.cluster[1] * grid.cluster[2] * grid.warps;
  clusterNumbers = clusterWarps + agentSlots +
                   (insights.hasGlobalCopies ? clusterWarps * lanes : 0);
}

void Checker::start(std::vector<Block> &blocks) {
  if (spare.empty()) {
    clusters.push_back(std::make_unique<WatchedCluster>());
    spare.push_back(clusters.back().get());
  }
  WatchedCluster *cluster = spare.back();
  spare.pop_back();
  const Dim3 &id = blocks[0].id;
  uint64_t number = 0;
  for (unsigned i = 3; i-- > 0;)
    number =
        number * (grid.grid[i] / grid.cluster[i]) + id[i] / grid.cluster[i];
  cluster->blocks.resize(blocks.size());
  cluster->warps = clusterWarps;
  cluster->slots = clusterWarps + agentSlots;
  cluster->firstWarp = uint32_t(number * clusterNumbers + 1);
  std::fill_n(cluster->agents, agentSlots, WatchedAgent());
  cluster->agentsUsed = 0;
  cluster->gathering.clear(cluster->slots);
  cluster->gathered.clear(cluster->slots);
  cluster->messages.clear();
  const FunctionCode &kernel = grid.code->functions.front();
  for (uint32_t rank = 0; rank < blocks.size(); ++rank) {
    WatchedBlock &home = cluster->blocks[rank];
    Block &block = blocks[rank];
    block.watched = &home;
    home.cluster = cluster;
    home.block = &block;
    home.firstWarp = rank * grid.warps;
    size_t granules = (size_t(block.sharedBytes) >> sharedShift) + 1;
    if (ordered) {
      home.writes.assign(granules, {});
      home.reads.assign(granules * cluster->warps, {});
    }
    home.flying.assign(insights.hasCopies ? granules : 0, 0);
    home.flights = 0;
    home.readers.assign(insights.hasProxies ? granules : 0, 0);
    home.readerFlights = 0;
    home.mbarriers.clear();
    home.defined.assign(block.sharedBytes / 64 + 1, 0);
    for (WatchedBarrier &barrier : home.barriers)
      barrier.used = false;
    home.warps.resize(block.warps.size());
    for (uint32_t i = 0; i < home.warps.size(); ++i) {
      WatchedWarp &warp = home.warps[i];
      warp.clock.start(home.firstWarp + i, cluster->slots);
      warp.began = block.warps[i].live;
      warp.copies.clear();
      std::fill_n(warp.committed, lanes, 0);
      warp.bulkReads.clear();
      warp.products.clear();
      warp.productGroups = 0;
      warp.stores = 0;
      warp.passed = nullptr;
      if (insights.hasProducts)
        warp.touched.assign(kernel.frameBytes / 64 + 1, false);
      if (!has(Check::Init))
        continue;
      warp.registers.assign(kernel.frameBytes / 64 + 1, allLanes);
      std::fill_n(warp.registers.begin(), kernel.registerBytes / 64, 0);
      warp.localDefined.assign(
          size_t(block.warps[i].localStride) * lanes / 64 + 1, 0);
    }
  }
}

void Checker::end(std::vector<Block> &blocks) {
  for (Block &block : blocks) {
    WatchedBlock &home = *block.watched;
    for (unsigned i = 0; has(Check::Sync) && i < 16; ++i) {
      const Barrier &barrier = block.barriers[i];
      if (!barrier.used)
        continue;
      unsigned arrived = 0, warp = 0;
      for (uint32_t w = 0; w < barrier.arrived.size(); ++w)
        if (barrier.arrived[w]) {
          arrived += unsigned(__builtin_popcount(barrier.arrived[w]));
          warp = w;
        }
      const Op &op = grid.code->ops[home.barriers[i].from[warp] - 1];
      report(Check::Sync, op, block.warps[warp],
             firstLane(barrier.arrived[warp]),
             "the block ends while " + std::to_string(arrived) +
                 " threads have arrived at barrier " + std::to_string(i) +
                 ", which expects " +
                 std::to_string(barrier.expected ? barrier.expected
                                                 : grid.threads));
    }
  }
  spare.push_back(blocks[0].watched->cluster);
  for (Block &block : blocks)
    block.watched = nullptr;
}

void Checker::arrive(Block &block, Warp &warp, unsigned number, uint32_t mask) {
  WatchedBlock &home = *block.watched;
  WatchedBarrier &barrier = home.barriers[number];
  WatchedWarp &own = watched(warp);
  if (!barrier.used) {
    barrier.used = true;
    barrier.from.assign(block.warps.size(), 0);
    barrier.gathering.clear(home.cluster->slots);
  }
  // The group already stands behind the barrier.
  const Op &op = grid.code->ops[warp.now.pc - 1];
  uint32_t &from = barrier.from[warp.index];
  if (has(Check::Sync) && from && from != op.index + 1 && insights[op].aligned)
    report(Check::Sync, op, warp, firstLane(mask),
           "lanes of one warp reach barrier " + std::to_string(number) +
               " at different instructions (the others at line " +
               std::to_string(grid.code->ops[from - 1].line) +
               "), but it is .aligned");
  from = op.index + 1;
  if (!ordered)
    return;
  tell(barrier.gathering, own, mask, warp.live);
  if (warp.now.wait != Wait::Barrier) // bar.arrive: it goes on
    ++own.clock.clock;
}

void Checker::complete(Block &block, unsigned number) {
  WatchedBarrier &barrier = block.watched->barriers[number];
  barrier.used = false;
  std::swap(barrier.gathering, barrier.gathered);
  if (!has(Check::Sync) || block.barriers[number].expected)
    return;
  uint32_t ended = 0;
  const Op *op = nullptr;
  const Warp *someone = nullptr;
  for (const Warp &warp : block.warps) {
    uint32_t began = block.watched->warps[warp.index].began;
    ended += unsigned(__builtin_popcount(
        began & ~block.barriers[number].arrived[warp.index]));
    if (uint32_t from = barrier.from[warp.index]) {
      op = &grid.code->ops[from - 1];
      someone = &warp;
    }
  }
  if (ended && op)
    report(Check::Sync, *op, *someone, firstLane(someone->live | 1u << 31),
           std::to_string(ended) +
               " threads of the block ended before barrier " +
               std::to_string(number) + ", which is for all of them");
}

void Checker::tell(Views &to, const WatchedWarp &from, uint32_t mask,
                   uint32_t live) const {
  const WarpClock &clock = from.clock;
  to.knows.join(clock.knows);
  to.knows.cluster[clock.self].join(clock.own(mask, live));
  if (insights.hasProxies)
    to.proxied.join(clock.proxied);
  if (insights.hasGlobalCopies)
    to.proxiedGlobal.join(clock.proxiedGlobal);
}

void Checker::learn(WatchedWarp &to, const Views &from) const {
  to.clock.knows.join(from.knows);
  if (insights.hasProxies)
    to.clock.proxied.join(from.proxied);
  if (insights.hasGlobalCopies)
    to.clock.proxiedGlobal.join(from.proxiedGlobal);
}

void Checker::pass(Warp &warp, unsigned number, uint32_t) {
  if (!ordered)
    return;
  WatchedWarp &own = watched(warp);
  learn(own, warp.block->watched->barriers[number].gathered);
  ++own.clock.clock;
}

void Checker::warpBarrier(Warp &warp, uint32_t) { ++watched(warp).clock.clock; }

void Checker::exit(Warp &warp, uint32_t mask) {
  if (!watched(warp).copies.empty())
    land(warp, mask, -1);
}

void Checker::fault(const Error &error) {
  Check check;
  switch (error.kind) {
  case ErrorKind::IllegalAddress:
  case ErrorKind::Misaligned:
    check = Check::Memory;
    break;
  case ErrorKind::Deadlock:
  case ErrorKind::IllegalInstruction:
    check = Check::Sync;
    break;
  default:
    return;
  }
  // A block that ends while something still has its shared memory.
  if (error.message.find("a wait is missing") != std::string::npos)
    check = Check::Wait;
  if (!has(check))
    return;
  Finding finding;
  finding.check = check;
  finding.kernel = error.kernel;
  finding.message = error.message;
  finding.place = {error.line, "", error.block, error.thread};
  for (const Op &op : grid.code->ops)
    if (op.line == error.line)
      finding.place.source = sourceOf(*grid.code, op);
  findings.add(std::move(finding));
}

Place Checker::place(const Op &op, const Warp &warp, unsigned lane) const {
  uint32_t thread = warp.index * lanes + lane;
  return {op.line,
          sourceOf(*grid.code, op),
          warp.block->id,
          {thread % grid.block[0], thread / grid.block[0] % grid.block[1],
           thread / grid.block[0] / grid.block[1]}};
}

Place Checker::placeOf(uint32_t who, uint32_t lane, uint32_t op) const {
  Place place;
  uint32_t number = (who - 1) / clusterNumbers;
  uint32_t warpOfCluster = (who - 1) % clusterNumbers;
  uint32_t rank = warpOfCluster / grid.warps, warp = warpOfCluster % grid.warps;
  Dim3 in{rank % grid.cluster[0], rank / grid.cluster[0] % grid.cluster[1],
          rank / grid.cluster[0] / grid.cluster[1]};
  for (unsigned i = 0; i < 3; ++i) {
    uint32_t count = grid.grid[i] / grid.cluster[i];
    place.block[i] = number % count * grid.cluster[i] + in[i];
    number /= count;
  }
  uint32_t thread = warp * lanes + (lane == severalLanes ? 0 : lane);
  place.thread = {thread % grid.block[0],
                  thread / grid.block[0] % grid.block[1],
                  thread / grid.block[0] / grid.block[1]};
  if (op < grid.code->ops.size()) {
    place.line = grid.code->ops[op].line;
    place.source = sourceOf(*grid.code, grid.code->ops[op]);
  }
  return place;
}

void Checker::report(Check check, const Op &op, const Warp &warp, unsigned lane,
                     std::string message) {
  Finding finding;
  finding.check = check;
  finding.kernel = grid.kernel->name;
  finding.message = ptx::fullName(*op.source) + ": " + std::move(message);
  finding.place = place(op, warp, lane);
  findings.add(std::move(finding));
}

} // namespace moe::ptxsim
