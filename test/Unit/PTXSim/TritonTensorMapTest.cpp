// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grouped products of test/PTXSim/Inputs/triton/kernels.py as Triton 3.7.1
// compiles them for sm_90a with tensor maps: made by the host, with one block
// and with clusters of two, and made by the kernel.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"
#include "moe/PTXSim/TensorMap.h"

#include <cmath>
#include <random>

using namespace moe::ptxsim;

namespace {

constexpr Address none = 0;

std::vector<uint16_t> normals(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<uint16_t> values(count);
  for (uint16_t &value : values)
    value = floatToBF16(normal(random));
  return values;
}

/// Of a matrix [rows][columns] of bf16, with the swizzle of 128 bytes.
TensorMap matrixMap(Address at, uint32_t rows, uint32_t columns,
                    uint16_t boxRows) {
  TensorMap map;
  map.rank = 2;
  map.dataType = 9;
  map.swizzle = 3;
  map.globalAddress = at;
  map.strides[0] = uint64_t(columns) * 2;
  map.dims[0] = columns;
  map.dims[1] = rows;
  map.box[0] = 64;
  map.box[1] = boxRows;
  map.elementStrides[0] = map.elementStrides[1] = 1;
  EXPECT_EQ(map.validate(), "");
  return map;
}

struct Problem {
  const int m = 256, n = 256, k = 224, experts = 2;
  std::vector<uint16_t> a = normals(m * k, 1), b = normals(experts * n * k, 2);
  std::vector<int> ids{1, 0};

  void check(const std::vector<uint16_t> &got) const {
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int q = 0; q < k; ++q)
          sum += double(bf16ToFloat(a[i * k + q])) *
                 bf16ToFloat(b[(ids[i / 128] * n + j) * k + q]);
        ASSERT_NEAR(bf16ToFloat(got[i * n + j]), sum,
                    std::fabs(sum) / 250 + 1e-3)
            << i << " " << j;
      }
  }
};

struct HostMaps {
  const char *file;
  uint32_t blocksOfTile, shared;
  uint16_t rowsOfB;
};

void checkHostMaps(const HostMaps &how) {
  Problem p;
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile(std::string("triton/") + how.file);
    Address c = sim.upload(std::vector<uint16_t>(p.m * p.n));
    TensorMap a = matrixMap(sim.upload(p.a), p.m, p.k, 128);
    TensorMap b = matrixMap(sim.upload(p.b), p.experts * p.n, p.k, how.rowsOfB);
    TensorMap d = matrixMap(c, p.m, p.n, 128);
    auto wide = [](int x) { return int64_t(x); };
    EXPECT_RUNS(sim.run(
        "grouped_gemm_hosttma",
        {uint32_t(p.m) / 128 * how.blocksOfTile, uint32_t(p.n) / 128, 1},
        {128, 1, 1}, how.shared, a, p.m, p.k, wide(p.k), wide(1), b,
        p.experts * p.n, p.k, wide(p.k), wide(1), d, p.m, p.n, wide(p.n),
        wide(1), sim.upload(p.ids), p.n, p.k, none, none));
    p.check(sim.download<uint16_t>(c, p.m * p.n));
  }
}

TEST(TritonTensorMaps, OfTheHost) {
  checkHostMaps({"ggemm_htma_sm90.ptx", 1, 98328, 128});
}

TEST(TritonTensorMaps, OfTheHostInClustersOfTwo) {
  checkHostMaps({"ggemm_htma_cta2_sm90.ptx", 2, 73752, 64});
}

TEST(TritonTensorMaps, MadeByTheKernel) {
  Problem p;
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("triton/ggemm_tma_sm90.ptx");
    Address c = sim.upload(std::vector<uint16_t>(p.m * p.n));
    uint32_t x = uint32_t(p.m) / 128, y = uint32_t(p.n) / 128;
    Address scratch = sim.upload(std::vector<uint8_t>(x * y * 384, 0xcd));
    EXPECT_RUNS(sim.run("grouped_gemm_tma", {x, y, 1}, {128, 1, 1}, 98328,
                        sim.upload(p.a), sim.upload(p.b), c, sim.upload(p.ids),
                        p.m, p.n, p.k, p.experts, scratch, none));
    p.check(sim.download<uint16_t>(c, p.m * p.n));
  }
}

} // namespace
