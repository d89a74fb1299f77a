// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wmma as nvcc compiles it, m8n8k4 of f16, and mma.sp, with small integers:
// every order of summation gives the same.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <random>

using namespace moe::ptxsim;

namespace {

std::mt19937 generator(4);

std::vector<int> integers(size_t count, int least, int most) {
  std::vector<int> values(count);
  for (int &value : values)
    value = least + int(generator() % unsigned(most - least + 1));
  return values;
}

struct Half {
  static uint16_t from(int x) { return floatToF16(float(x)); }
  static double to(uint16_t x) { return double(f16ToFloat(x)); }
};
struct BHalf {
  static uint16_t from(int x) { return floatToBF16(float(x)); }
  static double to(uint16_t x) { return double(bf16ToFloat(x)); }
};
template <class T>
struct Plain {
  static T from(int x) { return T(x); }
  static double to(T x) { return double(x); }
};

template <class F>
auto convert(const std::vector<int> &values) {
  std::vector<decltype(F::from(0))> to;
  for (int value : values)
    to.push_back(F::from(value));
  return to;
}

/// A matrix in memory, with columns or rows side by side and room between.
struct Layout {
  int rows, columns;
  bool columnsFirst;
  int leading() const { return (columnsFirst ? rows : columns) + 8; }
  size_t size() const {
    return size_t(leading()) * size_t(columnsFirst ? columns : rows);
  }
  size_t at(int row, int column) const {
    return columnsFirst ? size_t(column * leading() + row)
                        : size_t(row * leading() + column);
  }
};

/// The kernel stores 2 (A x B + C).
template <class AB, class C, class D>
void checkWmma(const char *kernel, int m, int n, int k, const char *layouts,
               int least = -4, int most = 4) {
  Layout a{m, k, layouts[0] == 'c'}, b{k, n, layouts[1] == 'c'},
      c{m, n, layouts[2] == 'c'};
  auto va = integers(a.size(), least, most),
       vb = integers(b.size(), least, most), vc = integers(c.size(), -9, 9);
  Options options = optionsOf("a100");
  options.checks = allChecks;
  Sim sim(options);
  sim.loadFile("fragments.ptx");
  Address out =
      sim.upload(std::vector<decltype(D::from(0))>(c.size(), D::from(77)));
  EXPECT_RUNS(sim.run(kernel, {1, 1, 1}, {32, 1, 1}, 0,
                      sim.upload(convert<AB>(va)), sim.upload(convert<AB>(vb)),
                      sim.upload(convert<C>(vc)), out, a.leading(), b.leading(),
                      c.leading()));
  auto got = sim.download<decltype(D::from(0))>(out, c.size());
  std::vector<bool> inside(c.size());
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      int sum = vc[c.at(i, j)];
      for (int q = 0; q < k; ++q)
        sum += va[a.at(i, q)] * vb[b.at(q, j)];
      ASSERT_EQ(D::to(got[c.at(i, j)]), 2 * sum) << kernel << i << " " << j;
      inside[c.at(i, j)] = true;
    }
  for (size_t i = 0; i < c.size(); ++i)
    if (!inside[i])
      EXPECT_EQ(D::to(got[i]), 77) << kernel << " wrote between rows";
}

TEST(Fragments, WmmaOfFloats) {
  using Float = Plain<float>;
  using Double = Plain<double>;
  checkWmma<Half, Float, Float>("f16_16x16", 16, 16, 16, "rcr");
  checkWmma<Half, Float, Float>("f16_16x16_cr", 16, 16, 16, "crc");
  checkWmma<Half, Half, Half>("f16_32x8", 32, 8, 16, "rrr");
  checkWmma<Half, Half, Float>("f16_8x32", 8, 32, 16, "ccr");
  checkWmma<BHalf, Float, Float>("bf16_16x16", 16, 16, 16, "rrr");
  checkWmma<BHalf, Float, Float>("bf16_32x8", 32, 8, 16, "ccc");
  checkWmma<BHalf, Float, Float>("bf16_8x32", 8, 32, 16, "rcr");
  checkWmma<Double, Double, Double>("f64_8x8", 8, 8, 4, "rcr");
  checkWmma<Double, Double, Double>("f64_8x8_cr", 8, 8, 4, "crc");
}

TEST(Fragments, WmmaOfIntegers) {
  using Int = Plain<int>;
  checkWmma<Plain<int8_t>, Int, Int>("s8_16x16", 16, 16, 16, "rcr", -128, 127);
  checkWmma<Plain<uint8_t>, Int, Int>("u8_32x8", 32, 8, 16, "crr", 0, 255);
  checkWmma<Plain<int8_t>, Int, Int>("s8_8x32", 8, 32, 16, "rrc", -128, 127);
}

TEST(Fragments, WmmaOfTF32RoundsFirst) {
  Sim sim;
  sim.loadFile("fragments.ptx");
  auto va = integers(16 * 12, -4, 4), vb = integers(16 * 12, -4, 4);
  auto a = convert<Plain<float>>(va), b = convert<Plain<float>>(vb);
  for (float &x : a)
    x *= 1 + 0x1p-13f; // rounds to the integer
  Address c = sim.upload(std::vector<float>(256));
  EXPECT_RUNS(sim.run("tf32_16x16", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), c, 12));
  auto got = sim.download<float>(c, 256);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      int sum = 1;
      for (int q = 0; q < 8; ++q)
        sum += va[i * 12 + q] * vb[j * 12 + q];
      ASSERT_EQ(got[i * 16 + j], sum);
    }
}

TEST(Fragments, WmmaOfNarrowIntegers) {
  Sim sim;
  sim.loadFile("fragments.ptx");
  auto words = [](size_t count) {
    std::vector<uint32_t> values(count);
    for (uint32_t &value : values)
      value = generator();
    return values;
  };
  auto a = words(32), b = words(32);
  Address c = sim.upload(std::vector<int>(64));
  Address d = sim.upload(std::vector<int>(64));
  EXPECT_RUNS(sim.run("s4_8x8", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), c));
  auto got = sim.download<int>(c, 64);
  auto nibble = [](uint32_t word, int i) {
    return int32_t(word << (28 - 4 * i)) >> 28;
  };
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j) {
      int sum = 5;
      for (int q = 0; q < 32; ++q)
        sum +=
            nibble(a[i * 4 + q / 8], q % 8) * nibble(b[j * 4 + q / 8], q % 8);
      ASSERT_EQ(got[i * 8 + j], sum);
    }
  EXPECT_RUNS(sim.run("b1_8x8", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), c, d));
  auto xors = sim.download<int>(c, 64), ands = sim.download<int>(d, 64);
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j) {
      int x = 0, n = 0;
      for (int q = 0; q < 4; ++q) {
        x += __builtin_popcount(a[i * 4 + q] ^ b[j * 4 + q]);
        n += __builtin_popcount(a[i * 4 + q] & b[j * 4 + q]);
      }
      ASSERT_EQ(xors[i * 8 + j], x);
      ASSERT_EQ(ands[i * 8 + j], n);
    }
}

/// A kernel of one instruction: registers of each lane come from a, b, c and e
/// and go to d, as words.
std::string kernelOf(const std::string &instruction, unsigned a, unsigned b,
                     unsigned c, unsigned d, int selector = -1) {
  std::string text =
      ".version 8.0\n.target sm_90\n.address_size 64\n"
      ".visible .entry k(.param .u64 a, .param .u64 b, "
      ".param .u64 c, .param .u64 e, .param .u64 d)\n{\n"
      ".reg .b64 %p<6>;\n.reg .u32 %t;\n.reg .b32 "
      "%a<9>, %b<9>, %c<9>, %e<2>, %d<9>;\nmov.u32 %t, %tid.x;\n";
  const char *names = "abced";
  unsigned counts[] = {a, b, c, 1, d};
  std::string lists[5];
  for (unsigned i = 0; i < 5; ++i) {
    std::string pointer = "%p" + std::to_string(i), name(1, names[i]);
    text += "ld.param.u64 " + pointer + ", [" + name + "];\nmad.wide.u32 " +
            pointer + ", %t, " + std::to_string(4 * counts[i]) + ", " +
            pointer + ";\n";
    for (unsigned r = 0; r < counts[i]; ++r) {
      std::string reg = "%" + name + std::to_string(r);
      lists[i] += (r ? ", " : "") + reg;
      if (i < 4)
        text += "ld.global.b32 " + reg + ", [" + pointer + "+" +
                std::to_string(4 * r) + "];\n";
    }
  }
  text += instruction + " {" + lists[4] + "}, {" + lists[0] + "}, {" +
          lists[1] + "}, {" + lists[2] + "}" +
          (selector < 0 ? "" : ", %e0, " + std::to_string(selector)) + ";\n";
  for (unsigned r = 0; r < d; ++r)
    text += "st.global.b32 [%p4+" + std::to_string(4 * r) + "], %d" +
            std::to_string(r) + ";\n";
  return text + "ret;\n}\n";
}

using Words = std::vector<uint32_t>;

Words runKernel(const std::string &kernel, const Words &a, const Words &b,
                const Words &c, const Words &e, size_t results) {
  Sim sim("h100");
  EXPECT_TRUE(sim.load(kernel)) << sim.error.str();
  Address d = sim.upload(Words(results));
  EXPECT_RUNS(sim.run("k", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), sim.upload(e), d));
  return sim.download<uint32_t>(d, results);
}

void setHalf(Words &words, size_t at, uint16_t bits) {
  uint32_t &word = words[at / 2];
  word = at % 2 ? (word & 0xffff) | uint32_t(bits) << 16
                : (word & 0xffff0000) | bits;
}

/// The tables of the ISA for m8n8k4, for a lane and an element.
TEST(Fragments, EightLanesForThemselves) {
  for (bool aColumns : {false, true})
    for (bool bColumns : {false, true})
      for (bool f32 : {false, true}) {
        auto va = integers(4 * 8 * 4, -4, 4), vb = integers(4 * 4 * 8, -4, 4),
             vc = integers(4 * 8 * 8, -9, 9);
        Words a(64), b(64), c(32 * (f32 ? 8 : 4));
        auto quad = [](int lane) { return lane / 4 % 4; };
        for (int lane = 0; lane < 32; ++lane) {
          bool low = lane < 16;
          for (int i = 0; i < 4; ++i) {
            int row = aColumns ? i + (low ? 0 : 4) : lane % 4 + (low ? 0 : 4);
            int k = aColumns ? lane % 4 : i;
            setHalf(a, size_t(lane * 4 + i),
                    Half::from(va[quad(lane) * 32 + row * 4 + k]));
            k = bColumns ? i : lane % 4;
            int column =
                bColumns ? lane % 4 + (low ? 0 : 4) : i + (low ? 0 : 4);
            setHalf(b, size_t(lane * 4 + i),
                    Half::from(vb[quad(lane) * 32 + k * 8 + column]));
          }
        }
        auto place = [&](int lane, int i) {
          int row = lane % 4 + (lane < 16 ? 0 : 4), column = i;
          if (f32) {
            row = (lane & 1) + (i & 2) + (lane < 16 ? 0 : 4);
            column = (i & 4) + (lane & 2) + (i & 1);
          }
          return std::pair(row, column);
        };
        for (int lane = 0; lane < 32; ++lane)
          for (int i = 0; i < 8; ++i) {
            auto [row, column] = place(lane, i);
            int value = vc[quad(lane) * 64 + row * 8 + column];
            if (f32)
              c[lane * 8 + i] = bitCast<uint32_t>(float(value));
            else
              setHalf(c, size_t(lane * 8 + i), Half::from(value));
          }
        std::string type = f32 ? ".f32.f16.f16.f32" : ".f16.f16.f16.f16";
        Words d =
            runKernel(kernelOf("mma.sync.aligned.m8n8k4." +
                                   std::string(aColumns ? "col." : "row.") +
                                   (bColumns ? "col" : "row") + type,
                               2, 2, f32 ? 8 : 4, f32 ? 8 : 4),
                      a, b, c, Words(32), c.size());
        for (int lane = 0; lane < 32; ++lane)
          for (int i = 0; i < 8; ++i) {
            auto [row, column] = place(lane, i);
            int q = quad(lane), sum = vc[q * 64 + row * 8 + column];
            for (int k = 0; k < 4; ++k)
              sum += va[q * 32 + row * 4 + k] * vb[q * 32 + k * 8 + column];
            double got =
                f32 ? double(bitCast<float>(d[lane * 8 + i]))
                    : Half::to(uint16_t(d[(lane * 8 + i) / 2] >> (i % 2 * 16)));
            ASSERT_EQ(got, sum) << lane << " " << i;
          }
      }
}

/// A sparse product from a dense A of which each chunk keeps a part.
struct Sparse {
  const char *form;
  int k, bits;   ///< of an element
  int selectors; ///< 4: one lane of a group tells, 2: two, 1: all
};

void checkSparse(const Sparse &s) {
  bool isFloat = s.bits >= 16;
  int chunk = s.bits == 4 ? 8 : s.bits == 32 ? 2 : 4;
  int unit = s.bits == 4 ? 2 : 1; // numbers that stay or go together
  int kept = s.k / 2, each = 32 / s.bits;
  for (int selector = 0; selector < s.selectors; ++selector) {
    auto dense = integers(size_t(16 * s.k), 1, 4);
    auto vb = integers(size_t(s.k * 8), -4, 4), vc = integers(128, -9, 9);
    Words a(size_t(16 * kept / each)), b(size_t(s.k * 8 / each)), c(128),
        e(32, 0xdeadbeef);
    auto put = [&](Words &words, size_t lane, size_t registers, size_t reg,
                   int part, int value) {
      uint32_t bits = s.bits == 32   ? bitCast<uint32_t>(float(value))
                      : s.bits == 16 ? Half::from(value)
                                     : uint32_t(value) & ((1u << s.bits) - 1);
      uint32_t &word = words[lane * registers + reg];
      if (part == 0)
        word = 0;
      word |= bits << (part * s.bits % 32);
    };
    for (int row = 0; row < 16; ++row) {
      uint64_t metadata = 0;
      int metadataBits = 0, at = 0;
      for (int first = 0; first < s.k; first += chunk) {
        // Which units of the chunk stay, in ascending order.
        int units = chunk / unit, x = int(generator() % unsigned(units)), y;
        do
          y = int(generator() % unsigned(units));
        while (y == x);
        if (x > y)
          std::swap(x, y);
        uint64_t code = s.bits == 32 ? (x == 0 && generator() % 2 ? 0x4 : 0xe)
                                     : uint64_t(x | y << 2);
        metadata |= code << metadataBits;
        metadataBits += 4;
        for (int i = 0; i < chunk; ++i) {
          bool stays = s.bits == 32 ? i == (code == 0xe)
                                    : i / unit == x || i / unit == y;
          int &value = dense[size_t(row * s.k + first + i)];
          if (!stays) {
            value = 0;
            continue;
          }
          int chunkOfRegisters = at / (4 * each);
          put(a, size_t(row % 8 * 4 + at % (4 * each) / each),
              size_t(kept / each / 2), size_t(row / 8 + 2 * chunkOfRegisters),
              at % each, value);
          ++at;
        }
      }
      ASSERT_EQ(at, kept);
      // 16 bits of rows g and g + 8 share a word, or each row has words.
      for (int first = 0; first < metadataBits; first += isFloat ? 16 : 32) {
        int lanes = isFloat ? metadataBits / 16 : metadataBits / 16;
        if (isFloat) {
          uint32_t &word =
              e[size_t(row % 8 * 4 + selector * lanes + first / 16)];
          uint32_t part = uint32_t(metadata >> first) & 0xffff;
          word = row < 8 ? (word & 0xffff0000) | part
                         : (word & 0xffff) | part << 16;
        } else {
          e[size_t(row % 8 * 4 + selector * lanes + first / 16 + row / 8)] =
              uint32_t(metadata >> first);
        }
      }
    }
    for (int k = 0; k < s.k; ++k)
      for (int n = 0; n < 8; ++n)
        put(b, size_t(n * 4 + k % (4 * each) / each), size_t(s.k / each / 4),
            size_t(k / (4 * each)), k % each, vb[size_t(k * 8 + n)]);
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        int value =
            vc[size_t((lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2)];
        c[size_t(lane * 4 + i)] =
            isFloat ? bitCast<uint32_t>(float(value)) : uint32_t(value);
      }
    Words d = runKernel(kernelOf(std::string("mma.sp.sync.aligned.") + s.form,
                                 unsigned(kept / each / 2),
                                 unsigned(s.k / each / 4), 4, 4, selector),
                        a, b, c, e, 128);
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        int sum = vc[size_t(row * 8 + column)];
        for (int k = 0; k < s.k; ++k)
          sum += dense[size_t(row * s.k + k)] * vb[size_t(k * 8 + column)];
        uint32_t bits = d[size_t(lane * 4 + i)];
        ASSERT_EQ(isFloat ? double(bitCast<float>(bits)) : double(int(bits)),
                  sum)
            << s.form << " selector " << selector << " lane " << lane;
      }
  }
}

TEST(Fragments, SparseProducts) {
  checkSparse({"m16n8k16.row.col.f32.f16.f16.f32", 16, 16, 4});
  checkSparse({"m16n8k32.row.col.f32.f16.f16.f32", 32, 16, 2});
  checkSparse({"m16n8k8.row.col.f32.tf32.tf32.f32", 8, 32, 4});
  checkSparse({"m16n8k16.row.col.f32.tf32.tf32.f32", 16, 32, 2});
  checkSparse({"m16n8k32.row.col.s32.s8.s8.s32", 32, 8, 2});
  checkSparse({"m16n8k64.row.col.s32.s8.s8.s32", 64, 8, 1});
  checkSparse({"m16n8k64.row.col.s32.s4.s4.s32", 64, 4, 2});
  checkSparse({"m16n8k128.row.col.s32.s4.s4.s32", 128, 4, 1});
}

} // namespace
