// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/ThreadPool.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>

using namespace moe::rt;

namespace {

struct Counts {
  explicit Counts(int64_t units) : hits(units) {}
  std::vector<std::atomic<int>> hits;
  std::atomic<int64_t> shortest{INT64_MAX};

  static void kernel(void *captures, int64_t begin, int64_t end) {
    auto *counts = static_cast<Counts *>(captures);
    for (int64_t i = begin; i < end; ++i)
      counts->hits[i].fetch_add(1, std::memory_order_relaxed);
    if (end != static_cast<int64_t>(counts->hits.size())) {
      int64_t size = end - begin;
      int64_t seen = counts->shortest.load();
      while (size < seen && !counts->shortest.compare_exchange_weak(seen, size))
        ;
    }
  }
  bool allOnce() const {
    for (const auto &hit : hits)
      if (hit.load() != 1)
        return false;
    return true;
  }
};

void addToSum(void *captures, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    static_cast<std::atomic<int64_t> *>(captures)->fetch_add(
        i, std::memory_order_relaxed);
}

} // namespace

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsEveryUnitOnceInRangesOfTheGrain) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (int64_t units : {0, 1, 2, 7, 64, 1000})
    for (int64_t grain : {0, 1, 3, 64, 5000}) {
      Counts counts(units);
      pool.parallelFor(Counts::kernel, &counts, units, grain);
      EXPECT_TRUE(counts.allOnce()) << units << " by " << grain;
      EXPECT_GE(counts.shortest.load(), grain) << units << " by " << grain;
    }
}

// Regions follow one another without a pause, so workers that are late for one
// meet the next.
TEST_P(ThreadPoolTest, ManyRegionsBackToBack) {
  ThreadPool pool(GetParam());
  for (int region = 0; region < 20000; ++region) {
    std::atomic<int64_t> sum{0};
    int64_t units = 1 + region % 37;
    pool.parallelFor(addToSum, &sum, units, 1);
    ASSERT_EQ(sum.load(), units * (units - 1) / 2);
  }
}

TEST_P(ThreadPoolTest, WakesWorkersThatWentToSleep) {
  ThreadPool pool(GetParam());
  for (int region = 0; region < 20; ++region) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Counts counts(100);
    pool.parallelFor(Counts::kernel, &counts, 100, 1);
    ASSERT_TRUE(counts.allOnce());
  }
}

// Four threads on fewer CPUs are the case that must not collapse.
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 4, 9));

TEST(ThreadPool, CallsFromManyThreadsShareIt) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int region = 0; region < 2000; ++region) {
        std::atomic<int64_t> sum{0};
        pool.parallelFor(addToSum, &sum, 50, 1);
        wrong += sum.load() != 50 * 49 / 2;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ThreadPool, AKernelMayCallIt) {
  static ThreadPool pool(2);
  std::atomic<int64_t> sum{0};
  auto outer = [](void *captures, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      pool.parallelFor(addToSum, captures, 10, 1);
  };
  pool.parallelFor(outer, &sum, 8, 1);
  EXPECT_EQ(sum.load(), 8 * 45);
}

TEST(ThreadPool, WorksThroughTheContext) {
  ThreadPool pool(2);
  moe_context context{};
  context.parallel_for = ThreadPool::parallelFor;
  context.runtime = &pool;
  std::atomic<int64_t> sum{0};
  context.parallel_for(&context, addToSum, &sum, 100, 10);
  EXPECT_EQ(sum.load(), 4950);
}

TEST(ThreadPool, NeverChoosesMoreThreadsThanCpus) {
  EXPECT_EQ(ThreadPool::choose(0), ThreadPool::availableCpus());
  EXPECT_EQ(ThreadPool::choose(1), 1);
  EXPECT_EQ(ThreadPool::choose(100000), ThreadPool::availableCpus());
}
