// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that router scores are made of.
//
// Which experts a token gets must not depend on who computes the scores: the
// evaluator, a kernel, or linalg lowered by someone else. Two exponentials
// that differ in the last bit choose differently where two experts are close.
// So each function is written down once, as a sequence of operations that
// IEEE 754 defines to the bit (+, -, *, /, sqrt, fma) and of integer operations
// on the bits, over an `Ops` that either computes with numbers (`FloatOps`
// below) or emits them. Each operation is a call, so a compiler that contracts
// within an expression finds nothing to contract.
#ifndef MOE_DIALECT_MOE_UTILS_SCOREMATH_H
#define MOE_DIALECT_MOE_UTILS_SCOREMATH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/bit.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mlir::moe {

/// Partial sums of a sum over all experts.
constexpr int64_t sumLanes = 16;

/// Keys below those of all numbers: of NaN, and of what cannot be chosen.
constexpr int32_t keyOfNaN = std::numeric_limits<int32_t>::min() + 1,
                  keyOfNone = std::numeric_limits<int32_t>::min();

/// `Ops` of the evaluator.
struct FloatOps {
  using Value = float;
  using Bits = int32_t;
  using Condition = bool;

  float constant(float value) { return value; }
  float add(float a, float b) { return a + b; }
  float sub(float a, float b) { return a - b; }
  float mul(float a, float b) { return a * b; }
  float div(float a, float b) { return a / b; }
  float fma(float a, float b, float c) { return std::fma(a, b, c); }
  float sqrt(float a) { return std::sqrt(a); }
  bool less(float a, float b) { return a < b; }
  bool equal(float a, float b) { return a == b; }
  bool isNaN(float a) { return std::isnan(a); }
  float select(bool condition, float a, float b) { return condition ? a : b; }
  int32_t select(bool condition, int32_t a, int32_t b) {
    return condition ? a : b;
  }

  int32_t bits(float a) { return llvm::bit_cast<int32_t>(a); }
  float fromBits(int32_t a) { return llvm::bit_cast<float>(a); }
  float toFloat(int32_t a) { return static_cast<float>(a); }
  int32_t constantBits(int32_t value) { return value; }
  int32_t addBits(int32_t a, int32_t b) { return uint32_t(a) + uint32_t(b); }
  int32_t subBits(int32_t a, int32_t b) { return uint32_t(a) - uint32_t(b); }
  int32_t andBits(int32_t a, int32_t b) { return a & b; }
  int32_t xorBits(int32_t a, int32_t b) { return a ^ b; }
  int32_t shiftLeft(int32_t a, int32_t count) { return uint32_t(a) << count; }
  /// Keeps the sign.
  int32_t shiftRight(int32_t a, int32_t count) { return a >> count; }
};

template <typename Ops>
class ScoreMath {
public:
  using Value = typename Ops::Value;
  using Bits = typename Ops::Bits;

  explicit ScoreMath(Ops &ops) : ops(ops) {}

  Value abs(Value x) {
    return ops.fromBits(ops.andBits(ops.bits(x), ops.constantBits(0x7fffffff)));
  }

  /// e^x to about one unit in the last place; subnormal results included.
  Value exp(Value x) {
    // Beyond these bounds the result is infinite or zero. NaN stays.
    x = ops.select(ops.less(ops.constant(89.0f), x), ops.constant(89.0f), x);
    x = ops.select(ops.less(x, ops.constant(-104.0f)), ops.constant(-104.0f),
                   x);
    // x = n ln 2 + r with n the nearest integer: adding 1.5 * 2^23 rounds, and
    // leaves n in the low bits.
    Value rounder = ops.constant(12582912.0f);
    Value shifted = ops.fma(x, ops.constant(0x1.715476p0f), rounder);
    Bits n = ops.addBits(ops.bits(shifted), ops.constantBits(-0x4b400000));
    Value count = ops.sub(shifted, rounder);
    Value r = ops.fma(count, ops.constant(-0x1.62e4p-1f), x);
    r = ops.fma(count, ops.constant(-0x1.7f7d1cp-20f), r);
    Value p =
        polynomial(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f});
    p = ops.add(ops.fma(p, ops.mul(r, r), r), ops.constant(1.0f));
    // Two steps, for powers of two that no f32 holds.
    Bits half = ops.shiftRight(n, 1);
    Bits rest = ops.subBits(n, half);
    return ops.mul(ops.mul(p, powerOfTwo(half)), powerOfTwo(rest));
  }

  /// ln x of a normal number x > 0, to about one unit in the last place.
  Value log(Value x) {
    // x = 2^n m with m in [sqrt(1/2), sqrt(2)).
    Bits offset =
        ops.addBits(ops.bits(x), ops.constantBits(0x3f800000 - 0x3f3504f3));
    Bits n = ops.addBits(ops.shiftRight(offset, 23), ops.constantBits(-127));
    Bits mantissa =
        ops.addBits(ops.andBits(offset, ops.constantBits(0x007fffff)),
                    ops.constantBits(0x3f3504f3));
    Value f = ops.sub(ops.fromBits(mantissa), ops.constant(1.0f));
    Value square = ops.mul(f, f);
    Value p =
        polynomial(f, {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                       -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                       2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f});
    Value count = ops.toFloat(n);
    Value y = ops.mul(ops.mul(f, square), p);
    y = ops.fma(count, ops.constant(-2.12194440e-4f), y);
    y = ops.fma(ops.constant(-0.5f), square, y);
    return ops.fma(count, ops.constant(0.693359375f), ops.add(f, y));
  }

  /// ln(1 + x) for x >= 0.
  Value log1p(Value x) {
    // The logarithm of the rounded sum, corrected by what rounding lost.
    Value sum = ops.add(x, ops.constant(1.0f));
    Value kept = ops.sub(sum, ops.constant(1.0f));
    Value corrected = ops.mul(log(sum), ops.div(x, kept));
    return ops.select(ops.equal(kept, ops.constant(0.0f)), x, corrected);
  }

  /// ln(1 + e^x)
  Value softplus(Value x) {
    Value negative = ops.sub(ops.constant(0.0f), abs(x));
    Value positive =
        ops.select(ops.less(ops.constant(0.0f), x), x, ops.constant(0.0f));
    return ops.add(positive, log1p(exp(negative)));
  }

  /// 1 / (1 + e^-x)
  Value sigmoid(Value x) {
    Value one = ops.constant(1.0f);
    Value e = exp(ops.sub(ops.constant(0.0f), x));
    return ops.div(one, ops.add(one, e));
  }

  Value tanh(Value x) {
    // A quotient of polynomials; past the bound it is 1 to the last bit.
    Value bound = ops.constant(7.90531110763549805f);
    Value lower = ops.constant(-7.90531110763549805f);
    Value c = ops.select(ops.less(bound, x), bound, x);
    c = ops.select(ops.less(c, lower), lower, c);
    Value square = ops.mul(c, c);
    Value p = polynomial(square, {-2.76076847742355e-16f, 2.00018790482477e-13f,
                                  -8.60467152213735e-11f, 5.12229709037114e-08f,
                                  1.48572235717979e-05f, 6.37261928875436e-04f,
                                  4.89352455891786e-03f});
    Value q =
        polynomial(square, {1.19825839466702e-06f, 1.18534705686654e-04f,
                            2.26843463243900e-03f, 4.89352518554385e-03f});
    Value result = ops.div(ops.mul(c, p), q);
    return ops.select(ops.less(abs(x), ops.constant(0.0004f)), x, result);
  }

  /// x^y for x >= 0.
  Value pow(Value x, float y) {
    // Subnormal numbers count as zero.
    Value zero = ops.constant(0.0f);
    Value power = exp(ops.mul(ops.constant(y), log(x)));
    Value tiny = ops.constant(0x1p-126f);
    return ops.select(ops.less(x, tiny), zero, power);
  }

  /// A number of the normal distribution from 23 random bits: the inverse of
  /// its distribution function at the middle of the interval that they name
  /// (M. Giles, Approximating the erfinv function, GPU Computing Gems 2).
  Value gaussian(Bits random) {
    Value one = ops.constant(1.0f);
    Bits odd = ops.addBits(ops.shiftLeft(random, 1), ops.constantBits(1));
    // Exact, and never -1 or 1.
    Value x =
        ops.fma(ops.toFloat(odd), ops.constant(0x1p-23f), ops.constant(-1.0f));
    Value w = log(ops.mul(ops.sub(one, x), ops.add(one, x)));
    w = ops.sub(ops.constant(0.0f), w);
    Value central =
        polynomial(ops.sub(w, ops.constant(2.5f)),
                   {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f,
                    -4.39150654e-06f, 0.00021858087f, -0.00125372503f,
                    -0.00417768164f, 0.246640727f, 1.50140941f});
    Value tail = polynomial(ops.sub(ops.sqrt(w), ops.constant(3.0f)),
                            {-0.000200214257f, 0.000100950558f, 0.00134934322f,
                             -0.00367342844f, 0.00573950773f, -0.0076224613f,
                             0.00943887047f, 1.00167406f, 2.83297682f});
    Value p = ops.select(ops.less(w, ops.constant(5.0f)), central, tail);
    return ops.mul(ops.mul(p, x), ops.constant(0x1.6a09e6p0f));
  }

  /// An integer that orders like the number: -0 and +0 have one key, and all
  /// NaN have one, below every number's.
  Bits key(Value x) {
    Value zero = ops.constant(0.0f);
    Value number = ops.select(ops.equal(x, zero), zero, x);
    return ops.select(ops.isNaN(x), ops.constantBits(keyOfNaN),
                      flipNegative(ops.bits(number)));
  }

  /// The number of a key; NaN for both special keys.
  Value fromKey(Bits key) { return ops.fromBits(flipNegative(key)); }

private:
  /// Of negative numbers the larger bits are the smaller number.
  Bits flipNegative(Bits bits) {
    Bits sign = ops.shiftRight(bits, 31);
    return ops.xorBits(bits, ops.andBits(sign, ops.constantBits(0x7fffffff)));
  }

  /// Highest coefficient first.
  Value polynomial(Value x, std::initializer_list<float> coefficients) {
    const float *next = coefficients.begin();
    Value result = ops.constant(*next);
    while (++next != coefficients.end())
      result = ops.fma(result, x, ops.constant(*next));
    return result;
  }

  /// 2^n for -127 < n < 128.
  Value powerOfTwo(Bits n) {
    return ops.fromBits(
        ops.shiftLeft(ops.addBits(n, ops.constantBits(127)), 23));
  }

  Ops &ops;
};

/// The sum of one value an expert as all parts compute it: `sumLanes` partial
/// sums, each of every `sumLanes`-th value in rising order from 0, and these
/// added in halves.
inline float sumInLanes(llvm::ArrayRef<float> values) {
  std::array<float, sumLanes> sums = {};
  for (size_t i = 0; i < values.size(); ++i)
    sums[i % sumLanes] += values[i];
  for (size_t half = sumLanes / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_UTILS_SCOREMATH_H
