// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The outputs of real tensor cores stay outside of the tree: MOE_TC_VECTORS
// names the .npz that holds them.
#include "moe/PTXSim/Numerics/TensorCore.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>

using namespace moe::ptxsim;

namespace {

/// The float32 arrays of an .npz: a zip of deflated .npy files.
std::map<std::string, std::vector<float>> readNpz(const char *path) {
  std::ifstream file(path, std::ios::binary);
  std::string zip((std::istreambuf_iterator<char>(file)), {});
  auto number = [&](size_t at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i)
      value |= uint64_t(uint8_t(zip.at(at + i))) << (8 * i);
    return value;
  };
  std::map<std::string, std::vector<float>> arrays;
  size_t end = zip.rfind("PK\5\6");
  size_t entry = number(end + 16, 4);
  for (uint64_t left = number(end + 10, 2); left; --left) {
    size_t compressed = number(entry + 20, 4), size = number(entry + 24, 4);
    size_t nameBytes = number(entry + 28, 2);
    std::string name = zip.substr(entry + 46, nameBytes);
    size_t local = number(entry + 42, 4);
    size_t data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
    std::string npy(size, '\0');
    z_stream stream{};
    inflateInit2(&stream, -15);
    stream.next_in = reinterpret_cast<Bytef *>(&zip.at(data));
    stream.avail_in = uInt(compressed);
    stream.next_out = reinterpret_cast<Bytef *>(npy.data());
    stream.avail_out = uInt(size);
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END) << name;
    inflateEnd(&stream);
    size_t header = 10 + uint8_t(npy.at(8)) + 256 * uint8_t(npy.at(9));
    std::vector<float> values((size - header) / 4);
    std::memcpy(values.data(), npy.data() + header, values.size() * 4);
    arrays[name.substr(0, name.size() - 4)] = std::move(values);
    entry += 46 + nameBytes + number(entry + 30, 2) + number(entry + 32, 2);
  }
  return arrays;
}

struct Machine {
  const char *name;
  TensorArch arch;
};
struct Kind {
  const char *name;
  TensorFormat format;
};

size_t mismatches(TensorTile &tile, const std::vector<float> &a,
                  const std::vector<float> &b, const std::vector<float> &c,
                  const std::vector<float> &d) {
  size_t depth = a.size() / d.size(), wrong = 0;
  for (size_t i = 0; i < d.size(); ++i) {
    tile.resize(1, unsigned(depth));
    for (unsigned k = 0; k < depth; ++k) {
      tile.rowA(0)[k] = a[i * depth + k];
      // Every column computes the same: lanes must not differ.
      for (unsigned column = 0; column < 8; ++column)
        tile.rowB(k)[column] = b[i * depth + k];
    }
    float sum[8];
    for (float &s : sum)
      s = c[i];
    tile.multiply(sum);
    for (float s : sum)
      wrong += bitCast<uint32_t>(s) != bitCast<uint32_t>(d[i]) &&
               !(s == 0 && d[i] == 0);
  }
  return wrong;
}

TEST(TensorCore, EqualsWhatHardwarePutOut) {
  const char *path = std::getenv("MOE_TC_VECTORS");
  if (!path)
    GTEST_SKIP() << "MOE_TC_VECTORS does not name the hardware's outputs";
  auto arrays = readNpz(path);
  size_t sets = 0;
  for (Machine machine :
       {Machine{"A100", TensorArch::Ampere}, Machine{"Ada", TensorArch::Ada},
        Machine{"H100", TensorArch::Hopper},
        Machine{"B200", TensorArch::Blackwell}})
    for (Kind kind :
         {Kind{"fp16", TensorFormat::F16}, Kind{"bf16", TensorFormat::BF16},
          Kind{"tf32", TensorFormat::TF32}, Kind{"E4M3", TensorFormat::E4M3},
          Kind{"E5M2", TensorFormat::E5M2}}) {
      std::string set = std::string(machine.name) + "." + kind.name;
      if (!arrays.count(set + ".d"))
        continue;
      ++sets;
      TensorTile tile(tensorModel(machine.arch, kind.format), kind.format,
                      kind.format, Accumulator::F32, true);
      size_t wrong = mismatches(tile, arrays[set + ".a"], arrays[set + ".b"],
                                arrays[set + ".c"], arrays[set + ".d"]);
      // What B200 does with fp8 is not known to the last bit: the published
      // model leaves these two sets open.
      bool open = set == "B200.E4M3" || set == "B200.E5M2";
      EXPECT_LE(wrong, open ? 800u : 0u) << set;
    }
  EXPECT_EQ(sets, 18u);
}

TEST(TensorCore, BlocksAndTruncationShow) {
  // 1 + 16 terms of 2^-25: a block drops them all, exact sums do not.
  TensorTile hopper(tensorModel(TensorArch::Hopper, TensorFormat::F16),
                    TensorFormat::F16, TensorFormat::F16, Accumulator::F32,
                    true);
  auto run = [](TensorTile &tile, float small) {
    tile.resize(1, 16);
    for (unsigned k = 0; k < 16; ++k) {
      tile.rowA(0)[k] = small;
      for (unsigned i = 0; i < 8; ++i)
        tile.rowB(k)[i] = 0x1p-13f;
    }
    float c[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    tile.multiply(c);
    return c[5];
  };
  EXPECT_EQ(run(hopper, 0x1p-12f), 1 + 16 * 0x1p-25f);
  EXPECT_EQ(run(hopper, 0x1p-13f), 1);
  TensorTile ampere(tensorModel(TensorArch::Ampere, TensorFormat::F16),
                    TensorFormat::F16, TensorFormat::F16, Accumulator::F32,
                    true);
  EXPECT_EQ(run(ampere, 0x1p-12f), 1);
}

TEST(TensorCore, SpecialValuesGoThrough) {
  for (bool exact : {true, false}) {
    TensorTile tile(tensorModel(TensorArch::Ampere, TensorFormat::BF16),
                    TensorFormat::BF16, TensorFormat::BF16, Accumulator::F32,
                    exact);
    tile.resize(2, 16);
    for (unsigned k = 0; k < 16; ++k) {
      tile.rowA(0)[k] = k == 3 ? INFINITY : 1;
      tile.rowA(1)[k] = 2;
      for (unsigned i = 0; i < 8; ++i)
        tile.rowB(k)[i] = i == 2 && k == 3 ? 0 : i == 4 ? -1 : 1;
    }
    float c[16] = {};
    c[8] = NAN;
    c[9] = INFINITY;
    tile.multiply(c);
    EXPECT_EQ(c[0], INFINITY);
    EXPECT_EQ(bitCast<uint32_t>(c[2]), 0x7fffffffu);
    EXPECT_EQ(c[4], -INFINITY);
    EXPECT_TRUE(std::isnan(c[8]));
    EXPECT_EQ(c[9], INFINITY);
    EXPECT_EQ(c[11], 32);
    EXPECT_EQ(c[12], -32);
  }
}

TEST(TensorCore, FastAndExactAgreeToTheLastBits) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (auto accumulator : {Accumulator::F32, Accumulator::F16}) {
    TensorTile tiles[] = {
        {tensorModel(TensorArch::Ampere, TensorFormat::F16), TensorFormat::F16,
         TensorFormat::F16, accumulator, true},
        {tensorModel(TensorArch::Ampere, TensorFormat::F16), TensorFormat::F16,
         TensorFormat::F16, accumulator, false}};
    float c[2][16 * 8] = {};
    for (TensorTile &tile : tiles)
      tile.resize(16, 16);
    for (unsigned i = 0; i < 256; ++i) {
      float a = f16ToFloat(floatToF16(normal(random)));
      tiles[0].rowA(0)[i] = tiles[1].rowA(0)[i] = a;
    }
    for (unsigned i = 0; i < 128; ++i) {
      float b = f16ToFloat(floatToF16(normal(random)));
      tiles[0].rowB(0)[i] = tiles[1].rowB(0)[i] = b;
    }
    tiles[0].multiply(c[0]);
    tiles[1].multiply(c[1]);
    for (unsigned i = 0; i < 128; ++i)
      EXPECT_NEAR(c[0][i], c[1][i],
                  accumulator == Accumulator::F16 ? 2e-2 : 1e-5);
  }
}

} // namespace
