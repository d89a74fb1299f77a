// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What came with sm_90, from kernels that nvcc compiled (Inputs/hopper.cu),
// in every order of asynchronous work.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <numeric>

using namespace moe::ptxsim;

namespace {

template <class T>
std::vector<T> iota(size_t count, T first = T()) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST(Hopper, MbarriersCountArrivalsAndBytes) {
  // The phase 0 is not complete, the one before it is; then in the order of
  // the kernel.
  std::vector<unsigned> expected{0, 1, 5, 2, 0, 1, 1, 1, 0,     0,
                                 0, 1, 1, 1, 0, 1, 1, 1, 0xabcd};
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    Address out = sim.upload(std::vector<unsigned>(expected.size()));
    EXPECT_RUNS(sim.run("mbarriers", {1, 1, 1}, {1, 1, 1}, 0, out));
    EXPECT_EQ(sim.download<unsigned>(out, expected.size()), expected);
  }
}

TEST(Hopper, BulkCopiesThroughARing) {
  const int tiles = 11;
  auto in = iota<int>(tiles * 256);
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    Address out = sim.upload(std::vector<int>(in.size()));
    EXPECT_RUNS(sim.run("bulk_ring", {1, 1, 1}, {256, 1, 1}, 0, sim.upload(in),
                        out, tiles));
    EXPECT_EQ(sim.download<int>(out, in.size()), iota<int>(in.size(), 1));
  }
}

TEST(Hopper, BulkReductions) {
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    Address add = sim.upload(std::vector<unsigned>(32, 5));
    Address least = sim.upload(std::vector<int>(32, 16));
    Address bits = sim.upload(std::vector<unsigned>(32, 64));
    Address f = sim.upload(std::vector<float>(16, 0.25f));
    Address h = sim.upload(std::vector<uint16_t>(32, floatToF16(0.5f)));
    Address bf = sim.upload(std::vector<uint16_t>(32, floatToBF16(1.75f)));
    Address wide = sim.upload(std::vector<uint64_t>(16, 1));
    Address shared = sim.upload(std::vector<unsigned>(64));
    EXPECT_RUNS(sim.run("bulk_reduce", {1, 1, 1}, {32, 1, 1}, 0, add, least,
                        bits, f, h, bf, wide, shared));
    auto gotAdd = sim.download<unsigned>(add, 32);
    auto gotLeast = sim.download<int>(least, 32);
    auto gotBits = sim.download<unsigned>(bits, 32);
    auto gotH = sim.download<uint16_t>(h, 32);
    auto gotBF = sim.download<uint16_t>(bf, 32);
    auto gotWide = sim.download<uint64_t>(wide, 16);
    auto gotShared = sim.download<unsigned>(shared, 64);
    for (unsigned i = 0; i < 32; ++i) {
      EXPECT_EQ(gotAdd[i], 5 + i + 1);
      EXPECT_EQ(gotLeast[i], std::min(16, int(i) + 1));
      EXPECT_EQ(gotBits[i], 64 | (i + 1));
      EXPECT_EQ(f16ToFloat(gotH[i]), i % 2 ? 2.0f : 2.5f);
      EXPECT_EQ(bf16ToFloat(gotBF[i]), i % 2 ? 1.75f : 2.0f);
      EXPECT_EQ(gotShared[i], 100 + 2 * (i + 1));
      EXPECT_EQ(gotShared[32 + i], i + 1);
    }
    for (unsigned i = 0; i < 16; ++i)
      EXPECT_EQ(gotWide[i], 1 + (2 * i + 1) + (uint64_t(2 * i + 2) << 32));
    EXPECT_EQ(sim.download<float>(f, 16), std::vector<float>(16, 3.25f));
  }
}

TEST(Hopper, CopiesOfThreadsTellAnMbarrier) {
  auto in = iota<int>(64, 3);
  std::vector<int> expected(in.rbegin(), in.rend());
  for (const char *device : {"a100", "h100"})
    for (const Options &options : everyOrder(device))
      for (int noinc : {0, 1}) {
        Sim sim(options);
        sim.loadFile("hopper.ptx");
        Address out = sim.upload(std::vector<int>(64));
        EXPECT_RUNS(sim.run("copies_tell", {1, 1, 1}, {32, 1, 1}, 0,
                            sim.upload(in), out, noinc));
        EXPECT_EQ(sim.download<int>(out, 64), expected);
      }
}

TEST(Hopper, SharedMemoryOfAClusterAndItsBarrier) {
  for (const Options &options : everyOrder("h100"))
    for (uint32_t blocks : {1, 2, 4, 8}) {
      Sim sim(options);
      sim.loadFile("hopper.ptx");
      const uint32_t clusters = 3;
      Address out = sim.upload(std::vector<unsigned>(clusters * blocks * 16));
      sim.cluster = {blocks, 1, 1};
      EXPECT_RUNS(sim.run("cluster_memory", {clusters * blocks, 1, 1},
                          {64, 1, 1}, 0, out));
      auto got = sim.download<unsigned>(out, clusters * blocks * 16);
      for (uint32_t block = 0; block < clusters * blocks; ++block) {
        uint32_t rank = block % blocks, next = (rank + 1) % blocks;
        uint32_t before = (rank + blocks - 1) % blocks;
        std::vector<unsigned> expected{100 * next + 3, next,
                                       blocks == 1,    1,
                                       1000 + before,  100 * rank + 5 + 5,
                                       2000 + before,  3000 + before,
                                       7 + before,     rank ? 0 : 64 * blocks,
                                       clusters,       rank};
        EXPECT_EQ(std::vector<unsigned>(got.begin() + block * 16,
                                        got.begin() + block * 16 + 12),
                  expected)
            << blocks << " " << block;
      }
    }
}

TEST(Hopper, RegistersGoFromWarpToWarp) {
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("hopper.ptx");
    Address out = sim.upload(std::vector<unsigned>(384));
    EXPECT_RUNS(sim.run("registers", {1, 1, 1}, {384, 1, 1}, 0, out));
    auto got = sim.download<unsigned>(out, 384);
    for (unsigned i = 0; i < 384; ++i)
      EXPECT_EQ(got[i], i / 128);
  }
}

TEST(Hopper, AddressesOfParametersAreOfTheirSpace) {
  Sim sim("h100");
  ASSERT_TRUE(sim.load(R"(
.version 8.3
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 out, .param .align 8 .b8 p[16]) {
  .reg .b32 %r<5>;
  .reg .b64 %rd<7>;
  ld.param.u64 %rd1, [out];
  mov.b32 %r1, p;
  cvt.u64.u32 %rd2, %r1;
  cvta.param.u64 %rd3, %rd2;
  ld.u32 %r2, [%rd3+4];
  mov.b64 %rd4, p;
  ld.param.u32 %r3, [%rd4+8];
  cvta.to.param.u64 %rd5, %rd3;
  ld.param.u32 %r4, [%rd5+12];
  st.global.u32 [%rd1], %r2;
  st.global.u32 [%rd1+4], %r3;
  st.global.u32 [%rd1+8], %r4;
  ret;
}
)")) << sim.error.str();
  Address out = sim.upload(std::vector<int>(3));
  EXPECT_RUNS(sim.run("k", {1, 1, 1}, {1, 1, 1}, 0, out,
                      std::array<int, 4>{10, 11, 12, 13}));
  EXPECT_EQ(sim.download<int>(out, 3), (std::vector<int>{11, 12, 13}));
}

class HopperFaults : public ::testing::Test {
protected:
  HopperFaults() : sim("h100") {}

  /// A kernel of `body` on shared memory `s` of 256 bytes.
  Error run(const std::string &body, Dim3 grid = {1, 1, 1},
            uint32_t threads = 32, const std::string &directives = "") {
    EXPECT_TRUE(sim.load(".version 8.6\n.target sm_90a\n.address_size 64\n"
                         ".visible .entry k(.param .u64 out)\n" +
                         directives +
                         "{\n"
                         "  .reg .b64 %s, %d, %g; .reg .b32 %t, %a, %c, %n;\n"
                         "  .reg .pred %p, %q;\n"
                         "  .shared .align 128 .b8 s[256];\n"
                         "  mov.u32 %t, %tid.x; mov.u32 %a, s;\n"
                         "  setp.eq.u32 %p, %t, 0; ld.param.u64 %g, [out];\n" +
                         body + "  ret;\n}\n"))
        << sim.error.str();
    if (!sim.program)
      return Error::make(ErrorKind::None, "");
    return sim.run("k", grid, {threads, 1, 1}, 0, buffer);
  }
  void expect(const Error &error, ErrorKind kind, const char *what) {
    EXPECT_EQ(int(error.kind), int(kind)) << error.str();
    EXPECT_NE(error.message.find(what), std::string::npos) << error.str();
  }

  Sim sim;
  Address buffer = sim.upload(std::vector<int>(64));
};

constexpr const char *initOne = "  @%p mbarrier.init.shared.b64 [s], 1;\n"
                                "  bar.sync 0;\n";

TEST_F(HopperFaults, MbarriersThatAreNone) {
  expect(run("  mbarrier.arrive.shared.b64 %s, [s+8];\n"),
         ErrorKind::IllegalInstruction,
         "no mbarrier is at byte 0x8 of the shared memory of block (0, 0, 0)");
  expect(run(std::string(initOne) +
             "  @%p st.shared.u32 [s], 0;\n  bar.sync 0;\n"
             "  mbarrier.test_wait.parity.shared.b64 %q, [s], 0;\n"),
         ErrorKind::IllegalInstruction, "made in line 11, was overwritten");
  expect(run(std::string(initOne) + "  @%p mbarrier.inval.shared.b64 [s];\n"
                                    "  @%p mbarrier.inval.shared.b64 [s];\n"),
         ErrorKind::IllegalInstruction, "mbarrier.inval ended it");
  expect(run(std::string(initOne) + initOne), ErrorKind::IllegalInstruction,
         "is an mbarrier already, made in line 11");
  expect(run("  @%p mbarrier.init.shared.b64 [s], 0;\n"),
         ErrorKind::IllegalInstruction, "a count of 0; 1 to 1048575");
  expect(run("  @%p mbarrier.init.shared.b64 [s+4], 1;\n"),
         ErrorKind::Misaligned, "not aligned to 8 bytes");
  expect(run("  @%p mbarrier.init.shared.b64 [s+256], 1;\n"),
         ErrorKind::IllegalAddress, "the block has 256 bytes");
  expect(run("  @%p mbarrier.init.b64 [%g], 1;\n"), ErrorKind::IllegalAddress,
         "not an address of shared memory");
}

TEST_F(HopperFaults, TooManyArrivalsAndBytes) {
  expect(run("  @%p mbarrier.init.shared.b64 [s], 2;\n  bar.sync 0;\n"
             "  @%p mbarrier.arrive.shared.b64 %s, [s], 3;\n"),
         ErrorKind::IllegalInstruction,
         "3 arrivals at the mbarrier at byte 0x0 of the shared memory of block "
         "(0, 0, 0), phase 0 of which lacks 2 of 2");
  expect(run(std::string(initOne) +
             "  @%p mbarrier.arrive.noComplete.shared.b64 %s, [s], 1;\n"),
         ErrorKind::IllegalInstruction, "would complete phase 0");
  expect(run(std::string(initOne) +
             "  @%p mbarrier.expect_tx.relaxed.cta.shared.b64 [s], 1048575;\n"
             "  @%p mbarrier.expect_tx.relaxed.cta.shared.b64 [s], 1;\n"),
         ErrorKind::IllegalInstruction, "overflow: 1048575 + 1");
  expect(run(std::string(initOne) +
             "  @%p cp.async.mbarrier.arrive.shared.b64 [s+16];\n"),
         ErrorKind::IllegalInstruction, "no mbarrier is at byte 0x10");
  expect(run("  @%p mbarrier.init.shared.b64 [s], 1048575;\n  bar.sync 0;\n"
             "  @%p cp.async.mbarrier.arrive.shared.b64 [s];\n"),
         ErrorKind::IllegalInstruction, "arrivals of the mbarrier");
}

TEST_F(HopperFaults, WaitsForTheWrongPhase) {
  expect(run(std::string(initOne) +
             "  @%p mbarrier.arrive.shared.b64 %s, [s];\n"
             "  @%p mbarrier.arrive.shared.b64 %d, [s];\n"
             "  @%p mbarrier.test_wait.shared.b64 %q, [s], %s;\n"),
         ErrorKind::IllegalInstruction,
         "a state of phase 0 of the mbarrier at byte 0x0 of the shared memory "
         "of block (0, 0, 0), which is in phase 2: two phases behind");
  expect(run(std::string(initOne) +
             "  @%p mbarrier.test_wait.parity.shared.b64 %q, [s], 2;\n"),
         ErrorKind::IllegalInstruction, "a parity of 2");
  // Warp 1 sleeps; warp 0 completes two phases before it looks again.
  expect(run(std::string(initOne) +
                 "  setp.ge.u32 %q, %t, 32;\n"
                 "  @!%q bra other;\n"
                 "  mbarrier.try_wait.parity.shared.b64 %q, [s], 0;\n"
                 "  ret;\n"
                 "other: setp.eq.u32 %q, %t, 0;\n"
                 "  @%q mbarrier.arrive.shared.b64 %s, [s];\n"
                 "  @%q mbarrier.arrive.shared.b64 %s, [s];\n",
             {1, 1, 1}, 64),
         ErrorKind::IllegalInstruction, "it is two phases behind");
}

TEST_F(HopperFaults, DeadlocksNameBarrierPhaseAndCounts) {
  const std::string await =
      "again: mbarrier.try_wait.parity.shared.b64 %q, [s+8], %n;\n"
      "  @!%q bra again;\n";
  expect(run("  @%p mbarrier.init.shared.b64 [s+8], 3;\n  bar.sync 0;\n"
             "  @%p mbarrier.arrive.expect_tx.shared.b64 _, [s+8], 64;\n"
             "  mov.u32 %n, 0;\n" +
             await),
         ErrorKind::Deadlock,
         "waits at the mbarrier at byte 0x8 for phase 0, which lacks 2 of 3 "
         "arrivals and 64 bytes");
  expect(run("  @%p barrier.cluster.arrive;\n  @%p barrier.cluster.wait;\n"
             "  setp.gt.u32 %q, %t, 32;\n"
             "  @!%p bra out;\n  ret;\nout: bar.sync 1;\n",
             {2, 1, 1}, 32, ".reqnctapercluster 2\n"),
         ErrorKind::Deadlock,
         "waits at the barrier of the cluster, where 2 of 64 threads are");
  expect(run("  setmaxnreg.inc.sync.aligned.u32 240;\n", {1, 1, 1}, 128,
             ".maxnreg 128\n"),
         ErrorKind::Deadlock, "waits for 112 registers a thread, of which 0");
  expect(run("  setmaxnreg.dec.sync.aligned.u32 240;\n", {1, 1, 1}, 128,
             ".maxnreg 128\n"),
         ErrorKind::IllegalInstruction,
         "240 registers are more than the 128 that the warp has");
  expect(run("  setmaxnreg.inc.sync.aligned.u32 24;\n", {1, 1, 1}, 128,
             ".maxnreg 128\n"),
         ErrorKind::IllegalInstruction, "24 registers are fewer");
}

TEST_F(HopperFaults, BarriersOfTheClusterInTheWrongOrder) {
  expect(run("  barrier.cluster.wait;\n"), ErrorKind::IllegalInstruction,
         "a thread waits that has not arrived");
  expect(run("  barrier.cluster.arrive;\n  barrier.cluster.arrive;\n"),
         ErrorKind::IllegalInstruction, "arrives twice");
}

TEST_F(HopperFaults, AddressesOfOtherBlocks) {
  const char *two = ".reqnctapercluster 2\n";
  expect(run("  mov.u32 %n, 2;\n  mapa.shared::cluster.u32 %c, %a, %n;\n",
             {2, 1, 1}, 32, two),
         ErrorKind::IllegalInstruction, "block 2 of a cluster of 2");
  expect(run("  xor.b32 %c, %a, 0x1000000;\n  ld.shared.u32 %n, [%c];\n",
             {2, 1, 1}, 32, two),
         ErrorKind::IllegalAddress, "the block has 256 bytes");
  expect(run("  add.u32 %c, %a, 0x2000000;\n"
             "  ld.shared::cluster.u32 %n, [%c];\n",
             {2, 1, 1}, 32, two),
         ErrorKind::IllegalAddress, "of a cluster of 2");
  // Block 1 ends while block 0 is at a barrier of its own.
  expect(run("  mov.u32 %n, %cluster_ctarank;\n"
             "  setp.eq.u32 %q, %n, 1;\n  @%q ret;\n"
             "  mov.u32 %n, 1;\n  mapa.shared::cluster.u32 %c, %a, %n;\n"
             "again: ld.shared::cluster.u32 %n, [%c];\n"
             "  setp.eq.u32 %q, %n, 0;\n  @%q bra again;\n",
             {2, 1, 1}, 32, two),
         ErrorKind::IllegalAddress, "block 1 of the cluster has ended");
}

TEST_F(HopperFaults, BulkCopiesWithWrongOperands) {
  const std::string init = initOne;
  auto load = [&](const char *to, const char *from, const char *bytes,
                  const char *bar) {
    return init +
           "  @%p cp.async.bulk.shared::cluster.global"
           ".mbarrier::complete_tx::bytes [" +
           to + "], [" + from + "], " + bytes + ", [" + bar + "];\n";
  };
  expect(run(load("s+16", "%g", "24", "s")), ErrorKind::Misaligned,
         "24 bytes, which is no multiple of 16");
  expect(run(load("s+8", "%g", "16", "s")), ErrorKind::Misaligned,
         "not aligned to 16 bytes");
  expect(run(load("s+16", "%g+4", "16", "s")), ErrorKind::Misaligned,
         "global memory that is not aligned to 16 bytes");
  expect(run(load("s+16", "%g", "256", "s")), ErrorKind::IllegalAddress,
         "the block has 256 bytes");
  expect(run(load("s+16", "%g+208", "64", "s")), ErrorKind::IllegalAddress,
         "16 bytes past the end of the allocation of 256 bytes");
  // The mbarrier is looked at when the bytes arrive; the place is the copy's.
  Error late = run(load("s+16", "%g", "16", "s+8"));
  expect(late, ErrorKind::IllegalAddress, "a wait is missing");
  EXPECT_EQ(late.line, 13u);
  expect(run(init + "  @%p cp.async.bulk.global.shared::cta.bulk_group [%g], "
                    "[s], 16;\n"),
         ErrorKind::IllegalAddress,
         "block (0, 0, 0) ended before its shared memory was read: a wait is "
         "missing");
}

/// A copy that is not waited for shows in an order, if not in each.
TEST(Hopper, MissingWaitsShow) {
  std::string text = Sim::readInput("hopper.ptx");
  auto without = [&](const std::string &what) {
    std::string changed = text;
    size_t at = 0, count = 0;
    while ((at = changed.find(what, at)) != std::string::npos) {
      changed.insert(at, "//");
      at += what.size() + 2;
      ++count;
    }
    EXPECT_GT(count, 0u) << what;
    return changed;
  };
  const int tiles = 11;
  auto in = iota<int>(tiles * 256);
  for (const char *wait :
       {"cp.async.bulk.wait_group.read 1", "@!p bra again"}) {
    int shown = 0;
    for (const Options &options : everyOrder("h100")) {
      Sim sim(options);
      sim.expectClean = false;
      ASSERT_TRUE(sim.load(without(wait))) << sim.error.str();
      Address out = sim.upload(std::vector<int>(in.size()));
      Error error = sim.run("bulk_ring", {1, 1, 1}, {256, 1, 1}, 0,
                            sim.upload(in), out, tiles);
      shown +=
          error || sim.download<int>(out, in.size()) != iota<int>(in.size(), 1);
      if (options.checks && *wait == 'c') // a try_wait may wait long enough
        EXPECT_FALSE(sim.device.findings().empty()) << wait;
    }
    EXPECT_GE(shown, 1) << wait;
  }
}

} // namespace
