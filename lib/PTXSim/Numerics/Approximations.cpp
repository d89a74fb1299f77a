// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Numerics/Approximations.h"

namespace moe::ptxsim {

double exactValue(Approximation function, double x) {
  switch (function) {
  case Approximation::Ex2:
    return std::exp2(x);
  case Approximation::Lg2:
    return std::log2(x);
  case Approximation::Rcp:
  case Approximation::Div: // of 1 by x
    return 1 / x;
  case Approximation::Rsqrt:
    return 1 / std::sqrt(x);
  case Approximation::Sqrt:
    return std::sqrt(x);
  case Approximation::Sin:
    return std::sin(x);
  case Approximation::Cos:
    return std::cos(x);
  case Approximation::Tanh:
    return std::tanh(x);
  }
  return x;
}

ErrorBound errorBound(Approximation function, unsigned mantissaBits,
                      double argument) {
  if (mantissaBits == 10)
    return {function == Approximation::Tanh ? std::exp2(-10.987)
                                            : std::exp2(-9.9),
            0};
  if (mantissaBits == 7)
    return {function == Approximation::Tanh ? std::exp2(-8) : std::exp2(-7), 0};
  switch (function) {
  case Approximation::Ex2:
    return {std::exp2(-22.5), 0};
  case Approximation::Lg2:
    // Absolute near one, relative elsewhere.
    if (argument > 0.5 && argument < 2)
      return {0, std::exp2(-22)};
    return {std::exp2(-22), 0};
  case Approximation::Rcp:
  case Approximation::Sqrt:
    return {std::exp2(-23), 0};
  case Approximation::Rsqrt:
    return {std::exp2(-22.9), 0};
  case Approximation::Sin:
  case Approximation::Cos:
    return {0, std::exp2(-20.5)};
  case Approximation::Tanh:
    return {std::exp2(-11), 0};
  case Approximation::Div:
    return {std::exp2(-22), 0}; // 2 ulp
  }
  return {0, 0};
}

double perturb(double exact, ErrorBound bound, unsigned mantissaBits,
               uint64_t salt, uint64_t seed) {
  if (!seed || exact == 0 || !std::isfinite(exact))
    return exact;
  uint64_t hash = salt * 0x9e3779b97f4a7c15ull ^ seed;
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111ebull;
  double unit = double(int64_t(hash ^ hash >> 31)) * 0x1p-63; // in [-1, 1)
  double rounding = std::ldexp(std::fabs(exact), -int(mantissaBits) - 1);
  double room = std::fabs(exact) * bound.relative + bound.absolute - rounding;
  return room > 0 ? exact + unit * room : exact;
}

} // namespace moe::ptxsim
