// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of an MoE layer as Triton 3.7.1 compiles them for sm_80, against the
// formulas of test/PTXSim/Inputs/triton/kernels.py, in every order of copies
// and warps. The two last arguments of each are Triton's scratch memory.
#include "Sim.h"

#include "moe/PTXSim/Numerics/Formats.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <random>

using namespace moe::ptxsim;

namespace {

constexpr Address none = 0;

std::vector<float> normals(size_t count, unsigned seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
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

std::vector<float> fromBF16(const std::vector<uint16_t> &bits) {
  std::vector<float> values;
  for (uint16_t b : bits)
    values.push_back(bf16ToFloat(b));
  return values;
}

struct Routing {
  std::vector<int> expertOf;        ///< [tokens * topk]
  std::vector<int> tokens, experts; ///< padded rows; expert of a block of rows
};

/// Tokens sorted by expert, each expert padded to whole blocks of rows.
Routing route(int tokens, int topk, int experts, int blockRows) {
  std::mt19937 random(11);
  Routing r;
  for (int t = 0; t < tokens; ++t)
    for (int k = 0, first = int(random() % experts); k < topk; ++k)
      // Expert 2 stays empty.
      r.expertOf.push_back((first + k) % experts == 2 ? 3
                                                      : (first + k) % experts);
  for (int e = 0; e < experts; ++e) {
    size_t begin = r.tokens.size();
    for (int i = 0; i < tokens * topk; ++i)
      if (r.expertOf[i] == e)
        r.tokens.push_back(i);
    while ((r.tokens.size() - begin) % blockRows)
      r.tokens.push_back(tokens * topk);
    for (size_t b = begin; b < r.tokens.size(); b += blockRows)
      r.experts.push_back(e);
  }
  return r;
}

struct Gemm {
  const char *file;
  int blockRows, blockColumns, warps;
  uint32_t shared;
  bool tf32;
};

void checkGemm(const Gemm &gemm, const std::vector<Options> &orders,
               double *gflops = nullptr) {
  const int tokens = 40, topk = 2, experts = 4, n = 256, k = 160;
  Routing routing = route(tokens, topk, experts, gemm.blockRows);
  auto x = normals(tokens * k, 1), w = normals(experts * n * k, 2, 0.25f);
  auto weights = normals(tokens * topk, 3);
  std::vector<uint16_t> x16 = toBF16(x), w16 = toBF16(w);
  if (!gemm.tf32) {
    x = fromBF16(x16);
    w = fromBF16(w16);
  }
  std::vector<uint16_t> first;
  for (const Options &options : orders) {
    Sim sim(options);
    sim.loadFile(std::string("triton/") + gemm.file);
    Address a = gemm.tf32 ? sim.upload(x) : sim.upload(x16);
    Address b = gemm.tf32 ? sim.upload(w) : sim.upload(w16);
    Address c = sim.upload(std::vector<uint16_t>(tokens * topk * n));
    uint32_t blocks = uint32_t(routing.experts.size()) *
                      uint32_t((n + gemm.blockColumns - 1) / gemm.blockColumns);
    std::clock_t begin = std::clock();
    EXPECT_RUNS(sim.run(
        "grouped_gemm", {blocks, 1, 1}, {uint32_t(32 * gemm.warps), 1, 1},
        gemm.shared, a, b, c, sim.upload(routing.tokens),
        sim.upload(routing.experts),
        sim.upload(std::vector<int>{int(routing.tokens.size())}),
        sim.upload(weights), n, k, tokens * topk, k, n * k, k, n, none, none));
    double time = double(std::clock() - begin) / CLOCKS_PER_SEC;
    if (gflops)
      *gflops = 2e-9 * double(routing.tokens.size()) * n * k / time;
    auto got = sim.download<uint16_t>(c, tokens * topk * n);
    if (first.empty())
      first = got;
    EXPECT_EQ(got, first) << gemm.file << ": the order changed the result";
  }
  double worst = 0;
  for (int i = 0; i < tokens * topk; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (int q = 0; q < k; ++q) {
        double term = double(x[i / topk * k + q]) *
                      w[(routing.expertOf[i] * n + j) * k + q];
        sum += term;
        size += std::fabs(term);
      }
      sum *= weights[i];
      size *= std::fabs(weights[i]);
      double got = bf16ToFloat(first[i * n + j]);
      worst = std::max(worst, std::fabs(got - sum) /
                                  (std::fabs(sum) / 250 + size * 1e-3));
    }
  EXPECT_LT(worst, 1) << gemm.file;
}

TEST(Triton, GroupedGemmBF16) {
  checkGemm({"ggemm_bf16.ptx", 64, 128, 4, 49152, false}, everyOrder("a100"));
}
TEST(Triton, GroupedGemmBF16Big) {
  checkGemm({"ggemm_bf16_big.ptx", 128, 128, 8, 65536, false},
            everyOrder("a100"));
}
TEST(Triton, GroupedGemmOfFewRows) {
  checkGemm({"ggemm_small_m.ptx", 16, 128, 4, 36864, false},
            everyOrder("a100"));
}
TEST(Triton, GroupedGemmTF32) {
  checkGemm({"ggemm_f32.ptx", 64, 128, 4, 49152, true}, everyOrder("a100"));
}

TEST(Triton, GroupedGemmsOfWarpGroups) {
  std::vector<Options> orders = everyOrder("h100");
  checkGemm({"ggemm_bf16_sm90.ptx", 64, 128, 4, 73728, false}, orders);
  checkGemm({"ggemm_f32_sm90.ptx", 64, 128, 4, 98304, true}, orders);
  checkGemm({"ggemm_bf16_big_sm90.ptx", 128, 256, 8, 147456, false}, orders);
  checkGemm({"ggemm_small_m_sm90.ptx", 16, 128, 4, 36864, false}, orders);
}

TEST(Triton, GroupedGemmE4M3) {
  const int tokens = 40, topk = 2, experts = 4, n = 256, k = 288;
  Routing routing = route(tokens, topk, experts, 64);
  std::vector<uint8_t> x, w;
  for (float value : normals(tokens * k, 1))
    x.push_back(uint8_t(encode(e4m3Format, value)));
  for (float value : normals(experts * n * k, 2, 0.25f))
    w.push_back(uint8_t(encode(e4m3Format, value)));
  auto weights = normals(tokens * topk, 3);
  std::vector<uint16_t> first;
  for (const Options &options : everyOrder("h100")) {
    Sim sim(options);
    sim.loadFile("triton/ggemm_fp8_sm90.ptx");
    Address c = sim.upload(std::vector<uint16_t>(tokens * topk * n));
    EXPECT_RUNS(sim.run(
        "grouped_gemm", {uint32_t(routing.experts.size()) * n / 128, 1, 1},
        {128, 1, 1}, 73728, sim.upload(x), sim.upload(w), c,
        sim.upload(routing.tokens), sim.upload(routing.experts),
        sim.upload(std::vector<int>{int(routing.tokens.size())}),
        sim.upload(weights), n, k, tokens * topk, k, n * k, k, n, none, none));
    auto got = sim.download<uint16_t>(c, tokens * topk * n);
    if (first.empty())
      first = got;
    EXPECT_EQ(got, first) << "the order changed the result";
  }
  for (int i = 0; i < tokens * topk; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (int q = 0; q < k; ++q) {
        double term =
            decode(e4m3Format, x[i / topk * k + q]) *
            decode(e4m3Format, w[(routing.expertOf[i] * n + j) * k + q]);
        sum += term;
        size += std::fabs(term);
      }
      // Tensor cores keep 13 bits of each term of an fp8 product.
      ASSERT_NEAR(bf16ToFloat(first[i * n + j]), sum * weights[i],
                  std::fabs(weights[i]) * (std::fabs(sum) / 250 + size * 2e-3))
          << i << " " << j;
    }
}

TEST(Triton, GroupedGemmFastAndOnTwoThreads) {
  std::vector<Options> fast(2, optionsOf("a100"));
  for (Options &options : fast)
    options.exactTensorCores = false;
  fast[1].threads = 2;
  checkGemm({"ggemm_bf16.ptx", 64, 128, 4, 49152, false}, fast);
}

/// For the reader, not a limit.
TEST(Triton, SpeedOfTheGroupedGemm) {
  for (bool exact : {true, false}) {
    std::vector<Options> one(1, optionsOf("a100"));
    one[0].exactTensorCores = exact;
    double gflops = 0;
    checkGemm({"ggemm_bf16.ptx", 64, 128, 4, 49152, false}, one, &gflops);
    std::printf("%s tensor cores: %.2f GFLOP/s\n", exact ? "exact" : "fast",
                gflops);
  }
}

TEST(Triton, GroupedGemmThroughDescriptors) {
  const int m = 256, n = 128, k = 192, experts = 2;
  auto a = toBF16(normals(m * k, 1)), b = toBF16(normals(experts * n * k, 2));
  std::vector<int> ids{1, 0};
  for (const Options &options : everyOrder("a100")) {
    Sim sim(options);
    sim.loadFile("triton/ggemm_tma_fallback.ptx");
    Address c = sim.upload(std::vector<uint16_t>(m * n));
    EXPECT_RUNS(sim.run("grouped_gemm_tma", {m / 128, n / 128, 1}, {128, 1, 1},
                        65536, sim.upload(a), sim.upload(b), c, sim.upload(ids),
                        m, n, k, experts, none, none));
    auto got = sim.download<uint16_t>(c, m * n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int q = 0; q < k; ++q)
          sum += double(bf16ToFloat(a[i * k + q])) *
                 bf16ToFloat(b[(ids[i / 128] * n + j) * k + q]);
        ASSERT_NEAR(bf16ToFloat(got[i * n + j]), sum,
                    std::fabs(sum) / 250 + 1e-3);
      }
  }
}

/// Those without products are the same for both targets.
std::vector<Options> onBothDevices() {
  std::vector<Options> all = everyOrder("a100"), more = everyOrder("h100");
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(Triton, TopKGate) {
  const int rows = 37, experts = 64, topk = 2;
  auto logits = toBF16(normals(rows * experts, 4));
  for (const Options &options : onBothDevices()) {
    Sim sim(options);
    sim.loadFile("triton/topk_gate.ptx");
    sim.expectClean = false;
    Address w = sim.upload(std::vector<float>(rows * topk));
    Address ids = sim.upload(std::vector<int>(rows * topk));
    EXPECT_RUNS(sim.run("topk_gate", {rows, 1, 1}, {32, 1, 1}, 0,
                        sim.upload(logits), w, ids, rows, none, none));
    // The kernel reads back what another lane stored without a barrier between:
    // the checker is right.
    if (options.checks) {
      ASSERT_FALSE(sim.device.findings().empty());
      const Finding &race = sim.device.findings().all().front();
      EXPECT_EQ(race.check, Check::Race);
      EXPECT_EQ(race.place.line, 179u);
      EXPECT_EQ(race.other.line, 117u);
    }
    auto gotW = sim.download<float>(w, rows * topk);
    auto gotIds = sim.download<int>(ids, rows * topk);
    for (int r = 0; r < rows; ++r) {
      std::vector<int> order(experts);
      for (int e = 0; e < experts; ++e)
        order[e] = e;
      auto at = [&](int e) { return bf16ToFloat(logits[r * experts + e]); };
      std::sort(order.begin(), order.end(), [&](int p, int q) {
        return at(p) != at(q) ? at(p) > at(q) : p < q;
      });
      double first = 1, second = std::exp(double(at(order[1])) - at(order[0]));
      for (int i = 0; i < topk; ++i)
        EXPECT_EQ(gotIds[r * topk + i], order[i]) << r;
      EXPECT_NEAR(gotW[r * topk], first / (first + second), 1e-6);
      EXPECT_NEAR(gotW[r * topk + 1], second / (first + second), 1e-6);
    }
  }
}

TEST(Triton, HistogramAndScan) {
  const int n = 1500, experts = 64;
  std::mt19937 random(5);
  std::vector<int> ids(n), count(experts);
  for (int &id : ids)
    count[id = int(random() % 60)]++;
  for (const Options &options : onBothDevices()) {
    Sim sim(options);
    sim.loadFile("triton/expert_hist.ptx");
    Address counts = sim.upload(std::vector<int>(experts));
    EXPECT_RUNS(sim.run("expert_hist", {2, 1, 1}, {128, 1, 1}, 8192,
                        sim.upload(ids), counts, n, none, none));
    EXPECT_EQ(sim.download<int>(counts, experts), count);
    sim.loadFile("triton/scan_offsets.ptx");
    Address offsets = sim.upload(std::vector<int>(experts));
    EXPECT_RUNS(sim.run("scan_offsets", {1, 1, 1}, {64, 1, 1}, 8, counts,
                        offsets, none, none));
    auto got = sim.download<int>(offsets, experts);
    int sum = 0;
    for (int e = 0; e < experts; ++e) {
      EXPECT_EQ(got[e], sum) << e;
      sum += (count[e] + 63) / 64 * 64;
    }
  }
}

TEST(Triton, SiluMulAndCombine) {
  const int rows = 6, hidden = 1040;
  auto x = toBF16(normals(rows * 2 * hidden, 6));
  auto w = normals(rows, 7);
  for (const Options &options : onBothDevices()) {
    Sim sim(options);
    sim.loadFile("triton/silu_mul.ptx");
    Address y = sim.upload(std::vector<uint16_t>(rows * hidden));
    EXPECT_RUNS(sim.run("silu_mul", {rows, 2, 1}, {128, 1, 1}, 0, sim.upload(x),
                        y, hidden, none, none));
    auto got = sim.download<uint16_t>(y, rows * hidden);
    for (int r = 0; r < rows; ++r)
      for (int i = 0; i < hidden; ++i) {
        double g = bf16ToFloat(x[r * 2 * hidden + i]);
        double expected = g / (1 + std::exp(-g)) *
                          bf16ToFloat(x[r * 2 * hidden + hidden + i]);
        ASSERT_NEAR(bf16ToFloat(got[r * hidden + i]), expected,
                    std::fabs(expected) / 250 + 1e-6);
      }
    sim.loadFile("triton/combine.ptx");
    Address z = sim.upload(std::vector<uint16_t>(rows / 2 * hidden));
    EXPECT_RUNS(sim.run("combine", {rows / 2, 2, 1}, {128, 1, 1}, 0, y,
                        sim.upload(w), z, hidden, none, none));
    auto sums = sim.download<uint16_t>(z, rows / 2 * hidden);
    for (int r = 0; r < rows / 2; ++r)
      for (int i = 0; i < hidden; ++i) {
        double expected = 0;
        for (int k = 0; k < 2; ++k)
          expected +=
              double(bf16ToFloat(got[(2 * r + k) * hidden + i])) * w[2 * r + k];
        ASSERT_NEAR(bf16ToFloat(sums[r * hidden + i]), expected,
                    std::fabs(expected) / 250 + 1e-6);
      }
  }
}

} // namespace
