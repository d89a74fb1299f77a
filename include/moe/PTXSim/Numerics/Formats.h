// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions among the number formats of PTX, bit for bit: rounding modes,
// saturation, subnormals, canonical NaNs. A double holds every value of the
// narrow formats, so each conversion is "decode to double, encode once".
#ifndef MOE_PTXSIM_NUMERICS_FORMATS_H
#define MOE_PTXSIM_NUMERICS_FORMATS_H

#include <cstdint>
#include <cstring>

namespace moe::ptxsim {

enum class Rounding : uint8_t { NearestEven, Zero, Down, Up, NearestAway };

template <class To, class From>
inline To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "a cast of bits keeps their count");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

/// A binary format of at most 32 bits. `infinities` false: e4m3, whose all-ones
/// exponent holds numbers and one NaN.
struct Format {
  unsigned exponentBits, mantissaBits;
  bool infinities;
  uint32_t canonicalNaN;

  constexpr int bias() const { return (1 << (exponentBits - 1)) - 1; }
  constexpr unsigned bits() const { return 1 + exponentBits + mantissaBits; }
  constexpr uint32_t signBit() const { return 1u << (bits() - 1); }
  constexpr uint32_t infinity() const {
    return ((1u << exponentBits) - 1) << mantissaBits;
  }
  /// The largest finite number.
  constexpr uint32_t largest() const {
    return infinities ? infinity() - 1 : (1u << (bits() - 1)) - 2;
  }
};

constexpr Format f32Format{8, 23, true, 0x7fffffff};
constexpr Format f16Format{5, 10, true, 0x7fff};
constexpr Format bf16Format{8, 7, true, 0x7fff};
constexpr Format e4m3Format{4, 3, false, 0x7f};
constexpr Format e5m2Format{5, 2, true, 0x7f};

/// How encode() treats what lies past the largest finite number.
enum class Overflow : uint8_t {
  Infinity, ///< as IEEE 754 does for the rounding mode
  Finite,   ///< .satfinite: the largest finite number, infinities too
};

/// `value` in `format`, rounded once.
uint32_t encode(const Format &format, double value,
                Rounding rounding = Rounding::NearestEven,
                Overflow overflow = Overflow::Infinity);

/// The number that the low bits of `bits` stand for.
double decode(const Format &format, uint32_t bits);

/// f32 with the 13 low bits of the mantissa cleared. NearestAway is .rna.
uint32_t encodeTF32(float value, Rounding rounding,
                    Overflow overflow = Overflow::Infinity);

/// An integer as f32 or f64 (mantissaBits 24 or 53 of significance), rounded
/// once. `negative` is the sign, `magnitude` its absolute value.
float integerToFloat(bool negative, uint64_t magnitude, Rounding rounding);
double integerToDouble(bool negative, uint64_t magnitude, Rounding rounding);

/// Rounds to an integral value in the format of the argument.
double roundIntegral(double value, Rounding rounding);

/// A float to an integer of `bits` bits, clamped; NaN gives 0, or the lone top
/// bit where source or destination has 64 bits, as the ISA says.
uint64_t floatToInteger(double value, unsigned bits, bool isSigned,
                        Rounding rounding, bool fromDouble);

/// a * b + c with the result rounded to odd, so that one more rounding to 16
/// bits is as if there had been no other.
double fmaToOdd(double a, double b, double c);

inline float bf16ToFloat(uint16_t bits) {
  return bitCast<float>(uint32_t(bits) << 16);
}
inline uint16_t floatToBF16(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return uint16_t((bits & 0x7fffffff) > 0x7f800000 ? 0x7fff : rounded);
}
inline float f16ToFloat(uint16_t bits) {
  float value = float(bitCast<_Float16>(bits));
  return value != value ? bitCast<float>(0x7fffffffu) : value;
}
inline uint16_t floatToF16(float value) {
  uint16_t bits = bitCast<uint16_t>(_Float16(value));
  return value != value ? uint16_t(0x7fff) : bits;
}

/// Subnormal f32 numbers become zeros of their sign.
inline float flushSubnormal(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  return (bits & 0x7f800000) == 0 ? bitCast<float>(bits & 0x80000000) : value;
}
inline float canonicalNaN(float value) {
  return value != value ? bitCast<float>(0x7fffffffu) : value;
}

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_NUMERICS_FORMATS_H
