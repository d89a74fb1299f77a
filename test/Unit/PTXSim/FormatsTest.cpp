// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Numerics/Formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace moe::ptxsim;

namespace {

/// Of the results in the order of format-goldens.py.
struct Hash {
  uint64_t state = 0xcbf29ce484222325;
  void add(uint32_t value) { state = (state ^ value) * 0x100000001b3; }
};

struct Case {
  const char *name;
  Format format;
  uint64_t decoded, encoded;
};

const Case cases[] = {
    {"f16", f16Format, 0xd7627f0627e7a325, 0xa424f15274ee61a5},
    {"bf16", bf16Format, 0x6d161b4c63da2325, 0xfb922acde3314125},
    {"e4m3", e4m3Format, 0x4954232ba6969d25, 0xd4fcac1a1409a25},
    {"e5m2", e5m2Format, 0x7a29b7ae2da2a125, 0xe4d6107668fbc1a5},
};

std::vector<float> sources() {
  std::vector<float> values;
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low :
         {0x0000, 0x0001, 0x1000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff})
      values.push_back(bitCast<float>(high << 16 | low));
  return values;
}

TEST(Formats, EveryNarrowNumberDecodesAsNumpySays) {
  for (const Case &c : cases) {
    Hash hash;
    for (uint32_t bits = 0; bits < 1u << c.format.bits(); ++bits)
      hash.add(bitCast<uint32_t>(canonicalNaN(float(decode(c.format, bits)))));
    EXPECT_EQ(hash.state, c.decoded) << c.name;
  }
}

TEST(Formats, EncodesToNearestAsNumpySays) {
  std::vector<float> values = sources();
  for (const Case &c : cases) {
    Hash hash;
    for (float value : values)
      hash.add(encode(c.format, value));
    EXPECT_EQ(hash.state, c.encoded) << c.name;
  }
}

TEST(Formats, QuickConversionsEqualTheGeneralOnes) {
  for (float value : sources()) {
    ASSERT_EQ(floatToF16(value), encode(f16Format, value)) << value;
    ASSERT_EQ(floatToBF16(value), encode(bf16Format, value)) << value;
    ASSERT_EQ(bitCast<uint32_t>(canonicalNaN(value)), encode(f32Format, value));
  }
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    ASSERT_EQ(bitCast<uint32_t>(f16ToFloat(uint16_t(bits))),
              bitCast<uint32_t>(canonicalNaN(float(decode(f16Format, bits)))));
    float wide = bf16ToFloat(uint16_t(bits));
    if (!std::isnan(wide))
      ASSERT_EQ(wide, decode(bf16Format, bits));
  }
}

/// The neighbours of a number in a format, found by decoding all of it.
TEST(Formats, DirectedRoundingTakesTheNeighbourOnItsSide) {
  for (const Case &c : cases)
    for (float value : {1.03f, -1.03f, 3.3e-7f, -3.3e-7f, 2.9e-3f, 239.9f}) {
      double down = -INFINITY, up = INFINITY;
      for (uint32_t bits = 0; bits < 1u << c.format.bits(); ++bits) {
        double other = decode(c.format, bits);
        if (other <= value)
          down = std::fmax(down, other);
        if (other >= value)
          up = std::fmin(up, other);
      }
      auto at = [&](Rounding r) {
        return decode(c.format, encode(c.format, value, r));
      };
      EXPECT_EQ(at(Rounding::Down), down) << c.name << " " << value;
      EXPECT_EQ(at(Rounding::Up), up) << c.name << " " << value;
      EXPECT_EQ(at(Rounding::Zero), value < 0 ? up : down) << c.name;
    }
}

TEST(Formats, SaturationGivesTheLargestFiniteNumber) {
  for (const Case &c : cases) {
    for (double value : {HUGE_VAL, 1e39})
      EXPECT_EQ(
          encode(c.format, value, Rounding::NearestEven, Overflow::Finite),
          c.format.largest());
    EXPECT_EQ(encode(c.format, -1e39, Rounding::Zero),
              c.format.signBit() | c.format.largest());
    EXPECT_EQ(encode(c.format, NAN, Rounding::NearestEven, Overflow::Finite),
              c.format.canonicalNaN);
  }
  EXPECT_EQ(decode(e4m3Format, e4m3Format.largest()), 448);
  EXPECT_EQ(decode(e5m2Format, e5m2Format.largest()), 57344);
}

TEST(Formats, TF32RoundsTiesAwayFromZero) {
  auto rna = [](uint32_t bits) {
    return encodeTF32(bitCast<float>(bits), Rounding::NearestAway);
  };
  EXPECT_EQ(rna(0x3f801000), 0x3f802000u);
  EXPECT_EQ(rna(0xbf801000), 0xbf802000u);
  EXPECT_EQ(rna(0x3f800fff), 0x3f800000u);
  EXPECT_EQ(encodeTF32(bitCast<float>(0x3f801000u), Rounding::NearestEven),
            0x3f800000u);
  EXPECT_EQ(rna(0x7fc00000), 0x7fffffffu);
  EXPECT_EQ(rna(0x00000fff), 0u);
  EXPECT_EQ(rna(0x00001000), 0x00002000u);
}

TEST(Formats, FloatToIntegerClamps) {
  auto s32 = [](double v) {
    return int32_t(floatToInteger(v, 32, true, Rounding::Zero, false));
  };
  EXPECT_EQ(s32(3e9), 2147483647);
  EXPECT_EQ(s32(-3e9), -2147483647 - 1);
  EXPECT_EQ(s32(-1.9), -1);
  EXPECT_EQ(s32(NAN), 0);
  EXPECT_EQ(floatToInteger(-5, 32, false, Rounding::Zero, false), 0u);
  EXPECT_EQ(floatToInteger(5e9, 32, false, Rounding::Zero, false), 0xffffffffu);
  EXPECT_EQ(floatToInteger(2.5, 32, true, Rounding::NearestEven, false), 2u);
  EXPECT_EQ(floatToInteger(NAN, 64, true, Rounding::Zero, false), uint64_t(1)
                                                                      << 63);
  EXPECT_EQ(floatToInteger(300, 8, false, Rounding::Zero, false), 255u);
  EXPECT_EQ(floatToInteger(-129, 8, true, Rounding::Zero, false), 0x80u);
}

TEST(Formats, IntegerToFloatRoundsOnce) {
  for (uint64_t value :
       {uint64_t(0), uint64_t(1), uint64_t(0x1000001), uint64_t(0xffffffff),
        ~uint64_t(0), uint64_t(0x8000008000000001)})
    EXPECT_EQ(integerToFloat(false, value, Rounding::NearestEven),
              float(value));
  EXPECT_EQ(integerToFloat(false, 0x1000003, Rounding::Zero), 0x1000002);
  EXPECT_EQ(integerToFloat(true, 0x1000003, Rounding::Down), -0x1000004);
  EXPECT_EQ(integerToDouble(false, ~uint64_t(0), Rounding::Zero),
            18446744073709549568.0);
}

/// An FMA of f16 must round once: against long arithmetic in integers.
TEST(Formats, FmaThroughDoubleRoundsOnce) {
  std::mt19937 random(7);
  for (int i = 0; i < 200000; ++i) {
    uint32_t bits[3];
    double v[3];
    for (int j = 0; j < 3; ++j) {
      bits[j] = random() & 0xffff;
      v[j] = decode(f16Format, bits[j]);
    }
    if (!std::isfinite(v[0] + v[1] + v[2]))
      continue;
    // Every f16 is a multiple of 2^-24; the product one of 2^-48.
    __int128 exact =
        __int128(std::ldexp(v[0], 24)) * __int128(std::ldexp(v[1], 24)) +
        __int128(std::ldexp(v[2], 24)) * (__int128(1) << 24);
    bool negative = exact < 0;
    unsigned __int128 magnitude = negative ? -exact : exact;
    // Keep 60 bits and a sticky one: enough for a single rounding in double
    // to odd.
    int shift = 0;
    bool sticky = false;
    while (magnitude >> 52) {
      sticky |= magnitude & 1;
      magnitude >>= 1;
      ++shift;
    }
    double reference =
        std::ldexp(double(uint64_t(magnitude) | sticky), shift - 48);
    uint32_t expected = encode(f16Format, negative ? -reference : reference);
    uint32_t got = encode(f16Format, fmaToOdd(v[0], v[1], v[2]));
    if (exact != 0)
      ASSERT_EQ(got, expected) << v[0] << " * " << v[1] << " + " << v[2];
  }
}

} // namespace
