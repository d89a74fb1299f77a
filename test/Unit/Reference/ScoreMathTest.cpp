// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Dialect/MoE/Utils/ScoreMath.h"

#include <gtest/gtest.h>
#include <limits>

using namespace mlir::moe;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct ScoreMathTest : testing::Test {
  /// The largest relative error on [from, to], in units of 2^-24.
  template <typename Actual, typename Exact>
  double error(Actual actual, Exact exact, double from, double to) {
    double worst = 0;
    for (int i = 0; i <= 100000; ++i) {
      float x = static_cast<float>(from + (to - from) * i / 100000);
      double expected = exact(static_cast<double>(x));
      double difference = std::fabs(actual(x) - expected);
      if (difference > 0)
        worst = std::max(worst, difference / std::fabs(expected));
    }
    return worst * 0x1p24;
  }

  FloatOps ops;
  ScoreMath<FloatOps> math{ops};
};

TEST_F(ScoreMathTest, ExpIsAccurate) {
  auto actual = [&](float x) { return math.exp(x); };
  auto exact = [](double x) { return std::exp(x); };
  EXPECT_LT(error(actual, exact, -87.0, 88.7), 2.0);
  EXPECT_LT(error(actual, exact, -1.0, 1.0), 2.0);
  EXPECT_EQ(math.exp(0.0f), 1.0f);
  EXPECT_EQ(math.exp(infinity), infinity);
  EXPECT_EQ(math.exp(-infinity), 0.0f);
  EXPECT_NEAR(math.exp(-100.0f), 3.72008e-44, 0x1p-149);
  EXPECT_TRUE(std::isnan(math.exp(nan)));
}

TEST_F(ScoreMathTest, LogarithmsAreAccurate) {
  auto log = [&](float x) { return math.log(x); };
  auto exactLog = [](double x) { return std::log(x); };
  EXPECT_LT(error(log, exactLog, 1e-4, 0.999), 2.0);
  EXPECT_LT(error(log, exactLog, 1.001, 1e6), 2.0);
  EXPECT_EQ(math.log(1.0f), 0.0f);
  auto log1p = [&](float x) { return math.log1p(x); };
  auto exactLog1p = [](double x) { return std::log1p(x); };
  EXPECT_LT(error(log1p, exactLog1p, 0.0, 1.0), 4.0);
  EXPECT_LT(error(log1p, exactLog1p, 0.0, 1e-4), 4.0);
}

TEST_F(ScoreMathTest, ScoresAreAccurate) {
  EXPECT_LT(error([&](float x) { return math.sigmoid(x); },
                  [](double x) { return 1 / (1 + std::exp(-x)); }, -50, 50),
            4.0);
  EXPECT_LT(error([&](float x) { return math.softplus(x); },
                  [](double x) {
                    return std::max(x, 0.0) +
                           std::log1p(std::exp(-std::abs(x)));
                  },
                  -50, 50),
            5.0);
  auto tanh = [&](float x) { return math.tanh(x); };
  auto exactTanh = [](double x) { return std::tanh(x); };
  EXPECT_LT(error(tanh, exactTanh, -10, 10), 8.0);
  EXPECT_LT(error(tanh, exactTanh, -0.01, 0.01), 8.0);
  EXPECT_LT(error([&](float x) { return math.pow(x, 3.5f); },
                  [](double x) { return std::pow(x, 3.5); }, 0.01, 1.0),
            64.0);
  EXPECT_EQ(math.pow(0.0f, 3.0f), 0.0f);
  EXPECT_EQ(math.softplus(infinity), infinity);
  EXPECT_EQ(math.softplus(-infinity), 0.0f);
  EXPECT_TRUE(std::isnan(math.softplus(nan)));
  EXPECT_TRUE(std::isnan(math.tanh(nan)));
}

TEST_F(ScoreMathTest, GaussianHasTheMomentsOfItsDistribution) {
  double mean = 0, variance = 0, fourth = 0;
  constexpr int32_t count = 1 << 18;
  for (int32_t i = 0; i < count; ++i) {
    double z = math.gaussian(i * 32 + 16);
    mean += z / count;
    variance += z * z / count;
    fourth += z * z * z * z / count;
    EXPECT_NEAR(std::erfc(-z / std::sqrt(2.0)) / 2, (i + 0.5) / count, 1e-6);
  }
  EXPECT_NEAR(mean, 0.0, 1e-5);
  EXPECT_NEAR(variance, 1.0, 1e-3);
  EXPECT_NEAR(fourth, 3.0, 1e-2);
}

TEST(SumInLanes, AddsEverySixteenthThenHalves) {
  std::vector<float> values(35, 1.0f);
  EXPECT_EQ(sumInLanes(values), 35.0f);
  EXPECT_EQ(sumInLanes({}), 0.0f);
  // Lanes 0 and 8 meet first, before lane 4 would absorb either.
  std::vector<float> order(16, 0.0f);
  order[0] = 0x1p24f;
  order[8] = -0x1p24f;
  order[4] = 1.0f;
  EXPECT_EQ(sumInLanes(order), 1.0f);
  // In one lane, in rising order.
  std::vector<float> lane(48, 0.0f);
  lane[1] = 1.0f;
  lane[17] = 0x1p25f;
  lane[33] = -0x1p25f;
  EXPECT_EQ(sumInLanes(lane), 0.0f);
}

} // namespace
