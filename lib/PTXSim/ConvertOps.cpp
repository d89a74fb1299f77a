// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cvt. The conversions that programs use most have loops of their own; every
// other one goes through a value in double or 64 bits, lane by lane.
#include "Decoder.h"
#include "Lanes.h"

#include <cmath>

namespace moe::ptxsim {

using ptx::isInteger;
using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// Op::flags.
enum : uint32_t { ftz = 1, sat = 2, satfinite = 4, relu = 8, integral = 16 };

struct Kinds {
  Type to, from;
  uint8_t toWidth, fromWidth; ///< of the registers
  Rounding rounding;
};
static_assert(sizeof(Kinds) == 5, "fits Op::imm");

Kinds kinds(const Op &op) {
  Kinds k;
  std::memcpy(&k, &op.imm, sizeof k);
  return k;
}

const Format *formatOf(Type type) {
  switch (type) {
  case Type::F32:
    return &f32Format;
  case Type::F16:
  case Type::F16x2:
    return &f16Format;
  case Type::BF16:
  case Type::BF16x2:
    return &bf16Format;
  case Type::E4M3:
  case Type::E4M3x2:
    return &e4m3Format;
  case Type::E5M2:
  case Type::E5M2x2:
    return &e5m2Format;
  default:
    return nullptr;
  }
}

uint64_t readLane(const Warp &warp, uint32_t row, unsigned lane,
                  unsigned width) {
  uint64_t bits = 0;
  std::memcpy(&bits, warp.r + row + lane * width, width);
  return bits;
}

void writeLane(Warp &warp, uint32_t row, unsigned lane, unsigned width,
               uint64_t bits) {
  std::memcpy(warp.r + row + lane * width, &bits, width);
}

/// The low bits of a register as an integer of that type, extended.
int64_t extend(uint64_t bits, Type type) {
  unsigned shift = 64 - ptx::bitWidth(type);
  return ptx::isSigned(type) ? int64_t(bits << shift) >> shift
                             : int64_t(bits << shift >> shift);
}

double readFloat(uint64_t bits, Type type, bool flush) {
  if (type == Type::F64)
    return bitCast<double>(bits);
  double value = decode(*formatOf(type), uint32_t(bits));
  return flush && type == Type::F32
             ? double(flushSubnormal(bitCast<float>(uint32_t(bits))))
             : value;
}

uint64_t writeFloat(double value, Type type, Rounding rounding,
                    uint32_t flags) {
  if (flags & sat)
    value = value > 0 ? (value < 1 ? value : 1) : 0;
  if (flags & relu)
    value = value < 0 || (value == 0 && std::signbit(value)) ? 0 : value;
  if (type == Type::F64)
    return bitCast<uint64_t>(value);
  Overflow overflow = flags & satfinite ? Overflow::Finite : Overflow::Infinity;
  uint32_t bits = encode(*formatOf(type), value, rounding, overflow);
  if (flags & ftz && type == Type::F32)
    bits = bitCast<uint32_t>(flushSubnormal(bitCast<float>(bits)));
  return bits;
}

/// Any scalar conversion.
void convert(const Op &op, Warp &warp, uint32_t mask) {
  Kinds k = kinds(op);
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint64_t bits = readLane(warp, op.o[1], i, k.fromWidth), result;
    if (isInteger(k.from)) {
      int64_t value = extend(bits, k.from);
      bool negative = ptx::isSigned(k.from) && value < 0;
      uint64_t magnitude = negative ? 0 - uint64_t(value) : uint64_t(value);
      if (isInteger(k.to)) {
        result = uint64_t(value);
        if (op.flags & sat) {
          unsigned width = ptx::bitWidth(k.to);
          bool isSigned = ptx::isSigned(k.to);
          uint64_t most = (~uint64_t(0) >> (64 - width)) >> isSigned;
          uint64_t least = isSigned ? most + 1 : 0; // a magnitude
          result = negative ? 0 - (magnitude > least ? least : magnitude)
                            : (magnitude > most ? most : magnitude);
        }
        result = uint64_t(extend(result, k.to));
      } else if (k.to == Type::F64) {
        result =
            bitCast<uint64_t>(integerToDouble(negative, magnitude, k.rounding));
      } else if (k.to == Type::F32) {
        float value = integerToFloat(negative, magnitude, k.rounding);
        if (op.flags & sat)
          value = value > 0 ? (value < 1 ? value : 1.0f) : 0.0f;
        result = bitCast<uint32_t>(value);
      } else {
        // To odd in f64 first: what is left below the halves' places counts.
        double down = integerToDouble(negative, magnitude, Rounding::Zero);
        double up = integerToDouble(negative, magnitude,
                                    negative ? Rounding::Down : Rounding::Up);
        uint64_t odd = bitCast<uint64_t>(down) | (down != up);
        result = writeFloat(bitCast<double>(odd), k.to, k.rounding, op.flags);
      }
    } else {
      double value = readFloat(bits, k.from, op.flags & ftz);
      if (isInteger(k.to)) {
        result = floatToInteger(value, ptx::bitWidth(k.to), ptx::isSigned(k.to),
                                k.rounding, k.from == Type::F64);
        result = uint64_t(extend(result, k.to));
      } else if (op.flags & integral) {
        result = writeFloat(roundIntegral(value, k.rounding), k.to,
                            Rounding::NearestEven, op.flags);
      } else {
        result = writeFloat(value, k.to, k.rounding, op.flags);
      }
    }
    writeLane(warp, op.o[0], i, k.toWidth, result);
  }
}

/// d = {a, b} of two f32 (a is the upper half), or a pair to a pair.
void convertPair(const Op &op, Warp &warp, uint32_t mask) {
  Kinds k = kinds(op);
  const Format &format = *formatOf(k.to);
  unsigned shift = format.bits();
  bool two = op.o[2] != noRow;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint64_t bits = readLane(warp, op.o[1], i, k.fromWidth), high, low;
    if (two) {
      high = writeFloat(readFloat(bits, Type::F32, op.flags & ftz), k.to,
                        k.rounding, op.flags);
      low = writeFloat(
          readFloat(readLane(warp, op.o[2], i, 4), Type::F32, op.flags & ftz),
          k.to, k.rounding, op.flags);
    } else {
      unsigned width = formatOf(k.from)->bits();
      uint64_t part = (uint64_t(1) << width) - 1;
      high = writeFloat(readFloat(bits >> width & part, k.from, false), k.to,
                        k.rounding, op.flags);
      low = writeFloat(readFloat(bits & part, k.from, false), k.to, k.rounding,
                       op.flags);
    }
    writeLane(warp, op.o[0], i, k.toWidth, high << shift | low);
  }
}

void convertTF32(const Op &op, Warp &warp, uint32_t mask) {
  Kinds k = kinds(op);
  const float *a = warp.row<float>(op.o[1]);
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    float value = op.flags & relu && a[i] < 0 ? 0.0f : a[i];
    return encodeTF32(value, k.rounding,
                      op.flags & satfinite ? Overflow::Finite
                                           : Overflow::Infinity);
  });
}

/// cvt.pack.sat: {a, b} above the upper part of c.
void packIntegers(const Op &op, Warp &warp, uint32_t mask) {
  Kinds k = kinds(op);
  unsigned width = ptx::bitWidth(k.to);
  bool isSigned = ptx::isSigned(k.to);
  const int32_t *a = warp.row<int32_t>(op.o[1]),
                *b = warp.row<int32_t>(op.o[2]);
  const uint32_t *c = op.o[3] == noRow ? nullptr : warp.row<uint32_t>(op.o[3]);
  int64_t most = (int64_t(1) << (width - isSigned)) - 1;
  int64_t least = isSigned ? -most - 1 : 0;
  auto clamp = [&](int64_t v) {
    v = v > most ? most : v < least ? least : v;
    return uint32_t(v) & uint32_t((uint64_t(1) << width) - 1);
  };
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    uint64_t pair = clamp(a[i]) << width | clamp(b[i]);
    return uint32_t(c ? uint64_t(c[i]) << (2 * width) | pair : pair);
  });
}

// Quick ones.
template <class E, class R>
struct Resize {
  template <class T>
  static R call(T a) {
    return R(E(a));
  }
};
struct ToF16 {
  static uint16_t call(float a) { return floatToF16(a); }
};
struct ToBF16 {
  static uint16_t call(float a) { return floatToBF16(a); }
};
struct FromF16 {
  static float call(uint16_t a) { return f16ToFloat(a); }
};
struct FromBF16 {
  static float call(uint16_t a) { return bf16ToFloat(a); }
};
template <bool BFloat>
struct ToPair {
  static uint32_t call(float a, float b) {
    return BFloat ? uint32_t(floatToBF16(a)) << 16 | floatToBF16(b)
                  : uint32_t(floatToF16(a)) << 16 | floatToF16(b);
  }
};
struct IntToFloat {
  template <class T>
  static float call(T a) {
    return float(a);
  }
};
struct Truncate {
  static int32_t call(float a) {
    float clamped = a < -2147483648.0f ? -2147483648.0f : a;
    int32_t value = int32_t(clamped < 2147483648.0f ? clamped : 0.0f);
    return a >= 2147483648.0f ? INT32_MAX : a != a ? 0 : value;
  }
};

template <class E, class R>
Handler resizeFrom(unsigned width) {
  switch (width) {
  case 2:
    return Unary<R, uint16_t, Resize<E, R>>::run;
  case 4:
    return Unary<R, uint32_t, Resize<E, R>>::run;
  case 8:
    return Unary<R, uint64_t, Resize<E, R>>::run;
  }
  return nullptr;
}
template <class E>
Handler resizeTo(unsigned to, unsigned from) {
  switch (to) {
  case 2:
    return resizeFrom<E, uint16_t>(from);
  case 4:
    return resizeFrom<E, uint32_t>(from);
  case 8:
    return resizeFrom<E, uint64_t>(from);
  }
  return nullptr;
}

/// Integers without saturation: cut to the narrower type and extended to the
/// register.
Handler resize(const Kinds &k) {
  bool narrows = ptx::bitWidth(k.to) <= ptx::bitWidth(k.from);
  if (!narrows && ptx::byteSize(k.to) != k.toWidth)
    return nullptr;
  switch (narrows ? k.to : k.from) {
  case Type::S8:
    return resizeTo<int8_t>(k.toWidth, k.fromWidth);
  case Type::U8:
    return resizeTo<uint8_t>(k.toWidth, k.fromWidth);
  case Type::S16:
    return resizeTo<int16_t>(k.toWidth, k.fromWidth);
  case Type::U16:
    return resizeTo<uint16_t>(k.toWidth, k.fromWidth);
  case Type::S32:
    return resizeTo<int32_t>(k.toWidth, k.fromWidth);
  case Type::U32:
    return resizeTo<uint32_t>(k.toWidth, k.fromWidth);
  default:
    return resizeTo<uint64_t>(k.toWidth, k.fromWidth);
  }
}

Handler quick(const Kinds &k, uint32_t flags) {
  if (isInteger(k.to) && isInteger(k.from) && !(flags & sat))
    return resize(k);
  if (flags)
    return nullptr;
  bool nearest = k.rounding == Rounding::NearestEven;
  auto is = [&](Type to, Type from, unsigned toWidth, unsigned fromWidth) {
    return k.to == to && k.from == from && k.toWidth == toWidth &&
           k.fromWidth == fromWidth;
  };
  if (is(Type::F32, Type::F16, 4, 2))
    return Unary<float, uint16_t, FromF16>::run;
  if (is(Type::F32, Type::BF16, 4, 2))
    return Unary<float, uint16_t, FromBF16>::run;
  if (is(Type::S32, Type::F32, 4, 4) && k.rounding == Rounding::Zero)
    return Unary<int32_t, float, Truncate>::run;
  if (!nearest)
    return nullptr;
  if (is(Type::F16, Type::F32, 2, 4))
    return Unary<uint16_t, float, ToF16>::run;
  if (is(Type::BF16, Type::F32, 2, 4))
    return Unary<uint16_t, float, ToBF16>::run;
  if (is(Type::F32, Type::S32, 4, 4))
    return Unary<float, int32_t, IntToFloat>::run;
  if (is(Type::F32, Type::U32, 4, 4))
    return Unary<float, uint32_t, IntToFloat>::run;
  return nullptr;
}

bool isPair(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 || type == Type::E4M3x2 ||
         type == Type::E5M2x2;
}

} // namespace

void decodeConvert(Decoder &decoder, const ptx::Instruction &instruction,
                   Op &op) {
  const auto &operands = instruction.operands;
  Kinds k{};
  k.to = instruction.type(0);
  k.from = instruction.type(1);
  auto flag = [&](Modifier m, uint32_t bit) {
    op.flags |= instruction.has(m) ? bit : 0;
  };
  flag(Modifier::Ftz, ftz);
  flag(Modifier::Sat, sat);
  flag(Modifier::Satfinite, satfinite);
  flag(Modifier::Relu, relu);
  switch (instruction.modifier(ptx::ModifierClass::Rounding)) {
  case Modifier::Rni:
    op.flags |= integral;
    [[fallthrough]];
  case Modifier::Rn:
  case Modifier::None:
    k.rounding = Rounding::NearestEven;
    break;
  case Modifier::Rzi:
    op.flags |= integral;
    [[fallthrough]];
  case Modifier::Rz:
    k.rounding = Rounding::Zero;
    break;
  case Modifier::Rmi:
    op.flags |= integral;
    [[fallthrough]];
  case Modifier::Rm:
    k.rounding = Rounding::Down;
    break;
  case Modifier::Rpi:
    op.flags |= integral;
    [[fallthrough]];
  case Modifier::Rp:
    k.rounding = Rounding::Up;
    break;
  case Modifier::Rna:
    k.rounding = Rounding::NearestAway;
    break;
  default:
    return;
  }
  if (isInteger(k.to))
    op.flags &= ~uint32_t(integral);
  k.toWidth = uint8_t(decoder.width(operands[0], k.to));
  k.fromWidth = uint8_t(decoder.width(operands[1], k.from));
  op.o[0] = decoder.row(operands[0], k.to);
  op.o[1] = decoder.row(operands[1], k.from);
  auto keep = [&] { std::memcpy(&op.imm, &k, sizeof k); };
  keep();
  if (instruction.opcode == Opcode::CvtPack) {
    op.o[2] = decoder.row(operands[2], Type::S32);
    if (operands.size() > 3)
      op.o[3] = decoder.row(operands[3], Type::B32);
    op.handler = packIntegers;
    return;
  }
  if (k.to == Type::TF32) {
    if (k.from == Type::F32)
      op.handler = convertTF32;
    return;
  }
  if (isPair(k.to)) {
    if (k.from == Type::F32 && operands.size() == 3)
      op.o[2] = decoder.row(operands[2], k.from);
    else if (!isPair(k.from) || operands.size() != 2)
      return;
    op.handler = convertPair;
    bool plain = !op.flags && k.rounding == Rounding::NearestEven;
    if (plain && op.o[2] != noRow && k.to == Type::BF16x2)
      op.handler = Binary<uint32_t, float, ToPair<true>>::run;
    if (plain && op.o[2] != noRow && k.to == Type::F16x2)
      op.handler = Binary<uint32_t, float, ToPair<false>>::run;
    return;
  }
  auto scalar = [](Type t) {
    return isInteger(t) || t == Type::F64 || t == Type::F32 || t == Type::F16 ||
           t == Type::BF16;
  };
  if (!scalar(k.to) || !scalar(k.from) || operands.size() != 2)
    return;
  op.handler = quick(k, op.flags);
  if (!op.handler)
    op.handler = convert;
}

} // namespace moe::ptxsim
