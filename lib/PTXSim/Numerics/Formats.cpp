// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Numerics/Formats.h"

#include <cmath>

namespace moe::ptxsim {

namespace {

/// Whether a magnitude with the bits below its last place set so is rounded
/// away from zero.
bool roundsUp(Rounding rounding, bool negative, bool odd, bool half,
              bool sticky) {
  switch (rounding) {
  case Rounding::NearestEven:
    return half && (sticky || odd);
  case Rounding::NearestAway:
    return half;
  case Rounding::Zero:
    return false;
  case Rounding::Down:
    return negative && (half || sticky);
  case Rounding::Up:
    return !negative && (half || sticky);
  }
  return false;
}

/// Whether a rounding mode takes overflow to infinity rather than to the
/// largest finite number.
bool overflowsToInfinity(Rounding rounding, bool negative) {
  switch (rounding) {
  case Rounding::NearestEven:
  case Rounding::NearestAway:
    return true;
  case Rounding::Zero:
    return false;
  case Rounding::Down:
    return negative;
  case Rounding::Up:
    return !negative;
  }
  return true;
}

} // namespace

uint32_t encode(const Format &format, double value, Rounding rounding,
                Overflow overflow) {
  uint64_t bits = bitCast<uint64_t>(value);
  bool negative = bits >> 63;
  uint32_t sign = negative ? format.signBit() : 0;
  if (std::isnan(value))
    return format.canonicalNaN;
  uint32_t beyond = format.infinities ? format.infinity() : format.canonicalNaN;
  if (std::isinf(value))
    return sign | (overflow == Overflow::Finite ? format.largest() : beyond);
  if (value == 0)
    return sign;
  // magnitude = significand * 2^(exponent - 52), 52 fraction bits.
  int exponent;
  uint64_t significand = bits & ((uint64_t(1) << 52) - 1);
  if (int biased = int(bits >> 52 & 0x7ff)) {
    significand |= uint64_t(1) << 52;
    exponent = biased - 1023;
  } else {
    int shift = __builtin_clzll(significand) - 11;
    significand <<= shift;
    exponent = -1022 - shift;
  }
  int smallest = 1 - format.bias();
  int drop = 52 - int(format.mantissaBits);
  if (exponent < smallest)
    drop += smallest - exponent;
  uint64_t kept = drop > 63 ? 0 : significand >> drop;
  bool half = drop <= 64 && drop >= 1 && significand >> (drop - 1) & 1;
  bool sticky = drop > 64 || (drop > 1 && significand << (65 - drop));
  kept += roundsUp(rounding, negative, kept & 1, half, sticky);
  // A carry moves into the exponent by itself, from subnormal numbers too.
  uint64_t encoded = exponent < smallest
                         ? kept
                         : kept + (uint64_t(exponent + format.bias() - 1)
                                   << format.mantissaBits);
  if (encoded > format.largest())
    return sign | (overflow == Overflow::Finite ||
                           !overflowsToInfinity(rounding, negative)
                       ? format.largest()
                       : beyond);
  return sign | uint32_t(encoded);
}

double decode(const Format &format, uint32_t bits) {
  uint32_t magnitude = bits & (format.signBit() - 1);
  double sign = bits & format.signBit() ? -1 : 1;
  if (format.infinities ? magnitude > format.infinity()
                        : magnitude > format.largest())
    return NAN;
  if (format.infinities && magnitude == format.infinity())
    return sign * INFINITY;
  int exponent = int(magnitude >> format.mantissaBits);
  uint32_t mantissa = magnitude & ((1u << format.mantissaBits) - 1);
  if (exponent)
    mantissa |= 1u << format.mantissaBits;
  else
    exponent = 1;
  return sign * std::ldexp(double(mantissa),
                           exponent - format.bias() - int(format.mantissaBits));
}

uint32_t encodeTF32(float value, Rounding rounding, Overflow overflow) {
  constexpr Format tf32{8, 10, true, 0x3ffff};
  if (std::isnan(value))
    return f32Format.canonicalNaN;
  return encode(tf32, value, rounding, overflow) << 13;
}

namespace {

/// The `precision` top bits of a magnitude, the rest rounded away; as a double
/// with its exponent.
double roundMagnitude(bool negative, uint64_t magnitude, unsigned precision,
                      Rounding rounding) {
  if (!magnitude)
    return 0;
  int width = 64 - __builtin_clzll(magnitude);
  int drop = width - int(precision);
  double result;
  if (drop <= 0) {
    result = double(magnitude);
  } else {
    uint64_t kept = magnitude >> drop;
    bool half = magnitude >> (drop - 1) & 1;
    bool sticky = magnitude & ((uint64_t(1) << (drop - 1)) - 1);
    kept += roundsUp(rounding, negative, kept & 1, half, sticky);
    result = std::ldexp(double(kept), drop);
  }
  return negative ? -result : result;
}

} // namespace

float integerToFloat(bool negative, uint64_t magnitude, Rounding rounding) {
  return float(roundMagnitude(negative, magnitude, 24, rounding));
}

double integerToDouble(bool negative, uint64_t magnitude, Rounding rounding) {
  return roundMagnitude(negative, magnitude, 53, rounding);
}

double roundIntegral(double value, Rounding rounding) {
  switch (rounding) {
  case Rounding::NearestEven:
    return std::nearbyint(value);
  case Rounding::NearestAway:
    return std::round(value);
  case Rounding::Zero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  }
  return value;
}

uint64_t floatToInteger(double value, unsigned bits, bool isSigned,
                        Rounding rounding, bool fromDouble) {
  if (std::isnan(value))
    return fromDouble || bits == 64 ? uint64_t(1) << (bits - 1) : 0;
  double integral = roundIntegral(value, rounding);
  uint64_t mask = bits == 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
  if (isSigned) {
    double limit = std::ldexp(1.0, int(bits) - 1);
    if (integral >= limit)
      return mask >> 1;
    if (integral < -limit)
      return uint64_t(1) << (bits - 1);
    return uint64_t(int64_t(integral)) & mask;
  }
  if (integral <= 0)
    return 0;
  if (integral >= std::ldexp(1.0, int(bits)))
    return mask;
  return uint64_t(integral);
}

double fmaToOdd(double a, double b, double c) {
  double product = a * b; // exact: at most 48 bits come in
  double sum = product + c;
  if (!std::isfinite(sum))
    return sum;
  double rest = product - (sum - (sum - product)) + (c - (sum - product));
  uint64_t bits = bitCast<uint64_t>(sum);
  if (rest != 0 && !(bits & 1)) {
    // The exact value lies between sum and its neighbour towards `rest`; the
    // odd one of the two stands for it.
    bool outward = (rest > 0) == !(bits >> 63);
    bits = outward ? bits + 1 : bits - 1;
  }
  return bitCast<double>(bits);
}

} // namespace moe::ptxsim
