// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What threads do together, and what they do wrong: warps, atomics, calls,
// barriers, locks, deadlocks, faults.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace moe::ptxsim;

namespace {

std::vector<int> someIntegers(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int> values(count);
  for (int &value : values)
    value = int(random() % 100);
  return values;
}

std::vector<Options> schedules() {
  std::vector<Options> all(6, optionsOf("a100"));
  all[1].scheduleSeed = 3;
  all[2].scheduleSeed = 99;
  all[3].threads = 2;
  all[4].checks = allChecks;
  all[5].checks = allChecks;
  all[5].scheduleSeed = 6;
  return all;
}

TEST(Threads, WarpsExchangeVoteMatchAndReduce) {
  auto a = someIntegers(64, 1);
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address out = sim.upload(std::vector<int>(64 * 14));
    EXPECT_RUNS(sim.run("warps", {1, 1, 1}, {64, 1, 1}, 0, sim.upload(a), out));
    auto got = sim.download<int>(out, 64 * 14);
    for (int i = 0; i < 64; ++i) {
      int w = i / 32 * 32, l = i % 32;
      const int *x = &a[w];
      unsigned odd = 0, same = 0, sum = 0, mixed = 0;
      int least = x[0];
      for (int k = 0; k < 32; ++k) {
        odd |= unsigned(x[k] & 1) << k;
        same |= unsigned((x[k] & 3) == (x[l] & 3)) << k;
        sum += unsigned(x[k]);
        mixed ^= unsigned(x[k]);
        least = std::min(least, x[k]);
      }
      int expected[14] = {x[5],
                          l % 8 >= 3 ? x[l - 3] : x[l],
                          l + 7 < 32 ? x[l + 7] : x[l],
                          (l ^ 9) / 16 == l / 16 ? x[l ^ 9] : x[l],
                          int(odd),
                          1,
                          0,
                          int(same),
                          -1,
                          1,
                          int(sum),
                          least,
                          int(mixed),
                          l < 20 ? x[19] : int(odd & 0xfff00000)};
      for (int k = 0; k < 14; ++k)
        EXPECT_EQ(got[i * 14 + k], expected[k]) << i << " field " << k;
    }
  }
}

TEST(Threads, AtomicsOfEveryType) {
  const int n = 256;
  auto a = someIntegers(n, 2);
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address w = sim.upload(
        std::vector<int>{0, 0, 1000, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    Address d = sim.upload(std::vector<int64_t>{0, -5});
    Address f = sim.upload(std::vector<float>{0});
    Address g = sim.upload(std::vector<double>{0});
    Address h = sim.upload(std::vector<uint32_t>{0});
    Address bh = sim.upload(std::vector<uint32_t>{0});
    EXPECT_RUNS(sim.run("atomics", {4, 1, 1}, {n / 4, 1, 1}, 0, w, d, f, g, h,
                        bh, sim.upload(a)));
    int sum = std::accumulate(a.begin(), a.end(), 0), all = -1, any = 0,
        mixed = 0;
    int most = *std::max_element(a.begin(), a.end());
    int buckets[4] = {};
    for (int x : a) {
      all &= x | 15;
      any |= x;
      mixed ^= x;
      ++buckets[x & 3];
    }
    std::vector<int> expected{sum,
                              most,
                              *std::min_element(a.begin(), a.end()),
                              all,
                              any,
                              mixed,
                              n % 7,
                              (10 - n % 10) % 10,
                              3 * n,
                              77,
                              buckets[0],
                              buckets[1],
                              buckets[2],
                              buckets[3]};
    EXPECT_EQ(sim.download<int>(w, 14), expected);
    EXPECT_EQ(sim.download<int64_t>(d, 2), (std::vector<int64_t>{sum, most}));
    EXPECT_EQ(sim.download<float>(f, 1)[0], n / 2);
    EXPECT_EQ(sim.download<double>(g, 1)[0], n / 4);
    uint32_t half = sim.download<uint32_t>(h, 1)[0];
    EXPECT_EQ(f16ToFloat(uint16_t(half)), n);
    EXPECT_EQ(f16ToFloat(uint16_t(half >> 16)), 2 * n);
    uint32_t bhalf = sim.download<uint32_t>(bh, 1)[0];
    EXPECT_EQ(bf16ToFloat(uint16_t(bhalf)), 256);
    EXPECT_EQ(bf16ToFloat(uint16_t(bhalf >> 16)), 512);
  }
}

TEST(Threads, CallsRecursionSwitchesAndVariables) {
  auto a = someIntegers(96, 3);
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    const Global *counter = sim.program->findGlobal("counter");
    ASSERT_TRUE(counter);
    EXPECT_EQ(counter->bytes, 4u);
    EXPECT_TRUE(sim.program->findGlobal("table")->constant);
    int value = 1000;
    EXPECT_FALSE(sim.device.memory().write(counter->address, &value, 4));
    Address out = sim.upload(std::vector<int>(96 * 4));
    EXPECT_RUNS(
        sim.run("control", {1, 1, 1}, {96, 1, 1}, 0, sim.upload(a), out));
    auto got = sim.download<int>(out, 96 * 4);
    const int fibonacci[8] = {0, 1, 1, 2, 3, 5, 8, 13};
    const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
    for (int i = 0; i < 96; ++i) {
      int x = a[i], c[5] = {1, 2, 3, 4, 5};
      c[i & 3] = int8_t(i);
      int p = x + i + int(1.5 * (x + i));
      for (int v : c)
        p += v;
      int cases[8] = {x * 3,
                      x ^ 0x55,
                      x / 3,
                      -x,
                      x << 3,
                      table[i & 7],
                      __builtin_popcount(unsigned(x)),
                      1000 - x};
      int local[16], used[16] = {}, s = 0;
      for (int k = 0; k < 16; ++k)
        local[(k * x) & 15] = k + x, used[(k * x) & 15] = 1;
      for (int k = 0; k < 16; ++k)
        if (((k * x) & 15) <= (x & 15) && used[(k * x) & 15])
          s += local[(k * x) & 15];
      EXPECT_EQ(got[i * 4], fibonacci[x & 7]) << i;
      EXPECT_EQ(got[i * 4 + 1], p) << i;
      EXPECT_EQ(got[i * 4 + 2], cases[x & 7]) << i;
      EXPECT_EQ(got[i * 4 + 3], s + 1000) << i;
    }
  }
}

TEST(Threads, PrintfFormatsLikeTheHost) {
  Sim sim;
  sim.loadFile("instructions.ptx");
  std::string text;
  sim.device.setOutput([&](std::string_view part) { text += part; });
  EXPECT_RUNS(sim.run("prints", {1, 1, 1}, {32, 1, 1}, 0, 7));
  EXPECT_EQ(text, "thread 0 of 7:  0.50 text 123456789abc%\n"
                  "thread 1 of 7:  1.50 text 123456789abc%\n");
}

TEST(Threads, NamedBarriersHandDataOver) {
  const int rounds = 5;
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address out = sim.upload(std::vector<int>(rounds * 32 + 3));
    EXPECT_RUNS(sim.run("barriers", {1, 1, 1}, {96, 1, 1}, 0, out, rounds));
    auto got = sim.download<int>(out, rounds * 32 + 3);
    for (int k = 0; k < rounds; ++k)
      for (int i = 0; i < 32; ++i)
        EXPECT_EQ(got[k * 32 + i], k * 100 + i);
    EXPECT_EQ(got[rounds * 32], 32);
    EXPECT_EQ(got[rounds * 32 + 1], 1);
    EXPECT_EQ(got[rounds * 32 + 2], 1);
  }
}

TEST(Threads, LanesThatSpinDoNotStarveTheirWarp) {
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address lock = sim.upload(std::vector<int>(1));
    Address count = sim.upload(std::vector<int>(1));
    EXPECT_RUNS(sim.run("locks", {3, 1, 1}, {96, 1, 1}, 0, lock, count));
    EXPECT_EQ(sim.download<int>(count, 1)[0], 3 * 96);
  }
}

TEST(Threads, BlocksThatWaitForEachOtherAreResidentTogether) {
  for (const Options &options : schedules()) {
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    sim.cooperative = true;
    Address arrived = sim.upload(std::vector<int>(1));
    Address out = sim.upload(std::vector<int>(12));
    EXPECT_RUNS(
        sim.run("gridBarrier", {12, 1, 1}, {64, 1, 1}, 0, arrived, out));
    EXPECT_EQ(sim.download<int>(out, 12), std::vector<int>(12, 12));
    Error error = sim.run("gridBarrier", {108 * 32 + 1, 1, 1}, {64, 1, 1}, 0,
                          arrived, out);
    EXPECT_EQ(error.kind, ErrorKind::OutOfResources);
    EXPECT_NE(error.message.find("3456 fit at once"), std::string::npos)
        << error.message;
  }
}

TEST(Threads, AMissingWaitShows) {
  std::vector<int> in(128);
  std::iota(in.begin(), in.end(), 0);
  for (AsyncOrder order : {AsyncOrder::Late, AsyncOrder::Early}) {
    Options options = optionsOf("a100");
    options.async = order;
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address out = sim.upload(std::vector<int>(256));
    EXPECT_RUNS(
        sim.run("missingWait", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(in), out));
    auto got = sim.download<int>(out, 256);
    for (int i = 0; i < 128; ++i) {
      EXPECT_EQ(got[i], order == AsyncOrder::Late ? -1 : i);
      EXPECT_EQ(got[128 + i], i);
    }
  }
}

struct Faults : ::testing::Test {
  Sim sim;
  void SetUp() override { sim.loadFile("instructions.ptx"); }
  void expect(const Error &error, ErrorKind kind, const std::string &part) {
    EXPECT_EQ(error.kind, kind) << error.str();
    EXPECT_NE(error.str().find(part), std::string::npos) << error.str();
  }
};

TEST_F(Faults, ADeadlockNamesEveryWarpsPlace) {
  Error error = sim.run("deadlocks", {1, 1, 1}, {64, 1, 1}, 0,
                        sim.upload(std::vector<int>(1)));
  expect(error, ErrorKind::Deadlock, "warp 0 lanes ffffffff: line ");
  expect(error, ErrorKind::Deadlock,
         "bar.sync waits at barrier 2, where 32 of 64 threads are");
}

TEST_F(Faults, AccessesOutsideOfAllocations) {
  Address p = sim.upload(std::vector<int>(40));
  EXPECT_RUNS(sim.run("faults", {1, 1, 1}, {40, 1, 1}, 0, p, 0));
  Error error = sim.run("faults", {1, 1, 1}, {64, 1, 1}, 0, p, 0);
  expect(error, ErrorKind::IllegalAddress,
         "0 bytes behind the end of the allocation of 160 bytes");
  EXPECT_EQ(error.thread, (Dim3{40, 0, 0}));
  EXPECT_NE(error.line, 0u);
  expect(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 0, p, 1),
         ErrorKind::Misaligned, "not aligned to 4 bytes");
  EXPECT_RUNS(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 128, p, 2));
  expect(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 64, p, 2),
         ErrorKind::IllegalAddress, "the block has 64 bytes of shared memory");
  expect(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 0, Address(0), 0),
         ErrorKind::IllegalAddress, "a null pointer");
  EXPECT_FALSE(sim.device.memory().free(p));
  expect(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 0, p, 0),
         ErrorKind::IllegalAddress, "freed memory");
}

TEST_F(Faults, TrapsAndAssertions) {
  Address a = sim.upload(std::vector<int>{0, 1, 2, 3});
  expect(sim.run("faults", {1, 1, 1}, {4, 1, 1}, 0, a, 3), ErrorKind::Trap,
         "trap");
  EXPECT_RUNS(sim.run("asserts", {1, 1, 1}, {3, 1, 1}, 0, a));
  Error error = sim.run("asserts", {1, 1, 1}, {4, 1, 1}, 0, a);
  expect(error, ErrorKind::Assert, "assertion `a[threadIdx.x] != 3' failed");
  EXPECT_EQ(error.thread, (Dim3{3, 0, 0}));
}

TEST_F(Faults, LaunchesThatDoNotFit) {
  Address p = sim.upload(std::vector<int>(40));
  expect(sim.run("faults", {1, 1, 1}, {1025, 1, 1}, 0, p, 0),
         ErrorKind::InvalidValue, "(1025, 1, 1) threads");
  expect(sim.run("faults", {0, 1, 1}, {1, 1, 1}, 0, p, 0),
         ErrorKind::InvalidValue, "a grid of (0, 1, 1)");
  expect(sim.run("faults", {1, 1, 1}, {32, 1, 1}, 200000, p, 0),
         ErrorKind::OutOfResources, "200000 bytes of shared memory");
}

TEST_F(Faults, WhatCannotRunIsNamedBeforeAnythingRuns) {
  EXPECT_FALSE(sim.load(R"(
.version 8.0
.target sm_90a
.address_size 64
.visible .entry k()
{
  .reg .b32 %r<3>;
  .reg .b16 %h<2>;
  .reg .b64 %d<2>;
  mov.u32 %r1, %tid.x;
  cp.async.bulk.prefetch.tensor.3d.L2.global.im2col [%d1, {%r1, %r1, %r1}], {%h1};
  ret;
}
)"));
  EXPECT_EQ(sim.error.kind, ErrorKind::Unsupported);
  EXPECT_NE(sim.error.message.find(
                "line 11: cp.async.bulk.prefetch.tensor.3d.L2.global.im2col: "
                "only tiles"),
            std::string::npos)
      << sim.error.message;
}

TEST_F(Faults, EndlessLoopsEndAfterTheirSteps) {
  Options options = optionsOf("a100");
  options.maxSteps = 200000;
  Sim limited(options);
  limited.loadFile("instructions.ptx");
  Address lock = limited.upload(std::vector<int>{1});
  expect(limited.run("locks", {1, 1, 1}, {32, 1, 1}, 0, lock, lock),
         ErrorKind::Deadlock, "MOE_SIM_STEPS");
}

TEST(Memory, KeepsItsAllocationsApart) {
  Memory memory(1 << 20);
  Address a = memory.allocate(100), b = memory.allocate(100, 4096);
  EXPECT_EQ(a % 256, 0u);
  EXPECT_EQ(b % 4096, 0u);
  EXPECT_GE(b, a + 100 + 512);
  EXPECT_EQ(memory.used(), 200u);
  EXPECT_EQ(memory.allocate(0), 0u);
  EXPECT_EQ(memory.allocate(1 << 21), 0u);
  EXPECT_FALSE(memory.fill(a, 0x01020304, 4, 25));
  EXPECT_TRUE(memory.fill(a, 0, 4, 26));
  uint8_t bytes[4];
  EXPECT_FALSE(memory.read(a + 96, bytes, 4));
  EXPECT_EQ(bytes[0], 4);
  EXPECT_TRUE(memory.read(a + 97, bytes, 4));
  EXPECT_TRUE(memory.copy(b, a, 101));
  EXPECT_FALSE(memory.free(a));
  EXPECT_NE(memory.free(a).message.find("freed memory"), std::string::npos);
  int local[4] = {};
  EXPECT_FALSE(memory.registerHost(local, sizeof local));
  EXPECT_TRUE(memory.registerHost(local + 1, 4));
  EXPECT_FALSE(memory.write(reinterpret_cast<Address>(local + 1), bytes, 4));
  EXPECT_FALSE(memory.unregisterHost(local));
  EXPECT_TRUE(memory.unregisterHost(local));
  // Freed addresses come back once there are no others.
  for (int i = 0; i < 64; ++i) {
    Address big = memory.allocate(500000);
    ASSERT_NE(big, 0u) << i;
    EXPECT_FALSE(memory.free(big));
  }
}

TEST(Options, AreReadFromTheEnvironment) {
  Options options;
  setenv("MOE_SIM_DEVICE", "h100", 1);
  setenv("MOE_SIM_ASYNC", "17", 1);
  EXPECT_FALSE(Options::fromEnvironment(options));
  EXPECT_STREQ(options.device->id, "h100");
  EXPECT_EQ(options.async, AsyncOrder::Random);
  EXPECT_EQ(options.asyncSeed, 17u);
  for (auto [name, value] : {std::pair{"MOE_SIM_DEVICE", "v100"},
                             {"MOE_SIM_ASYNC", "soon"},
                             {"MOE_SIM_TENSOR", "quick"},
                             {"MOE_SIM_SCHED", "x"},
                             {"MOE_SIM_THREADS", "0"}}) {
    std::string before = getenv(name) ? getenv(name) : "";
    setenv(name, value, 1);
    Error error = Options::fromEnvironment(options);
    EXPECT_EQ(error.message.find(std::string(name) + ": expected "), 0u)
        << error.message;
    if (before.empty())
      unsetenv(name);
    else
      setenv(name, before.c_str(), 1);
  }
  unsetenv("MOE_SIM_DEVICE");
  unsetenv("MOE_SIM_ASYNC");
}

} // namespace
