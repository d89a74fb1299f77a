// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel a family of instructions (test/PTXSim/Inputs/instructions.cu), with
// the results computed by the host.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>
#include <random>

using namespace moe::ptxsim;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float notANumber = std::nanf("");

std::vector<uint32_t> words(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> values(count);
  for (uint32_t &value : values)
    value = random();
  return values;
}

struct Instructions : ::testing::Test {
  Sim sim;
  void SetUp() override { sim.loadFile("instructions.ptx"); }
};

int32_t clampTo32(int64_t v) {
  return int32_t(std::min<int64_t>(std::max<int64_t>(v, INT32_MIN), INT32_MAX));
}
int byteOf(uint32_t v, int i, bool isSigned) {
  return isSigned ? int8_t(v >> (8 * i)) : int(uint8_t(v >> (8 * i)));
}

TEST_F(Instructions, Integers) {
  auto a = words(64, 1), b = words(64, 2), c = words(64, 3);
  a[0] = 0x7fffffff, b[0] = 5, a[1] = 0x80000000, b[1] = 3, a[2] = 7, b[2] = 1;
  b[3] = 0xffffffff; // -1
  a[3] = 17;
  Address out = sim.upload(std::vector<int>(64 * 20));
  EXPECT_RUNS(sim.run("integers", {1, 1, 1}, {64, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), out, 50));
  auto got = sim.download<int32_t>(out, 64 * 20);
  EXPECT_EQ(got[50 * 20], 0) << "lanes behind the end do nothing";
  for (int i = 0; i < 50; ++i) {
    uint32_t ux = a[i], uy = b[i], uz = c[i];
    int32_t x = int32_t(ux), y = int32_t(uy), z = int32_t(uz);
    int32_t dotS = z, dotU = z, dot2 = z;
    for (int k = 0; k < 4; ++k) {
      dotS += byteOf(ux, k, true) * byteOf(uy, k, true);
      dotU += byteOf(ux, k, false) * byteOf(uy, k, false);
    }
    for (int k = 0; k < 2; ++k)
      dot2 += int16_t(ux >> (16 * k)) * byteOf(uy, k, false);
    uint64_t p = uint64_t(ux) * uy;
    int64_t q = int64_t(x) * y + z;
    auto mul24 = [](int32_t v, int32_t w) {
      return int32_t(int64_t(int32_t(uint32_t(v) << 8) >> 8) *
                     (int32_t(uint32_t(w) << 8) >> 8));
    };
    int32_t expected[20] = {
        x / y,
        x % y,
        int32_t(ux / uy),
        int32_t(ux % uy),
        int32_t(int64_t(x) * y >> 32),
        int32_t(p >> 32),
        int32_t(ux * uy + uz),
        int32_t(uz + uint32_t(x < y ? int64_t(y) - x : int64_t(x) - y)),
        clampTo32(int64_t(x) + y),
        clampTo32(int64_t(x) - y),
        dotS,
        dotU,
        dot2,
        mul24(x, y),
        x == INT32_MIN ? x : std::abs(x),
        std::min(x, y),
        int32_t(std::max(ux, uy)),
        int32_t(p >> 32) ^ int32_t(p),
        int32_t(q >> 32) ^ int32_t(q),
        int16_t(x) * int16_t(y)};
    for (int k = 0; k < 20; ++k)
      EXPECT_EQ(got[i * 20 + k], expected[k]) << "lane " << i << " field " << k;
  }
}

TEST_F(Instructions, WideIntegersAndCarries) {
  auto w = words(256, 4);
  std::vector<uint64_t> a(32), b(32);
  for (int i = 0; i < 32; ++i) {
    a[i] = uint64_t(w[i]) << 32 | w[i + 32];
    b[i] = i % 2 ? uint64_t(w[i + 64]) << 32 | w[i + 96] : w[i + 64];
  }
  a[0] = ~uint64_t(0), b[0] = 1;
  Address out = sim.upload(std::vector<uint64_t>(32 * 8));
  EXPECT_RUNS(sim.run("wide", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), out));
  auto got = sim.download<uint64_t>(out, 32 * 8);
  for (int i = 0; i < 32; ++i) {
    uint64_t x = a[i], y = b[i], reversed = 0;
    for (int k = 0; k < 64; ++k)
      reversed |= (x >> k & 1) << (63 - k);
    uint64_t expected[8] = {
        x + y,
        uint64_t(((unsigned __int128)(x) + y) >> 64) + x,
        uint64_t(5) - (x < y),
        uint64_t((unsigned __int128)(x)*y >> 64),
        x / y,
        uint64_t(int64_t(x) % int64_t(y)),
        uint64_t(__builtin_clzll(x) * 1000 + __builtin_popcountll(x)),
        reversed};
    expected[1] = x + (x + y < x); // addc x, 0
    for (int k = 0; k < 8; ++k)
      EXPECT_EQ(got[i * 8 + k], expected[k]) << "lane " << i << " field " << k;
  }
}

TEST_F(Instructions, Bits) {
  auto a = words(32, 5), b = words(32, 6), c = words(32, 7);
  for (int i = 0; i < 32; ++i)
    b[i] &= 63, c[i] = i < 16 ? c[i] & 63 : c[i];
  a[4] = 0;
  Address out = sim.upload(std::vector<uint32_t>(32 * 20));
  EXPECT_RUNS(sim.run("bits", {1, 1, 1}, {32, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), out));
  auto got = sim.download<uint32_t>(out, 32 * 20);
  for (int i = 0; i < 32; ++i) {
    uint32_t x = a[i], y = b[i], z = c[i];
    auto field = [&](bool isSigned) {
      uint32_t pos = y & 255, len = z & 255, result = 0;
      uint32_t top = std::min(pos + len - 1, 31u);
      bool sign = isSigned && len && x >> top & 1;
      for (uint32_t k = 0; k < 32; ++k) {
        bool bit = k < len && pos + k <= 31 ? x >> (pos + k) & 1 : sign;
        result |= uint32_t(bit) << k;
      }
      return result;
    };
    uint32_t inserted = 0x12345678;
    for (uint32_t k = 0; k < (z & 255) && (y & 255) + k < 32; ++k) {
      inserted &= ~(1u << (y + k));
      inserted |= (x >> k & 1) << (y + k);
    }
    uint64_t both = uint64_t(y) << 32 | x;
    uint32_t prmt = 0, f4e = 0, rc16 = 0;
    for (int k = 0; k < 4; ++k) {
      uint32_t byte = both >> (8 * (z >> (4 * k) & 7)) & 255;
      if (z >> (4 * k) & 8)
        byte = byte >> 7 ? 255 : 0;
      prmt |= byte << (8 * k);
      f4e |= uint32_t(both >> (8 * ((z & 3) + k)) & 255) << (8 * k);
      rc16 |= uint32_t(both >> (8 * ((z & 1) * 2 + k % 2)) & 255) << (8 * k);
    }
    uint32_t reversed = 0, found = ~0u, foundS = ~0u, seen = 0, third = ~0u;
    uint32_t magnitude = int32_t(x) < 0 ? ~x : x;
    for (uint32_t k = 0; k < 32; ++k) {
      reversed |= (x >> k & 1) << (31 - k);
      found = x >> k & 1 ? k : found;
      foundS = magnitude >> k & 1 ? 31 - k : foundS;
      if (x >> k & 1 && ++seen == 3)
        third = k;
    }
    uint32_t shift = z & 31, mask = 0;
    for (uint32_t k = 0; k < 32; ++k)
      mask |= k >= y && k < uint64_t(y) + z ? 1u << k : 0;
    uint32_t expected[20] = {field(false),
                             field(true),
                             inserted,
                             prmt,
                             f4e,
                             rc16,
                             (x & ~(y & z)) |
                                 (~x & (y & z)), // what table 0xd2 …
                             uint32_t(both << shift >> 32),
                             uint32_t(z < 32 ? both >> z : y),
                             reversed,
                             uint32_t(__builtin_popcount(x)),
                             x ? uint32_t(__builtin_clz(x)) : 32,
                             found,
                             foundS,
                             z < 32 ? x << z : 0,
                             uint32_t(int32_t(x) >> std::min(z, 31u)),
                             z < 32 ? x >> z : 0,
                             mask,
                             !(x & 1),
                             third};
    expected[6] = 0; // … is, bit by bit
    for (int k = 0; k < 32; ++k) {
      unsigned row = (x >> k & 1) * 4 + (y >> k & 1) * 2 + (z >> k & 1);
      expected[6] |= (0xd2u >> row & 1) << k;
    }
    for (int k = 0; k < 20; ++k)
      EXPECT_EQ(got[i * 20 + k], expected[k]) << "lane " << i << " field " << k;
  }
}

/// `value()` in a rounding mode of the host.
template <class F>
float rounded(int mode, F value) {
  std::fesetround(mode);
  volatile float result = value();
  std::fesetround(FE_TONEAREST);
  return result;
}

TEST_F(Instructions, Floats) {
  std::vector<float> a{1,     -0.0f, 0x1p-140f, inf,  notANumber, 3.3f,
                       1e30f, -7.7f, 0x1p-149f, 0.1f, -inf,       2},
      b{0x1p-30f, 0.0f, 0x1.8p-130f, -inf, 1, -1.7f,
        1e-30f,   0.3f, -0x1p-149f,  0.2f, 5, notANumber},
      c{0x1p-60f, 1, -1, 0, 2, 9, -1e-9f, 4, 1, -0.02f, 3, 4};
  const int n = int(a.size());
  Address out = sim.upload(std::vector<float>(n * 24));
  EXPECT_RUNS(sim.run("floats", {1, 1, 1}, {uint32_t(n), 1, 1}, 0,
                      sim.upload(a), sim.upload(b), sim.upload(c), out));
  auto got = sim.download<float>(out, n * 24);
  auto ftz = [](float v) {
    return std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v;
  };
  for (int i = 0; i < n; ++i) {
    volatile float x = a[i], y = b[i], z = c[i];
    volatile double d = double(x) * y;
    bool nan = std::isnan(x) || std::isnan(y);
    volatile float m = std::fabs(x);
    float product = x * y;
    float expected[24] = {
        rounded(FE_TOWARDZERO, [&] { return x + y; }),
        rounded(FE_DOWNWARD, [&] { return x + y; }),
        rounded(FE_UPWARD, [&] { return x + y; }),
        rounded(FE_TOWARDZERO, [&] { return std::fma(x, y, z); }),
        rounded(FE_UPWARD, [&] { return std::fma(x, y, z); }),
        x / y,
        rounded(FE_DOWNWARD, [&] { return x / y; }),
        std::sqrt(m),
        rounded(FE_UPWARD, [&] { return std::sqrt(m); }),
        1 / x,
        x == 0 && y == 0 ? -0.0f : std::fmin(x, y),
        x == 0 && y == 0 ? 0.0f : std::fmax(x, y),
        nan                ? notANumber
        : x == 0 && y == 0 ? -0.0f
                           : std::fmin(x, y),
        ftz(ftz(x) + ftz(y)),
        product > 0 ? std::min(product, 1.0f) : 0,
        ftz(x) == ftz(y) ? ftz(std::signbit(x) ? y : x)
                         : std::fmax(ftz(x), ftz(y)),
        std::copysign(x, y),
        x < y || nan ? 1.0f : 0.0f,
        x > y ? 1.0f : 0.0f,
        x != y ? 1.0f : 0.0f,
        !nan && !(x >= y || nan) ? 3.0f : 4.0f,
        rounded(FE_DOWNWARD, [&] { return float(d); }),
        0,
        z >= 0 ? x : y};
    volatile double moved = d + 1e-30;
    expected[22] = rounded(FE_TOWARDZERO, [&] { return float(moved); });
    for (int k = 0; k < 24; ++k)
      if (std::isnan(expected[k]))
        EXPECT_TRUE(std::isnan(got[i * 24 + k])) << i << " field " << k;
      else
        EXPECT_EQ(bitCast<uint32_t>(got[i * 24 + k]),
                  bitCast<uint32_t>(expected[k]))
            << "lane " << i << " field " << k << ": " << got[i * 24 + k]
            << " for " << expected[k];
  }
}

TEST(Approximate, StaysWithinItsBoundsAndUsesThem) {
  std::vector<float> x(256);
  for (int i = 0; i < 256; ++i)
    x[i] = 0.01f + 0.024f * float(i);
  for (uint64_t seed : {0, 5}) {
    Options options = optionsOf("a100");
    options.approximationSeed = seed;
    Sim sim(options);
    sim.loadFile("instructions.ptx");
    Address out = sim.upload(std::vector<float>(256 * 8));
    EXPECT_RUNS(sim.run("approximations", {1, 1, 1}, {256, 1, 1}, 0,
                        sim.upload(x), out));
    auto got = sim.download<float>(out, 256 * 8);
    int different = 0;
    for (int i = 0; i < 256; ++i) {
      double v = x[i];
      double expected[8] = {std::exp2(v), std::log2(v), 1 / std::sqrt(v),
                            std::sin(v),  std::cos(v),  std::tanh(v),
                            v / 3,        std::sqrt(v)};
      double bound[8] = {0x1p-22, 0x1p-22, 0x1p-22, 0,
                         0,       0x1p-11, 0x1p-22, 0x1p-23};
      double fixed[8] = {0, 0x1p-22, 0, 0x1p-20, 0x1p-20, 0, 0, 0};
      for (int k = 0; k < 8; ++k) {
        float value = got[i * 8 + k];
        different += value != float(expected[k]);
        EXPECT_NEAR(value, expected[k],
                    std::fabs(expected[k]) * (seed ? bound[k] : 0x1p-24) +
                        (seed ? fixed[k] : 0))
            << "of " << v << ", field " << k;
      }
    }
    EXPECT_TRUE(seed ? different > 800 : different == 0) << different;
  }
}

TEST_F(Instructions, HalvesRoundOnce) {
  auto a = words(512, 11), b = words(512, 12), c = words(512, 13);
  Address out = sim.upload(std::vector<uint32_t>(512 * 8));
  EXPECT_RUNS(sim.run("halves", {1, 1, 1}, {512, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), out));
  auto got = sim.download<uint16_t>(out, 512 * 16);
  for (int i = 0; i < 1024; ++i) {
    auto half = [&](const std::vector<uint32_t> &v) {
      return decode(f16Format, v[i / 2] >> (i % 2 * 16) & 0xffff);
    };
    double x = half(a), y = half(b), z = half(c);
    bool nan = std::isnan(x) || std::isnan(y);
    // Sums and products of halves are exact in f64; the FMA in __float128.
    __float128 fma = __float128(x) * y + z;
    double odd = double(fma);
    if (std::isfinite(odd) && __float128(odd) != fma)
      odd = bitCast<double>((__float128(std::fabs(odd)) > (fma < 0 ? -fma : fma)
                                 ? bitCast<uint64_t>(odd) - 1
                                 : bitCast<uint64_t>(odd)) |
                            1);
    double difference = x - y;
    double expected[8] = {x + y,
                          x * y,
                          odd,
                          x == y ? (std::signbit(x) ? x : y) : std::fmin(x, y),
                          nan      ? NAN
                          : x == y ? (std::signbit(x) ? y : x)
                                   : std::fmax(x, y),
                          odd < 0 ? 0 : odd,
                          difference > 0 ? std::min(difference, 1.0) : 0,
                          x < y ? 1.0 : 0.0};
    for (int k = 0; k < 8; ++k) {
      uint16_t value = got[i / 2 * 16 + k * 2 + i % 2];
      uint32_t e = encode(f16Format, expected[k]);
      if (k == 5 && e == 0x8000)
        e = 0;
      EXPECT_EQ(value, e) << x << " " << y << " " << z << " field " << k;
    }
  }
}

TEST_F(Instructions, Conversions) {
  std::vector<float> a{2.5f, -2.5f, 3e9f,  -1e20f, notANumber,
                       0.1f, 65519, 1e-7f, -0.3f,  0x1.ffffffp20f};
  std::vector<int> b{0,          -1,          300, -300,      70000,
                     0x7fffffff, -0x7fffffff, 128, 0x1000001, -129};
  std::vector<double> c{2.5, -3.5, 1e10, NAN, -1e30, 0.5, 1.5, -0.5, 1e18, 7};
  const int n = int(a.size());
  Address out = sim.upload(std::vector<int64_t>(n * 24));
  EXPECT_RUNS(sim.run("conversions", {1, 1, 1}, {uint32_t(n), 1, 1}, 0,
                      sim.upload(a), sim.upload(b), sim.upload(c), out));
  auto got = sim.download<int64_t>(out, n * 24);
  auto bits = [](float v) { return int64_t(bitCast<int32_t>(v)); };
  auto toInt = [](double v) -> int64_t {
    return std::isnan(v)
               ? 0
               : int64_t(std::min(std::max(v, -2147483648.0), 2147483647.0));
  };
  auto toLong = [](double v) -> int64_t {
    return std::isnan(v) || v < -9e18 ? INT64_MIN
           : v > 9.2e18               ? INT64_MAX
                                      : int64_t(v);
  };
  for (int i = 0; i < n; ++i) {
    volatile float x = a[i];
    int y = b[i];
    double z = c[i];
    int64_t wide = int64_t(y) * 0x100000001;
    int64_t expected[24] = {
        toInt(std::nearbyint(x)),
        toInt(std::trunc(x)),
        toInt(std::floor(x)),
        toInt(std::ceil(x)),
        std::isnan(x)
            ? 0
            : int64_t(std::min(std::max(double(x), 0.0), 4294967295.0)),
        toLong(x),
        std::isnan(z) ? INT32_MIN : toInt(std::nearbyint(z)),
        toLong(z),
        bits(rounded(FE_TOWARDZERO,
                     [&] {
                       volatile int v = y;
                       return float(v);
                     })),
        bits(rounded(FE_UPWARD,
                     [&] {
                       volatile unsigned v = y;
                       return float(v);
                     })),
        bitCast<int64_t>(double(y)),
        bits(float(wide)),
        int8_t(y),
        uint8_t(y),
        int16_t(y),
        uint16_t(y),
        std::min(std::max(y, -128), 127),
        std::min(std::max(y, 0), 65535),
        encode(f16Format, x),
        encode(f16Format, x, Rounding::Down),
        encode(bf16Format, x),
        bits(std::isnan(x) ? bitCast<float>(0x7fffffff) : std::nearbyint(x)),
        bits(std::isnan(x) ? bitCast<float>(0x7fffffff) : std::floor(x)),
        int64_t((bitCast<uint32_t>(a[i]) + 0x1000) & 0xffffe000)};
    if (std::isnan(x))
      expected[23] = 0x7fffffff;
    for (int k = 0; k < 24; ++k)
      EXPECT_EQ(got[i * 24 + k], expected[k])
          << "lane " << i << " field " << k << " of " << x << ", " << y << ", "
          << z;
  }
}

TEST_F(Instructions, BHalves) {
  auto a = words(64, 21), b = words(64, 22), c = words(64, 23);
  Address out = sim.upload(std::vector<uint32_t>(64 * 4));
  EXPECT_RUNS(sim.run("bhalves", {1, 1, 1}, {64, 1, 1}, 0, sim.upload(a),
                      sim.upload(b), sim.upload(c), out));
  auto got = sim.download<uint16_t>(out, 64 * 8);
  for (int i = 0; i < 128; ++i) {
    auto half = [&](const std::vector<uint32_t> &v) {
      return uint16_t(v[i / 2] >> (i % 2 * 16));
    };
    float x = bf16ToFloat(half(a)), y = bf16ToFloat(half(b));
    float z = bf16ToFloat(half(c));
    if (std::isnan(x) || std::isnan(y) || std::isnan(z))
      continue;
    double fma = double(x) * y + z; // near enough to a single rounding here
    auto at = [&](int k) { return got[i / 2 * 8 + k * 2 + i % 2]; };
    EXPECT_EQ(at(0), encode(bf16Format, fma)) << x << " " << y << " " << z;
    EXPECT_EQ(bf16ToFloat(at(1)), std::fmin(x, y));
    EXPECT_EQ(bf16ToFloat(at(2)), std::fmax(x, y));
    EXPECT_EQ(at(3), half(a) ^ 0x8000);
  }
}

} // namespace
