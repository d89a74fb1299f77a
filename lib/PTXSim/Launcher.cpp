// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Launcher.h"
#include "Observer.h"

#include <algorithm>
#include <thread>

namespace moe::ptxsim {

namespace {

/// Warp instructions after which a block makes room for another one, which may
/// be the one that it waits for.
constexpr uint64_t turnOfBlock = 1 << 16;

} // namespace

Launcher::Launcher(const Grid &grid, uint32_t resident) : grid(grid) {
  blocksOfCluster = grid.cluster[0] * grid.cluster[1] * grid.cluster[2];
  clusters =
      uint64_t(grid.grid[0]) * grid.grid[1] * grid.grid[2] / blocksOfCluster;
  this->resident = std::max(1u, resident / blocksOfCluster);
}

void Launcher::start(Cluster &cluster, Grid &on, uint64_t number) const {
  cluster.grid = &on;
  cluster.blocks.resize(blocksOfCluster);
  cluster.start();
  Dim3 counts, first;
  for (unsigned i = 0; i < 3; ++i)
    counts[i] = on.grid[i] / on.cluster[i];
  first[0] = uint32_t(number % counts[0]) * on.cluster[0];
  first[1] = uint32_t(number / counts[0] % counts[1]) * on.cluster[1];
  first[2] = uint32_t(number / counts[0] / counts[1]) * on.cluster[2];
  for (uint32_t rank = 0; rank < blocksOfCluster; ++rank) {
    Dim3 id = first;
    id[0] += rank % on.cluster[0];
    id[1] += rank / on.cluster[0] % on.cluster[1];
    id[2] += rank / on.cluster[0] / on.cluster[1];
    cluster.blocks[rank].start(on, cluster, id, rank);
  }
  if (on.observer)
    on.observer->start(cluster.blocks);
}

bool Launcher::step(Cluster &cluster, Grid &on, uint64_t budget) {
  auto steps = [&] {
    uint64_t sum = 0;
    for (const Block &block : cluster.blocks)
      for (const Warp &warp : block.warps)
        sum += warp.warpInstructions;
    return sum;
  };
  uint64_t begin = steps();
  for (;;) {
    bool progress = false, left = false;
    for (Block &block : cluster.blocks) {
      if (block.done())
        continue;
      left = true;
      progress |= block.pass();
    }
    progress |= cluster.pass();
    if (!left) {
      cluster.end();
      return false;
    }
    if (!progress && !cluster.relieve(steps())) {
      std::string text = "deadlock: no warp can go on";
      for (Block &block : cluster.blocks)
        if (!block.done()) {
          text += block.places();
          for (Warp &warp : block.warps)
            if (!warp.done())
              on.running = &warp;
        }
      fault(ErrorKind::Deadlock, text);
    }
    uint64_t done = steps() - begin;
    if (done >= budget) {
      on.steps += done;
      if (on.device->options.maxSteps && on.steps > on.device->options.maxSteps)
        fault(ErrorKind::Deadlock,
              "the launch ran more than " +
                  std::to_string(on.device->options.maxSteps) +
                  " warp instructions (MOE_SIM_STEPS)");
      return true;
    }
    if (failed.load(std::memory_order_relaxed))
      return true;
  }
}

void Launcher::report(const Fault &fault, const Grid &on) {
  std::lock_guard<std::mutex> lock(mutex);
  if (failed.exchange(true))
    return;
  error = Error::make(fault.kind, fault.message);
  error.kernel = on.kernel->name;
  const Warp *warp = fault.warp ? fault.warp : on.running;
  if (!warp || !warp->block)
    return;
  error.block = warp->block->id;
  const auto &ops = on.code->ops;
  const Op &op = fault.op ? *fault.op
                          : ops[std::min<size_t>(warp->now.pc, ops.size() - 1)];
  error.line = op.line;
  uint32_t mask =
      fault.mask & (!fault.warp && warp->now.mask ? warp->now.mask : allLanes);
  uint32_t thread = warp->index * lanes + (mask ? firstLane(mask) : 0);
  error.thread = {thread % on.block[0], thread / on.block[0] % on.block[1],
                  thread / on.block[0] / on.block[1]};
  if (on.observer)
    on.observer->fault(error);
}

void Launcher::work(uint32_t worker) {
  Grid own = grid; // ranges and random states are of one thread of the host
  own.ranges.assign(own.code->ops.size(), {});
  const Options &options = own.device->options;
  own.random = options.scheduleSeed + worker * 0x1234567;
  own.asyncRandom = options.asyncSeed + worker * 0x1234567;
  std::deque<std::unique_ptr<Cluster>> begun;
  std::unique_ptr<Cluster> spare;
  bool random = options.scheduleSeed != 0;
  // With a seed blocks are mixed, and every block may begin before any other
  // ends; without, one runs until it ends or seems to wait for another.
  size_t limit = std::max(1u, resident / options.threads);
  LaunchStatistics sum;
  std::unique_ptr<Cluster> cluster; // a report of a fault looks into it
  try {
    while (!failed) {
      bool mayStart = begun.size() < limit && (!random || begun.size() < 2 ||
                                               nextRandom(own.random) % 8 == 0);
      uint64_t number = mayStart ? next.fetch_add(1) : clusters;
      if (number < clusters) {
        cluster = spare ? std::move(spare) : std::make_unique<Cluster>();
        start(*cluster, own, number);
        if (random) {
          begun.push_back(std::move(cluster));
          continue;
        }
      } else if (begun.empty()) {
        break;
      } else {
        size_t which = random ? nextRandom(own.random) % begun.size() : 0;
        cluster = std::move(begun[which]);
        begun.erase(begun.begin() + std::ptrdiff_t(which));
      }
      if (step(*cluster, own,
               random ? 1 + nextRandom(own.random) % 2000 : turnOfBlock)) {
        begun.push_back(std::move(cluster));
        continue;
      }
      if (own.observer)
        own.observer->end(cluster->blocks);
      for (Block &block : cluster->blocks)
        for (Warp &warp : block.warps) {
          sum.warpInstructions += warp.warpInstructions;
          sum.threadInstructions += warp.threadInstructions;
          warp.warpInstructions = warp.threadInstructions = 0;
        }
      spare = std::move(cluster);
    }
  } catch (const Fault &fault) {
    report(fault, own);
  }
  std::lock_guard<std::mutex> lock(mutex);
  total.warpInstructions += sum.warpInstructions;
  total.threadInstructions += sum.threadInstructions;
}

Error Launcher::run(LaunchStatistics *statistics) {
  // Who looks on looks at one thing at a time.
  uint32_t threads = grid.observer ? 1 : grid.device->options.threads;
  if (threads > clusters)
    threads = uint32_t(clusters);
  std::vector<std::thread> helpers;
  for (uint32_t i = 1; i < threads; ++i)
    helpers.emplace_back([this, i] { work(i); });
  work(0);
  for (std::thread &helper : helpers)
    helper.join();
  if (statistics)
    *statistics = total;
  return error;
}

} // namespace moe::ptxsim
