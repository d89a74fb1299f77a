// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA C++ kernels as nvcc compiles them, against results computed here. The
// sources stand beside the PTX in test/PTXSim/Inputs.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>
#include <random>

using namespace moe::ptxsim;

namespace {

std::vector<float> normals(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

std::vector<uint16_t> toBF16(const std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (float value : values)
    bits.push_back(floatToBF16(value));
  return bits;
}

/// Schedules and orders that must not change a result, on both devices.
std::vector<Options> everyOrderAndDevice() {
  std::vector<Options> all = everyOrder("a100");
  for (const Options &options : everyOrder("h100"))
    all.push_back(options);
  all.push_back(optionsOf("a100"));
  all.back().threads = 2;
  return all;
}

/// nvcc has better instructions for sm_90a in this file alone.
std::string miscOf(const Options &options) {
  return options.device->major == 9 ? "misc_sm90.ptx" : "misc.ptx";
}

TEST(Kernels, VectorAdditionIsExactWithARaggedEnd) {
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile("vadd.ptx");
    for (int n : {1, 31, 257, 5000}) {
      auto a = normals(n, 1), b = normals(n, 2);
      Address c = sim.upload(std::vector<float>(n + 1, -7));
      EXPECT_RUNS(sim.run("vadd", {uint32_t(n + 255) / 256, 1, 1}, {256, 1, 1},
                          0, sim.upload(a), sim.upload(b), c, n));
      auto got = sim.download<float>(c, n + 1);
      for (int i = 0; i < n; ++i)
        ASSERT_EQ(got[i], a[i] + b[i]) << i;
      EXPECT_EQ(got[n], -7);
    }
  }
}

TEST(Kernels, SharedMemoryMatmul) {
  const int n = 64;
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile("matmul.ptx");
    auto a = normals(n * n, 1), b = normals(n * n, 2);
    Address c = sim.upload(std::vector<float>(n * n));
    EXPECT_RUNS(sim.run("matmul", {n / 16, n / 16, 1}, {16, 16, 1}, 0,
                        sim.upload(a), sim.upload(b), c, n, n, n));
    auto got = sim.download<float>(c, n * n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        float sum = 0; // the kernel's order: one FMA a step
        for (int k = 0; k < n; ++k)
          sum = std::fma(a[i * n + k], b[k * n + j], sum);
        ASSERT_EQ(got[i * n + j], sum) << i << " " << j;
      }
  }
}

TEST(Kernels, GroupedGemmWithAsyncCopiesAndTensorCores) {
  const int experts = 4, n = 128, k = 96;
  std::vector<int> offsets{0, 100, 101, 101, 130};
  int rows = offsets.back();
  auto a = toBF16(normals(size_t(rows) * k, 3));
  auto b = toBF16(normals(size_t(experts) * n * k, 4));
  std::vector<uint16_t> first;
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile("mma_bf16.ptx");
    Address c = sim.upload(std::vector<uint16_t>(size_t(rows) * n));
    EXPECT_RUNS(sim.run("grouped_mma", {n / 64, 2, experts}, {128, 1, 1}, 0,
                        sim.upload(a), sim.upload(b), c, sim.upload(offsets), n,
                        k));
    auto got = sim.download<uint16_t>(c, size_t(rows) * n);
    if (first.empty())
      first = got;
    EXPECT_EQ(got, first) << "order or schedule changed the result";
    for (int e = 0; e < experts; ++e)
      for (int i = offsets[e]; i < offsets[e + 1]; ++i)
        for (int j = 0; j < n; ++j) {
          double sum = 0, size = 0;
          for (int x = 0; x < k; ++x) {
            double term = double(bf16ToFloat(a[i * k + x])) *
                          bf16ToFloat(b[(e * n + j) * k + x]);
            sum += term;
            size += std::fabs(term);
          }
          ASSERT_NEAR(bf16ToFloat(got[i * n + j]), sum,
                      std::fabs(sum) / 256 + size * 1e-6)
              << i << " " << j;
        }
  }
}

TEST(Kernels, TopKGateDivergesAndMeetsAgain) {
  const int rows = 19, experts = 200, topk = 6;
  auto x = toBF16(normals(size_t(rows) * experts, 5));
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile(miscOf(options));
    Address w = sim.upload(std::vector<float>(rows * topk));
    Address id = sim.upload(std::vector<int>(rows * topk));
    EXPECT_RUNS(sim.run("gate", {(rows + 3) / 4, 1, 1}, {128, 1, 1}, 0,
                        sim.upload(x), w, id, rows, experts, topk));
    auto weights = sim.download<float>(w, rows * topk);
    auto ids = sim.download<int>(id, rows * topk);
    for (int r = 0; r < rows; ++r) {
      std::vector<int> order(experts);
      std::iota(order.begin(), order.end(), 0);
      auto at = [&](int e) { return bf16ToFloat(x[r * experts + e]); };
      std::sort(order.begin(), order.end(), [&](int p, int q) {
        return at(p) != at(q) ? at(p) > at(q) : p < q;
      });
      double sum = 0;
      for (int e = 0; e < experts; ++e)
        sum += std::exp(double(at(e)) - at(order[0]));
      for (int i = 0; i < topk; ++i) {
        EXPECT_EQ(ids[r * topk + i], order[i]) << r;
        EXPECT_NEAR(weights[r * topk + i],
                    std::exp(double(at(order[i])) - at(order[0])) / sum, 1e-6);
      }
    }
  }
}

TEST(Kernels, HistogramScanAndScatter) {
  const int n = 777, experts = 50;
  std::mt19937 random(6);
  std::vector<int> id(n);
  for (int &e : id)
    e = int(random() % experts);
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile(miscOf(options));
    Address count = sim.upload(std::vector<int>(experts));
    Address offset = sim.upload(std::vector<int>(experts + 1));
    Address perm = sim.upload(std::vector<int>(n, -1));
    EXPECT_RUNS(sim.run("hist_scan", {1, 1, 1}, {256, 1, 1}, 2 * experts * 4,
                        sim.upload(id), n, experts, count, offset, perm));
    auto counts = sim.download<int>(count, experts);
    auto offsets = sim.download<int>(offset, experts + 1);
    auto order = sim.download<int>(perm, n);
    int sum = 0;
    for (int e = 0; e < experts; ++e) {
      EXPECT_EQ(counts[e], std::count(id.begin(), id.end(), e));
      EXPECT_EQ(offsets[e], sum);
      sum += counts[e];
    }
    EXPECT_EQ(offsets[experts], n);
    std::vector<int> seen(n);
    for (int p = 0; p < n; ++p) {
      ASSERT_GE(order[p], 0);
      seen[order[p]]++;
      int e = id[order[p]];
      EXPECT_TRUE(p >= offsets[e] && p < offsets[e + 1]);
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), n);
  }
}

TEST(Kernels, SiluQuantisesToE4M3) {
  const int rows = 3, hidden = 500;
  auto x = toBF16(normals(size_t(rows) * 2 * hidden, 7));
  for (const char *device : {"a100", "h100"}) {
    Sim sim(device);
    sim.loadFile(miscOf(sim.device.options));
    Address y = sim.upload(std::vector<uint8_t>(rows * hidden));
    Address scale = sim.upload(std::vector<float>(rows));
    EXPECT_RUNS(sim.run("silu_quant", {rows, 1, 1}, {128, 1, 1}, 0,
                        sim.upload(x), y, scale, hidden));
    auto got = sim.download<uint8_t>(y, rows * hidden);
    auto scales = sim.download<float>(scale, rows);
    for (int r = 0; r < rows; ++r) {
      double most = 0;
      auto value = [&](int i) {
        double g = bf16ToFloat(x[r * 2 * hidden + i]);
        return g / (1 + std::exp(-g)) *
               bf16ToFloat(x[r * 2 * hidden + hidden + i]);
      };
      for (int i = 0; i < hidden; ++i)
        most = std::max(most, std::fabs(value(i)));
      EXPECT_NEAR(scales[r], most / 448, most * 1e-7);
      for (int i = 0; i < hidden; ++i)
        EXPECT_NEAR(decode(e4m3Format, got[r * hidden + i]),
                    value(i) / scales[r],
                    std::fabs(value(i) / scales[r]) / 15.9 + 0.001);
    }
  }
}

TEST(Kernels, CombineAddsAtomically) {
  const int tokens = 5, topk = 2, half = 70;
  auto x = toBF16(normals(size_t(tokens) * topk * half * 2, 8));
  auto w = normals(tokens * topk, 9);
  std::vector<int> perm{3, 1, 4, 0, 5, 9, 2, 6, 8, 7};
  for (const Options &options : everyOrderAndDevice()) {
    Sim sim(options);
    sim.loadFile(miscOf(options));
    Address y = sim.upload(std::vector<float>(tokens * half * 2));
    EXPECT_RUNS(sim.run("combine_atomic", {tokens * topk, 1, 1}, {64, 1, 1}, 0,
                        sim.upload(x), sim.upload(w), sim.upload(perm), y, half,
                        topk));
    std::vector<double> sum(tokens * half * 2);
    for (int b = 0; b < tokens * topk; ++b)
      for (int i = 0; i < 2 * half; ++i)
        sum[perm[b] / topk * 2 * half + i] +=
            double(bf16ToFloat(x[b * 2 * half + i])) * w[perm[b]];
    auto got = sim.download<float>(y, sum.size());
    for (size_t i = 0; i < sum.size(); ++i)
      EXPECT_NEAR(got[i], sum[i], 1e-5);
  }
}

/// Not a limit that fails on a busy machine: the figure is for the reader.
TEST(Kernels, SpeedOfTheMatmul) {
  const int n = 256;
  for (uint32_t checks : {0u, allChecks}) {
    Options options = optionsOf("a100");
    options.checks = checks;
    Sim sim(options);
    sim.loadFile("matmul.ptx");
    Address a = sim.upload(normals(n * n, 1)),
            b = sim.upload(normals(n * n, 2));
    Address c = sim.upload(std::vector<float>(n * n));
    std::clock_t begin = std::clock(); // of the processor, not of the wall
    EXPECT_RUNS(sim.run("matmul", {n / 16, n / 16, 1}, {16, 16, 1}, 0, a, b, c,
                        n, n, n));
    double time = double(std::clock() - begin) / CLOCKS_PER_SEC;
    double rate = double(sim.statistics.threadInstructions) / time / 1e6;
    std::printf("%s checkers: %.0f M thread instructions/s\n",
                checks ? "all" : "no", rate);
  }
}

} // namespace
