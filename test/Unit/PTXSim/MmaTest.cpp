// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes of mma.sync that no stored kernel uses, with the layouts of fragments
// as the ISA words them, element by element.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <cmath>
#include <random>

using namespace moe::ptxsim;

namespace {

/// A kernel that loads the fragments of its lane, multiplies and stores.
std::string kernelOf(const std::string &form, unsigned a, unsigned b,
                     unsigned c, const char *type, unsigned bytes) {
  std::string reg = bytes == 8 ? "%d" : "%r";
  std::string text = ".version 8.0\n.target sm_90\n.address_size 64\n"
                     ".visible .entry k(.param .u64 a, .param .u64 b, "
                     ".param .u64 c, .param .u64 d)\n{\n"
                     ".reg .b64 %p<6>;\n.reg .u32 %t;\n.reg ." +
                     std::string(type) + " " + reg +
                     "<64>;\nmov.u32 %t, %tid.x;\n";
  auto list = [&](unsigned first, unsigned count) {
    std::string names;
    for (unsigned i = 0; i < count; ++i)
      names += (i ? ", " : "") + reg + std::to_string(first + i);
    return "{" + names + "}";
  };
  unsigned first = 0;
  const char *names = "abcd";
  unsigned counts[] = {a, b, c, c};
  for (unsigned i = 0; i < 4; ++i) {
    std::string pointer = "%p" + std::to_string(i);
    text += "ld.param.u64 " + pointer + ", [" + names[i] + "];\n" +
            "mad.wide.u32 " + pointer + ", %t, " +
            std::to_string(bytes * counts[i]) + ", " + pointer + ";\n";
    for (unsigned r = 0; i < 3 && r < counts[i]; ++r)
      text += "ld.global." + std::string(type) + " " + reg +
              std::to_string(first + r) + ", [" + pointer + "+" +
              std::to_string(r * bytes) + "];\n";
    first += i < 3 ? counts[i] : 0;
  }
  text += "mma.sync.aligned." + form + " " + list(first, c) + ", " +
          list(0, a) + ", " + list(a, b) + ", " + list(a + b, c) + ";\n";
  for (unsigned r = 0; r < c; ++r)
    text += "st.global." + std::string(type) + " [%p3+" +
            std::to_string(r * bytes) + "], " + reg +
            std::to_string(first + r) + ";\n";
  return text + "ret;\n}\n";
}

template <class T>
std::vector<T> multiply(const std::string &kernel, const std::vector<T> &a,
                        const std::vector<T> &b, const std::vector<T> &c) {
  Sim sim("h100");
  EXPECT_TRUE(sim.load(kernel)) << sim.error.str();
  Address d = sim.upload(std::vector<T>(c.size()));
  EXPECT_RUNS(sim.run("k", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), d));
  return sim.download<T>(d, c.size());
}

TEST(Mma, Int8OfDepth32) {
  std::mt19937 random(1);
  std::vector<uint32_t> a(32 * 4), b(32 * 2), c(32 * 4);
  for (auto *v : {&a, &b, &c})
    for (uint32_t &x : *v)
      x = random();
  for (bool saturates : {false, true}) {
    auto d = multiply(kernelOf(std::string("m16n8k32.row.col") +
                                   (saturates ? ".satfinite" : "") +
                                   ".s32.s8.u8.s32",
                               4, 2, 4, "b32", 4),
                      a, b, c);
    int A[16][32], B[32][8];
    for (int lane = 0; lane < 32; ++lane) {
      int group = lane / 4, thread = lane % 4;
      for (int i = 0; i < 16; ++i) {
        int row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
        int column = thread * 4 + (i & 3) + (i < 8 ? 0 : 16);
        A[row][column] = int8_t(a[lane * 4 + i / 4] >> (8 * (i % 4)));
      }
      for (int i = 0; i < 8; ++i)
        B[thread * 4 + (i & 3) + (i < 4 ? 0 : 16)][group] =
            uint8_t(b[lane * 2 + i / 4] >> (8 * (i % 4)));
    }
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        int row = lane / 4 + (i < 2 ? 0 : 8), column = lane % 4 * 2 + (i & 1);
        int64_t sum = int32_t(c[lane * 4 + i]);
        for (int k = 0; k < 32; ++k)
          sum += A[row][k] * B[k][column];
        if (saturates)
          sum = std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
        EXPECT_EQ(int32_t(d[lane * 4 + i]), int32_t(sum)) << lane << " " << i;
      }
  }
}

TEST(Mma, HalfWithHalfAccumulators) {
  // Small integers: every order of summation gives the same.
  std::mt19937 random(2);
  auto pairs = [&](size_t count) {
    std::vector<uint32_t> v(count);
    for (uint32_t &x : v)
      x = floatToF16(float(int(random() % 9) - 4)) |
          uint32_t(floatToF16(float(int(random() % 9) - 4))) << 16;
    return v;
  };
  auto a = pairs(32 * 4), b = pairs(32 * 2), c = pairs(32 * 2);
  auto d = multiply(
      kernelOf("m16n8k16.row.col.f16.f16.f16.f16", 4, 2, 2, "b32", 4), a, b, c);
  auto half = [](uint32_t v, int i) {
    return f16ToFloat(uint16_t(v >> (16 * (i & 1))));
  };
  float A[16][16], B[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    int group = lane / 4, thread = lane % 4;
    for (int i = 0; i < 8; ++i)
      A[i < 2 || (i >= 4 && i < 6) ? group : group + 8]
       [thread * 2 + (i & 1) + (i < 4 ? 0 : 8)] = half(a[lane * 4 + i / 2], i);
    for (int i = 0; i < 4; ++i)
      B[thread * 2 + (i & 1) + (i < 2 ? 0 : 8)][group] =
          half(b[lane * 2 + i / 2], i);
  }
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      float sum = half(c[lane * 2 + i / 2], i);
      for (int k = 0; k < 16; ++k)
        sum += A[lane / 4 + (i < 2 ? 0 : 8)][k] * B[k][lane % 4 * 2 + (i & 1)];
      EXPECT_EQ(half(d[lane * 2 + i / 2], i), sum) << lane << " " << i;
    }
}

TEST(Mma, Doubles) {
  std::mt19937 random(3);
  std::vector<double> a(32), b(32), c(64);
  for (auto *v : {&a, &b, &c})
    for (double &x : *v)
      x = double(random()) / 1e9 - 2;
  auto d = multiply(
      kernelOf("m8n8k4.row.col.f64.f64.f64.f64", 1, 1, 2, "f64", 8), a, b, c);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 2; ++i) {
      double sum = c[lane * 2 + i];
      for (int k = 0; k < 4; ++k)
        sum = std::fma(a[lane / 4 * 4 + k], b[(lane % 4 * 2 + i) * 4 + k], sum);
      EXPECT_EQ(d[lane * 2 + i], sum) << lane << " " << i;
    }
}

} // namespace
