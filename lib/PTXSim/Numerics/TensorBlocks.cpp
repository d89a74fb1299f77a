// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of TensorCore.cpp, formed in f32 where that gives the same bits. A
// product of two narrow numbers is exact in f32, to scale by a power of two is
// too, and to convert to an integer drops what alignment shifts out. So it is
// for all numbers but those near the ends of the range, which are left to the
// code with integers.
#include "TensorVectors.h"

#include <algorithm>

namespace moe::ptxsim {

namespace {

constexpr int32_t powerOfTwo(int exponent) { return (exponent + 127) << 23; }
constexpr int32_t exponentMask = 0x7f800000;

/// Operands between these have products that neither overflow nor lose bits.
constexpr int32_t smallestOperand = powerOfTwo(-62);
constexpr int32_t largestOperand = powerOfTwo(62);
/// Terms aligned to what lies between these are scaled without underflow, and
/// their sums without overflow.
constexpr int32_t smallestAligned = powerOfTwo(-100);
constexpr int32_t largestAligned = powerOfTwo(118);

/// Finds the powers of two of numbers; false if one is out of range, infinite
/// or NaN. Where subnormal numbers of the format are in range, they have the
/// smallest power of those that are not.
template <bool subnormals>
bool powers(const float *values, size_t count, int32_t smallest, float *to) {
  uint32_t least = ~0u, most = 0;
  for (size_t i = 0; i < count; ++i) {
    uint32_t magnitude = bitCast<uint32_t>(values[i]) & 0x7fffffff;
    int32_t power = int32_t(magnitude) & exponentMask;
    if (subnormals) {
      power = power > smallest ? power : smallest;
      power = magnitude ? power : 0;
    } else { // that zero is fine shows when one is taken away
      least = std::min(least, magnitude - 1);
    }
    most = std::max(most, magnitude);
    to[i] = bitCast<float>(power);
  }
  return least >= uint32_t(smallestOperand - 1) &&
         most <= uint32_t(largestOperand);
}

bool powers(const Format &format, const float *values, size_t count,
            float *to) {
  int32_t smallest = powerOfTwo(1 - format.bias());
  return smallest > smallestOperand
             ? powers<true>(values, count, smallest, to)
             : powers<false>(values, count, smallest, to);
}

} // namespace

bool TensorTile::findPowers() {
  return powers(formatOf(formatA), a, size_t(rows) * depth, powerA) &&
         powers(formatOf(formatB), b, size_t(depth) * columns, powerB);
}

/// False, with `c` as it was, if a number is out of range.
template <unsigned products, bool halfResult>
bool TensorTile::addBlockInFloat(size_t row, size_t first, float *c) const {
  const int32_t fraction = model.fractionBits << 23;
  const float *left = a + row * depth + first;
  const float *leftPowers = powerA + row * depth + first;
  const float *right = b + first * columns;
  const float *rightPowers = powerB + first * columns;
  Floats accumulator = load<Floats>(c);
  Ints magnitude = Ints(accumulator) & 0x7fffffff;
  Ints largest = magnitude & exponentMask;
  for (unsigned k = 0; k < products; ++k)
    largest = larger(
        largest, Ints(leftPowers[k] * load<Floats>(rightPowers + k * columns)));

  // All terms may be zero.
  Ints aligned = larger(largest, Ints{} + smallestAligned);
  Ints outside = (largest > largestAligned) |
                 ((aligned != largest) & ((largest | magnitude) != 0));
  if (__builtin_reduce_or(outside))
    return false;
  Floats up = Floats(uint32_t(fraction) + 2u * powerOfTwo(0) - Words(aligned));
  Floats down = Floats(aligned - fraction);

  auto term = [&](unsigned k) {
    return Words(__builtin_convertvector(
        left[k] * load<Floats>(right + k * columns) * up, Ints));
  };
  Words sum = Words(__builtin_convertvector(accumulator * up, Ints));
  constexpr unsigned safe = 8; // so many terms of 27 bits fit 32
  for (unsigned k = 0; k < products && k < safe; ++k)
    sum += term(k);
  if (products > safe) {
    Ints wrong{};
    for (unsigned k = safe; k < products; k += safe) {
      Words part = term(k), whole;
      for (unsigned i = k + 1; i < k + safe; ++i)
        part += term(i);
      whole = sum + part;
      wrong |= Ints((sum ^ whole) & (part ^ whole)); // has the wrong sign
      sum = whole;
    }
    // Magnitudes that f32 rounds to 2^31 are no integers any more.
    wrong =
        (wrong >> 31) | (Ints(sum) > 0x7fffff00) | (Ints(sum) < -0x7fffff00);
    if (__builtin_reduce_or(wrong))
      return false;
  }

  Ints sign = Ints(sum) >> 31;
  Ints size = (Ints(sum) ^ sign) - sign;
  Ints bits = Ints(__builtin_convertvector(size, Floats));
  Ints back = __builtin_convertvector(Floats(bits), Ints);
  bits += back > size; // -1 where it was rounded outward
  if (model.shortResult)
    bits &= ~((1 << (23 - model.fractionBits)) - 1);
  if (halfResult) // to odd, so that one more rounding is as if there was none
    bits |= (back != size) & 1;
  Floats result = Floats(bits | (sign & INT32_MIN)) * down;
  if (halfResult)
    result = __builtin_convertvector(__builtin_convertvector(result, Halves),
                                     Floats);
  std::memcpy(c, &result, sizeof result);
  return true;
}

template <unsigned products, bool halfResult>
void TensorTile::addBlocksInFloat(float *c) {
  bool isSplit = false;
  for (unsigned k = 0; k < depth; k += products)
    for (unsigned row = 0; row < rows; ++row) {
      float *to = c + row * columns;
      if (addBlockInFloat<products, halfResult>(row, k, to))
        continue;
      if (!isSplit)
        splitOperands();
      isSplit = true;
      addBlock(row, k, k + products, to);
    }
}

bool TensorTile::multiplyInFloat(float *c) {
  unsigned products = std::min(model.block, depth);
  if (model.roundToNearest || depth % products || !findPowers())
    return false;
  bool half = accumulator == Accumulator::F16;
  switch (products) {
  case 4:
    half ? addBlocksInFloat<4, true>(c) : addBlocksInFloat<4, false>(c);
    return true;
  case 8:
    half ? addBlocksInFloat<8, true>(c) : addBlocksInFloat<8, false>(c);
    return true;
  case 16:
    half ? addBlocksInFloat<16, true>(c) : addBlocksInFloat<16, false>(c);
    return true;
  case 32:
    half ? addBlocksInFloat<32, true>(c) : addBlocksInFloat<32, false>(c);
    return true;
  }
  return false;
}

} // namespace moe::ptxsim
