// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/ThreadPool.h"

#include <algorithm>
#include <chrono>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

using namespace moe::rt;

namespace {

/// Chunks a thread gets on average: enough to even out threads that run at
/// different speeds, few enough that claiming does not show.
constexpr int64_t chunksPerThread = 4;

/// Pauses between two looks at the clock and two yields.
constexpr int pausesPerRound = 64;

/// How long an idle worker spins. A futex wake takes tens of microseconds, so
/// this should outlast what runs serially between two regions of a step.
constexpr std::chrono::microseconds spinTime{500};

void cpuPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

long futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  static_assert(sizeof word == sizeof(uint32_t));
  return ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

uint32_t unclaimed(uint64_t claims) { return static_cast<uint32_t>(claims); }

} // namespace

int ThreadPool::availableCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

int ThreadPool::choose(int requested) {
  int cpus = availableCpus();
  return requested > 0 ? std::min(requested, cpus) : cpus;
}

ThreadPool::ThreadPool(int threads) {
  workers.reserve(std::max(threads, 1) - 1);
  try {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
    // A process at its thread limit computes the same with fewer.
  }
}

ThreadPool::~ThreadPool() {
  stopping.store(true, std::memory_order_seq_cst);
  epoch.fetch_add(1, std::memory_order_seq_cst);
  futex(epoch, FUTEX_WAKE_PRIVATE, INT32_MAX);
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::parallelFor(moe_kernel_fn newKernel, void *newCaptures,
                             int64_t newUnits, int64_t grain) {
  if (newUnits <= 0)
    return;
  grain = std::max<int64_t>(grain, 1);
  if (workers.empty() || newUnits <= grain ||
      busy.exchange(true, std::memory_order_acquire)) {
    newKernel(newCaptures, 0, newUnits);
    return;
  }
  int64_t wanted = threads() * chunksPerThread;
  int64_t size = std::max(grain, (newUnits + wanted - 1) / wanted);
  int64_t count = (newUnits + size - 1) / size;

  // Nothing of the region before is unclaimed, so no claim can succeed until
  // the new number is published.
  kernel.store(newKernel, std::memory_order_relaxed);
  captures.store(newCaptures, std::memory_order_relaxed);
  units.store(newUnits, std::memory_order_relaxed);
  chunk.store(size, std::memory_order_relaxed);
  pending.store(count, std::memory_order_relaxed);
  uint64_t region = (claims.load(std::memory_order_relaxed) >> 32) + 1;
  claims.store((region << 32) | static_cast<uint64_t>(count),
               std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) > 0) {
    epoch.fetch_add(1, std::memory_order_seq_cst);
    futex(epoch, FUTEX_WAKE_PRIVATE, INT32_MAX);
  }

  while (runOneChunk())
    ;
  // Whoever holds the last chunks may need this CPU to finish them.
  for (int spins = 0; pending.load(std::memory_order_acquire) > 0; ++spins) {
    cpuPause();
    if (spins % pausesPerRound == pausesPerRound - 1)
      ::sched_yield();
  }
  busy.store(false, std::memory_order_release);
}

bool ThreadPool::runOneChunk() {
  uint64_t seen = claims.load(std::memory_order_acquire);
  while (unclaimed(seen) > 0) {
    // These belong to the region in `seen` if the exchange succeeds: they do
    // not change while one of its chunks is unclaimed.
    moe_kernel_fn function = kernel.load(std::memory_order_relaxed);
    void *argument = captures.load(std::memory_order_relaxed);
    int64_t total = units.load(std::memory_order_relaxed);
    int64_t size = chunk.load(std::memory_order_relaxed);
    if (!claims.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
      continue;
    // Chunks are claimed from the first to the last.
    int64_t count = (total + size - 1) / size;
    int64_t begin = (count - unclaimed(seen)) * size;
    function(argument, begin, std::min(begin + size, total));
    pending.fetch_sub(1, std::memory_order_release);
    return true;
  }
  return false;
}

void ThreadPool::awaitRegion() {
  auto hasWork = [this] {
    return unclaimed(claims.load(std::memory_order_seq_cst)) > 0 ||
           stopping.load(std::memory_order_relaxed);
  };
  auto deadline = std::chrono::steady_clock::now() + spinTime;
  do {
    for (int i = 0; i < pausesPerRound; ++i) {
      if (hasWork())
        return;
      cpuPause();
    }
    ::sched_yield();
  } while (std::chrono::steady_clock::now() < deadline);

  // The order matters: announce the sleep, then look again, so that a caller
  // who publishes meanwhile either is seen here or sees the sleeper.
  uint32_t before = epoch.load(std::memory_order_seq_cst);
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  if (!hasWork())
    futex(epoch, FUTEX_WAIT_PRIVATE, before);
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
}

void ThreadPool::work() {
  while (!stopping.load(std::memory_order_relaxed))
    if (!runOneChunk())
      awaitRegion();
}
