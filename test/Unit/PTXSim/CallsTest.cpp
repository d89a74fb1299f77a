// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls through pointers, recursion and alloca, as nvcc compiles them; what few
// instructions of sm_80 it does not write.
#include "Sim.h"

using namespace moe::ptxsim;

namespace {

std::string inEntry(const std::string &body, const std::string &before = "") {
  return ".version 8.0\n.target sm_80\n.address_size 64\n" + before +
         ".visible .entry k(.param .u64 p)\n{\n.reg .b64 %rd<9>;\n"
         ".reg .b32 %r<20>;\n.reg .pred %p<6>;\nld.param.u64 %rd0, [p];\n"
         "mov.u32 %r0, %tid.x;\nmad.wide.u32 %rd1, %r0, 4, %rd0;\n" +
         body + "ret;\n}\n";
}

std::vector<uint32_t> results(Sim &sim, const std::string &text, size_t count) {
  EXPECT_TRUE(sim.load(text)) << sim.error.str();
  Address at = sim.upload(std::vector<uint32_t>(count));
  EXPECT_RUNS(sim.run("k", {1, 1, 1}, {32, 1, 1}, 0, at));
  return sim.download<uint32_t>(at, count);
}

TEST(Calls, ThroughATableThatLanesIndexApart) {
  Sim sim;
  sim.loadFile("calls.ptx");
  const int n = 77;
  std::vector<int> which(n);
  std::vector<float> x(n);
  for (int i = 0; i < n; ++i) {
    which[i] = i * 5 % 3;
    x[i] = float(i % 7 - 3);
  }
  Address at = sim.upload(x);
  EXPECT_RUNS(
      sim.run("apply", {3, 1, 1}, {32, 1, 1}, 64, sim.upload(which), at, n));
  auto got = sim.download<float>(at, n);
  for (int i = 0; i < n; ++i) {
    float relu = x[i] > 0 ? x[i] : 0, leaky = x[i] > 0 ? x[i] : x[i] * 4;
    EXPECT_EQ(got[i], which[i] == 0   ? relu
                      : which[i] == 1 ? leaky
                                      : x[i] * 2)
        << i;
  }
}

TEST(Calls, VirtualFunctions) {
  Sim sim;
  sim.loadFile("calls.ptx");
  Address out = sim.upload(std::vector<double>(32));
  EXPECT_RUNS(sim.run("areas", {1, 1, 1}, {32, 1, 1}, 0, out));
  auto got = sim.download<double>(out, 32);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], (i % 3 ? 6.0 : 2.0) * i * i);
}

int ackermann(int m, int n) {
  return m == 0   ? n + 1
         : n == 0 ? ackermann(m - 1, 1)
                  : ackermann(m - 1, ackermann(m, n - 1));
}

TEST(Calls, Recursion) {
  Sim sim;
  sim.loadFile("calls.ptx");
  Address out = sim.upload(std::vector<int>(32));
  EXPECT_RUNS(sim.run("recursion", {1, 1, 1}, {32, 1, 1}, 0, out));
  auto got = sim.download<int>(out, 32);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], ackermann(i % 3, i % 5));
}

TEST(Calls, MemoryOfTheStack) {
  Sim sim;
  sim.loadFile("calls.ptx");
  Address out = sim.upload(std::vector<int>(64));
  EXPECT_RUNS(sim.run("stack", {1, 1, 1}, {64, 1, 1}, 0, out));
  auto got = sim.download<int>(out, 64);
  for (int i = 0; i < 64; ++i) {
    int count = i % 7 + 1, sum = 0;
    for (int j = 0; j < count; ++j)
      sum += 1001 * i * j + 1;
    EXPECT_EQ(got[i], sum) << i;
  }
}

TEST(Calls, StackIsSavedAndRestored) {
  Sim sim;
  // Twice the same place, then one behind it that is kept.
  auto got = results(sim,
                     inEntry("mov.u64 %rd2, 100;\nstacksave.u64 %rd3;\n"
                             "alloca.u64 %rd4, %rd2;\nstackrestore.u64 %rd3;\n"
                             "alloca.u64 %rd5, %rd2, 32;\n"
                             "alloca.u64 %rd6, %rd2, 64;\n"
                             "st.local.u32 [%rd5], %r0;\n"
                             "st.local.u32 [%rd6+96], 7;\n"
                             "ld.local.u32 %r1, [%rd5];\n"
                             "ld.local.u32 %r2, [%rd6+96];\n"
                             "sub.u64 %rd7, %rd5, %rd4;\ncvt.u32.u64 %r3, "
                             "%rd7;\n"
                             "cvt.u32.u64 %r4, %rd6;\nand.b32 %r4, %r4, 63;\n"
                             "add.u32 %r1, %r1, %r2;\nadd.u32 %r1, %r1, %r3;\n"
                             "add.u32 %r1, %r1, %r4;\nst.global.u32 [%rd1], "
                             "%r1;\n"),
                     32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], i + 7);
}

void expectFault(const std::string &text, ErrorKind kind,
                 const std::string &message) {
  Sim sim;
  ASSERT_TRUE(sim.load(text)) << sim.error.str();
  Error error = sim.run("k", {1, 1, 1}, {32, 1, 1}, 0,
                        sim.upload(std::vector<uint32_t>(32)));
  EXPECT_EQ(error.kind, kind) << error.str();
  EXPECT_NE(error.message.find(message), std::string::npos) << error.str();
}

TEST(Calls, WrongPointersAndStacksAreSaid) {
  std::string callee = ".func (.param .b32 r) f(.param .b32 a)\n{\n"
                       ".reg .b32 %r;\nld.param.b32 %r, [a];\n"
                       "add.u32 %r, %r, 1;\nst.param.b32 [r], %r;\nret;\n}\n";
  std::string call = "{\n.param .b32 a;\n.param .b32 r;\n"
                     "st.param.b32 [a], %r0;\n"
                     "P: .callprototype (.param .b32 _) _ (.param .b32 _);\n"
                     "call (r), %rd2, (a), P;\nld.param.b32 %r1, [r];\n}\n";
  Sim sim;
  auto got = results(
      sim,
      inEntry("mov.u64 %rd2, f;\n" + call + "st.global.u32 [%rd1], %r1;\n",
              callee),
      32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], i + 1);
  expectFault(inEntry("mov.u64 %rd2, 64;\n" + call, callee),
              ErrorKind::IllegalInstruction, "points to no function");
  std::string wide = ".func (.param .b32 r) f(.param .b64 a)\n{\n"
                     "st.param.b32 [r], 1;\nret;\n}\n";
  expectFault(inEntry("mov.u64 %rd2, f;\n" + call, wide),
              ErrorKind::IllegalInstruction,
              "passes other parameters than those of \"f\"");
  expectFault(inEntry("mov.u64 %rd2, 100000;\nalloca.u64 %rd3, %rd2;\n"),
              ErrorKind::IllegalAddress, "alloca of 100000 bytes");
  expectFault(inEntry("mov.u64 %rd2, 100000;\nstackrestore.u64 %rd2;\n"
                      "alloca.u64 %rd3, 8;\n"),
              ErrorKind::IllegalInstruction, "has not saved");
  ASSERT_FALSE(sim.load(inEntry("mov.u64 %rd2, f;\n", ".extern .func f();\n")));
  EXPECT_NE(sim.error.message.find("the address of \"f\", which has no body"),
            std::string::npos)
      << sim.error.str();
}

TEST(Calls, LimitsAreHeldAgainstWhenLoaded) {
  struct {
    std::string body, before;
    const char *message;
  } wrong[] = {
      {".local .b8 l[600000];\nmov.u64 %rd2, l;\n", "",
       "\"k\" has 600000 bytes of local memory, at most 524288 are possible"},
      {"mov.u64 %rd2, s;\n", ".shared .b8 s[170000];\n",
       "\"k\" has 170000 bytes of shared memory, a block at most 166912"},
      {"ld.param.u64 %rd2, [p+4];\n", "", "it reaches past the parameter"},
      {"ld.param.v2.u32 {%r1, %r2}, [p+8];\n", "",
       "it reaches past the parameter"},
      {"{\n.param .b8 a[40000];\nst.param.b32 [a], %r0;\n}\n", "",
       "\"a\" of 40000 bytes is too large for a parameter"},
      {"call f;\n", ".extern .func f();\n", "which has no body"}};
  for (const auto &one : wrong) {
    Sim sim;
    ASSERT_FALSE(sim.load(inEntry(one.body, one.before))) << one.message;
    EXPECT_NE(sim.error.message.find(one.message), std::string::npos)
        << sim.error.str();
  }
  // Large, but nothing touches it.
  Sim sim;
  EXPECT_TRUE(sim.load(inEntry("", ".global .b8 g[40000000000];\n")))
      << sim.error.str();
}

TEST(Calls, Lop3WithAPredicate) {
  for (bool both : {false, true}) {
    Sim sim;
    auto got =
        results(sim,
                inEntry("setp.lt.u32 %p1, %r0, 8;\nmov.u32 %r2, 12;\n" +
                        std::string(both ? "lop3.and" : "lop3.or") +
                        ".b32 %r1|%p2, %r0, %r2, %r2, 0xc0, !%p1;\n"
                        "selp.u32 %r3, 100, 0, %p2;\nadd.u32 %r1, %r1, %r3;\n"
                        "st.global.u32 [%rd1], %r1;\n"),
                32);
    for (uint32_t i = 0; i < 32; ++i) {
      uint32_t value = i & 12;
      bool p = both ? value && i >= 8 : value || i >= 8;
      EXPECT_EQ(got[i], value + (p ? 100 : 0)) << i;
    }
  }
}

TEST(Calls, AddressesOf32BitsGoThereAndBack) {
  Sim sim;
  auto got = results(sim,
                     inEntry(".shared .b32 s[64];\nmov.u32 %r1, s;\n"
                             "cvta.shared.u32 %r2, %r1;\nadd.u32 %r2, %r2, 8;\n"
                             "cvta.to.shared.u32 %r3, %r2;\nsub.u32 %r3, %r3, "
                             "%r1;\nst.global.u32 [%rd1], %r3;\n"),
                     32);
  for (uint32_t value : got)
    EXPECT_EQ(value, 8u);
}

TEST(Calls, NarrowIntegersArePacked) {
  Sim sim;
  auto got =
      results(sim,
              inEntry("sub.s32 %r1, %r0, 20;\nmov.u32 %r4, 5;\n"
                      "cvt.pack.sat.s4.s32.b32 %r2, %r1, %r0, %r4;\n"
                      "cvt.pack.sat.u2.s32.b32 %r3, %r0, %r1, %r2;\n"
                      "xor.b32 %r2, %r2, %r3;\nst.global.u32 [%rd1], %r2;\n"),
              32);
  for (int i = 0; i < 32; ++i) {
    auto clamp = [](int x, int least, int most) {
      return x < least ? least : x > most ? most : x;
    };
    uint32_t s4 = 5u << 8 | uint32_t(clamp(i - 20, -8, 7) & 15) << 4 |
                  uint32_t(clamp(i, -8, 7) & 15);
    uint32_t u2 =
        s4 << 4 | uint32_t(clamp(i, 0, 3)) << 2 | uint32_t(clamp(i - 20, 0, 3));
    EXPECT_EQ(got[size_t(i)], s4 ^ u2) << i;
  }
}

} // namespace
