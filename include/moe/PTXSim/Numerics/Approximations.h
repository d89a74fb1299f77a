// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ex2, lg2, rcp, rsqrt, sqrt, sin, cos, tanh and division: the ISA only bounds
// the error of their .approx forms. Here they are computed in double and
// rounded once; with a seed they are off by as much as the bound allows, so
// that a program that leans on more precision than it is promised shows it.
#ifndef MOE_PTXSIM_NUMERICS_APPROXIMATIONS_H
#define MOE_PTXSIM_NUMERICS_APPROXIMATIONS_H

#include "moe/PTXSim/Numerics/Formats.h"

#include <cmath>

namespace moe::ptxsim {

enum class Approximation : uint8_t {
  Ex2,
  Lg2,
  Rcp,
  Rsqrt,
  Sqrt,
  Sin,
  Cos,
  Tanh,
  Div,
};

/// 2^x, to about 2^-47 of it; loops over it become vector code.
inline double exp2InDouble(double x) {
  double clamped = x < -1000 ? -1000 : (x > 1000 ? 1000 : x);
  double whole = std::nearbyint(clamped);
  double y = (clamped - whole) * 0.693147180559945309417;
  double p = 1.0 / 6227020800.0;
  p = p * y + 1.0 / 479001600.0;
  p = p * y + 1.0 / 39916800.0;
  p = p * y + 1.0 / 3628800.0;
  p = p * y + 1.0 / 362880.0;
  p = p * y + 1.0 / 40320.0;
  p = p * y + 1.0 / 5040.0;
  p = p * y + 1.0 / 720.0;
  p = p * y + 1.0 / 120.0;
  p = p * y + 1.0 / 24.0;
  p = p * y + 1.0 / 6.0;
  p = p * y + 0.5;
  p = p * y + 1.0;
  p = p * y + 1.0;
  // 2^whole from its exponent bits: 1.5 * 2^52 moves an integer into the low
  // bits of a double.
  uint64_t biased = bitCast<uint64_t>(whole + (6755399441055744.0 + 1023.0))
                    << 52;
  double result = p * bitCast<double>(biased);
  return x != x ? x : result;
}

/// log2(x) of a positive, finite, normal double.
inline double log2InDouble(double x) {
  uint64_t bits = bitCast<uint64_t>(x);
  // The mantissa goes to [sqrt(1/2), sqrt(2)).
  uint64_t shifted = bits + 0x00095f619980c433ull; // 1.0 - sqrt(1/2), in bits
  int64_t exponent = int64_t(shifted >> 52) - 1023;
  double mantissa = bitCast<double>(bits - (uint64_t(exponent) << 52));
  double z = (mantissa - 1) / (mantissa + 1), w = z * z;
  double p = 1.0 / 21.0;
  p = p * w + 1.0 / 19.0;
  p = p * w + 1.0 / 17.0;
  p = p * w + 1.0 / 15.0;
  p = p * w + 1.0 / 13.0;
  p = p * w + 1.0 / 11.0;
  p = p * w + 1.0 / 9.0;
  p = p * w + 1.0 / 7.0;
  p = p * w + 1.0 / 5.0;
  p = p * w + 1.0 / 3.0;
  p = p * w + 1.0;
  return double(exponent) + z * p * 2.885390081777926814720;
}

/// The value that an approximation approximates.
double exactValue(Approximation function, double x);

/// The documented error of an approximation for a result in f32, f16 or bf16
/// (`mantissaBits` 23, 10, 7): relative to the result, or absolute.
struct ErrorBound {
  double relative, absolute;
};
ErrorBound errorBound(Approximation function, unsigned mantissaBits,
                      double argument);

/// `exact`, moved within the bound by a hash of `salt` and `seed`; what is
/// left of the bound is enough for rounding to the format. Seed 0 moves
/// nothing.
double perturb(double exact, ErrorBound bound, unsigned mantissaBits,
               uint64_t salt, uint64_t seed);

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_NUMERICS_APPROXIMATIONS_H
