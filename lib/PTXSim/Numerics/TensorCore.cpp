// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model and its constants follow measurements that were published for
// V100, A100, A2, Ada, H100, H200 and B200 (Khattak and Mikaitis, "Accurate
// models of NVIDIA tensor cores", arXiv 2512.07004).
#include "TensorVectors.h"

#include <algorithm>
#include <cmath>

namespace moe::ptxsim {

namespace {

/// Of an operand that is zero: its products are never the largest, and shift
/// out whatever they are aligned to.
constexpr int32_t exponentOfZero = -8192;
/// No term is aligned to less.
constexpr int32_t smallestAlignment = -133;

} // namespace

const Format &formatOf(TensorFormat format) {
  switch (format) {
  case TensorFormat::F16:
    return f16Format;
  case TensorFormat::BF16:
    return bf16Format;
  case TensorFormat::E4M3:
    return e4m3Format;
  case TensorFormat::E5M2:
    return e5m2Format;
  case TensorFormat::TF32:
    break;
  }
  static constexpr Format tf32{8, 10, true, 0x3ffff};
  return tf32;
}

TensorArch tensorArch(uint32_t major, uint32_t minor) {
  if (major < 8)
    return TensorArch::Volta;
  if (major == 8)
    return minor >= 9 ? TensorArch::Ada : TensorArch::Ampere;
  return major == 9 ? TensorArch::Hopper : TensorArch::Blackwell;
}

TensorModel tensorModel(TensorArch arch, TensorFormat format) {
  bool narrow = format == TensorFormat::E4M3 || format == TensorFormat::E5M2;
  bool half = format == TensorFormat::TF32;
  switch (arch) {
  case TensorArch::Volta:
    return {4, 23, false, false};
  case TensorArch::Ampere:
    return {half ? 4u : 8u, 24, false, false};
  case TensorArch::Ada:
    if (narrow)
      return {16, 13, false, true};
    return {half ? 4u : 8u, 24, false, false};
  case TensorArch::Hopper:
    if (narrow)
      return {32, 13, false, true};
    return {half ? 8u : 16u, 25, false, false};
  case TensorArch::Blackwell:
    if (narrow)
      return {32, 25, true, false};
    return {half ? 8u : 16u, 25, false, false};
  }
  return {8, 24, false, false};
}

float tensorOperand(TensorFormat format, uint32_t bits) {
  switch (format) {
  case TensorFormat::F16:
    return f16ToFloat(uint16_t(bits));
  case TensorFormat::BF16:
    return bf16ToFloat(uint16_t(bits));
  case TensorFormat::TF32:
    return bitCast<float>(bits & 0xffffe000);
  case TensorFormat::E4M3:
  case TensorFormat::E5M2:
    break;
  }
  return float(decode(formatOf(format), bits));
}

namespace {

/// value = significand * 2^(exponent - mantissaBits); the significand comes
/// shifted left by `up`. Products are not normalised, so a subnormal number
/// keeps the smallest exponent of its format. True if one is not finite.
bool split(const float *values, size_t count, const Format &format, int up,
           int32_t *significands, int32_t *exponents) {
  int smallest = 1 - format.bias();
  int down = 23 - int(format.mantissaBits);
  int32_t special = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = bitCast<uint32_t>(values[i]);
    int32_t biased = int32_t(bits >> 23 & 0xff);
    special |= biased == 255;
    int32_t mantissa = int32_t(bits & 0x7fffff) | (biased ? 0x800000 : 0);
    int32_t exponent = (biased ? biased : 1) - 127;
    int32_t kept = exponent > smallest ? exponent : smallest;
    int32_t shift = down + kept - exponent;
    int32_t significand = mantissa >> (shift > 31 ? 31 : shift) << up;
    significands[i] = int32_t(bits) < 0 ? -significand : significand;
    exponents[i] = mantissa ? kept : exponentOfZero;
  }
  return special;
}

/// The f32 next to `exact` towards zero; what is too large becomes infinite.
Floats truncateToFloat(Doubles exact) {
  Floats near = __builtin_convertvector(exact, Floats);
  constexpr int64_t magnitude = INT64_MAX;
  Longs wide = (Longs) __builtin_convertvector(near, Doubles) & magnitude;
  // Magnitudes of doubles compare as integers; -1 where rounding went outward.
  Ints outward =
      __builtin_convertvector(wide > ((Longs)exact & magnitude), Ints);
  Ints infinite = ((Ints)near & 0x7fffffff) == 0x7f800000;
  return (Floats)((Ints)near + (outward & ~infinite));
}

/// Rounded to f16, as an f32. Rounding to odd comes first, so that the second
/// rounding knows what the first one dropped.
Floats roundToHalf(Doubles exact) {
  Floats odd = truncateToFloat(exact);
  for (unsigned i = 0; i < TensorTile::columns; ++i) {
    uint32_t bits = bitCast<uint32_t>(float(odd[i]));
    bits |= double(odd[i]) != exact[i] && !std::isinf(odd[i]);
    odd[i] = f16ToFloat(floatToF16(bitCast<float>(bits)));
  }
  return odd;
}

} // namespace

void TensorTile::addBlock(unsigned row, unsigned first, unsigned last,
                          float *c) const {
  const int fraction = model.fractionBits;
  // The accumulator: 23 fraction bits of its own.
  Words bits = load<Words>(c);
  Ints biased = (Ints)(bits >> 23 & 0xff);
  Ints significand = (Ints)(bits & 0x7fffff) | ((biased != 0) & 0x800000);
  Ints exponent = (biased == 0 ? biased + 1 : biased) - 127;
  exponent = significand == 0 ? significand + exponentOfZero : exponent;

  const int32_t *sA = &significandA[size_t(row) * depth];
  const int32_t *eA = &exponentA[size_t(row) * depth];
  Ints largest = larger(exponent, Ints{} + smallestAlignment);
  for (unsigned k = first; k < last; ++k)
    largest = larger(largest, load<Ints>(&exponentB[k * columns]) + eA[k]);

  int shift = fraction - 23;
  Ints drop = largest - exponent;
  Ints term = shift >= 0 ? significand << shift >> smaller(drop, Ints{} + 31)
                         : significand >> smaller(drop - shift, Ints{} + 31);
  term = (Ints)bits < 0 ? -term : term;
  Doubles sum = __builtin_convertvector(term, Doubles);
  // A term has at most 27 bits: eight of them fit 32.
  for (unsigned k = first; k < last;) {
    Ints partial{};
    for (unsigned end = std::min(k + 8, last); k < end; ++k) {
      Ints sB = load<Ints>(&significandB[k * columns]);
      Ints drop = largest - (load<Ints>(&exponentB[k * columns]) + eA[k]);
      Ints product = sB * sA[k];
      Ints sign = product >> 31;
      Ints magnitude = (product ^ sign) - sign;
      magnitude >>= smaller(drop, Ints{} + 31);
      partial += (magnitude ^ sign) - sign;
    }
    sum += __builtin_convertvector(partial, Doubles);
  }

  Longs scale = __builtin_convertvector(largest - fraction + 1023, Longs) << 52;
  Doubles exactSum = sum * (Doubles)scale;
  if (model.shortResult)
    exactSum =
        (Doubles)((Longs)exactSum & ~((int64_t(1) << (52 - fraction)) - 1));
  Floats result = accumulator == Accumulator::F16 ? roundToHalf(exactSum)
                  : model.roundToNearest
                      ? __builtin_convertvector(exactSum, Floats)
                      : truncateToFloat(exactSum);
  if (special || __builtin_reduce_or(Ints(biased == 255)))
    for (unsigned i = 0; i < columns; ++i) {
      // Finite terms do not overflow a double.
      double plain = c[i];
      for (unsigned k = first; k < last; ++k)
        plain += double(a[size_t(row) * depth + k]) * b[k * columns + i];
      if (!std::isfinite(plain))
        result[i] = canonicalNaN(float(plain));
    }
  std::memcpy(c, &result, sizeof result);
}

void TensorTile::splitOperands() {
  const Format &fa = formatOf(formatA), &fb = formatOf(formatB);
  int up = model.fractionBits - int(fa.mantissaBits + fb.mantissaBits);
  special = split(a, size_t(rows) * depth, fa, 0, significandA, exponentA);
  special |= split(b, size_t(depth) * columns, fb, up, significandB, exponentB);
}

void TensorTile::multiplyExact(float *c) {
  if (multiplyInFloat(c))
    return;
  splitOperands();
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned k = 0; k < depth; k += model.block)
      addBlock(row, k, std::min(k + model.block, depth), c + row * columns);
}

/// `count` rows at once, because each is a chain of additions.
template <unsigned count>
void TensorTile::multiplyRows(size_t row, float *c) const {
  Floats sums[count];
  for (unsigned i = 0; i < count; ++i)
    sums[i] = load<Floats>(c + i * columns);
  const float *left = a + row * depth;
  for (size_t k = 0; k < depth; ++k) {
    Floats right = load<Floats>(b + k * columns);
    for (unsigned i = 0; i < count; ++i)
      sums[i] = __builtin_elementwise_fma(Floats{} + left[i * depth + k], right,
                                          sums[i]);
  }
  for (unsigned i = 0; i < count; ++i) {
    Floats sum = sums[i];
    if (accumulator == Accumulator::F16)
      sum =
          __builtin_convertvector(__builtin_convertvector(sum, Halves), Floats);
    sum = sum == sum ? sum : Floats(Ints{} + 0x7fffffff);
    std::memcpy(c + i * columns, &sum, sizeof sum);
  }
}

void TensorTile::multiplyFast(float *c) const {
  unsigned row = 0;
  for (; row + 8 <= rows; row += 8)
    multiplyRows<8>(row, c + row * columns);
  for (; row < rows; ++row)
    multiplyRows<1>(row, c + row * columns);
}

void TensorTile::multiply(float *c) {
  if (exact)
    multiplyExact(c);
  else
    multiplyFast(c);
}

} // namespace moe::ptxsim
