// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Numerics/Approximations.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace moe::ptxsim;

namespace {

TEST(Approximations, PolynomialsAreGoodForDoubleTheBitsOfF32) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponent(-149, 128);
  for (int i = 0; i < 100000; ++i) {
    double x = exponent(random);
    EXPECT_NEAR(exp2InDouble(x) / std::exp2(x), 1, 0x1p-45) << x;
    double y = std::exp2(x) * 1.2345;
    double expected = std::log2(y);
    EXPECT_NEAR(log2InDouble(y), expected, std::fabs(expected) * 0x1p-45) << y;
  }
  for (double near : {1 - 0x1p-24, 1 + 0x1p-23, 1.0, 0.70710678, 0.7071068})
    EXPECT_NEAR(log2InDouble(near), std::log2(near),
                std::fabs(std::log2(near)) * 0x1p-45);
  EXPECT_EQ(float(exp2InDouble(-INFINITY)), 0);
  EXPECT_EQ(float(exp2InDouble(INFINITY)), INFINITY);
  EXPECT_TRUE(std::isnan(exp2InDouble(NAN)));
  EXPECT_EQ(exp2InDouble(0), 1);
}

TEST(Approximations, SpecialValues) {
  auto at = [](Approximation f, double x) { return exactValue(f, x); };
  EXPECT_EQ(at(Approximation::Rsqrt, -0.0), -INFINITY);
  EXPECT_EQ(at(Approximation::Rcp, -0.0), -INFINITY);
  EXPECT_EQ(at(Approximation::Lg2, 0.0), -INFINITY);
  EXPECT_TRUE(std::isnan(at(Approximation::Lg2, -1)));
  EXPECT_TRUE(std::signbit(at(Approximation::Sqrt, -0.0)));
  EXPECT_TRUE(std::isnan(at(Approximation::Sin, INFINITY)));
  EXPECT_EQ(at(Approximation::Tanh, -INFINITY), -1);
}

TEST(Approximations, PerturbationStaysWithinTheBoundAndReachesFarIntoIt) {
  for (auto function :
       {Approximation::Ex2, Approximation::Lg2, Approximation::Rcp,
        Approximation::Rsqrt, Approximation::Sin, Approximation::Tanh,
        Approximation::Div}) {
    double worst = 0;
    for (int i = 1; i < 2000; ++i) {
      double x = 0.37 + i * 0.0031;
      double exact = exactValue(function, x);
      ErrorBound bound = errorBound(function, 23, x);
      double room = std::fabs(exact) * bound.relative + bound.absolute;
      double got = float(perturb(exact, bound, 23, i, 11));
      EXPECT_LE(std::fabs(got - exact), room) << x;
      worst = std::fmax(worst, std::fabs(got - exact) / room);
    }
    EXPECT_GT(worst, 0.6);
    EXPECT_EQ(perturb(1.25, errorBound(function, 23, 1), 23, 5, 0), 1.25);
  }
}

} // namespace
