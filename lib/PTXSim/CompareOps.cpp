// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// setp, set, selp, slct, testp.
#include "Decoder.h"
#include "Lanes.h"

#include <cmath>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// Comparisons, in the order of compareOf().
enum class Compare : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Ordered,
  Unordered,
};

template <Compare C>
struct Compares {
  template <class T>
  static bool call(T a, T b) {
    switch (C) {
    case Compare::Eq:
      return a == b;
    case Compare::Ne:
      return a < b || a > b;
    case Compare::Lt:
      return a < b;
    case Compare::Le:
      return a <= b;
    case Compare::Gt:
      return a > b;
    case Compare::Ge:
      return a >= b;
    case Compare::Equ:
      return !(a < b || a > b);
    case Compare::Neu:
      return !(a == b);
    case Compare::Ltu:
      return !(a >= b);
    case Compare::Leu:
      return !(a > b);
    case Compare::Gtu:
      return !(a <= b);
    case Compare::Geu:
      return !(a < b);
    case Compare::Ordered:
      return a == a && b == b;
    case Compare::Unordered:
      return a != a || b != b;
    }
    return false;
  }
};

/// How values are read: as they are, or widened to f32.
template <class T>
struct Plain {
  using Stored = T;
  static T read(T value) { return value; }
};
struct Flushed {
  using Stored = float;
  static float read(float value) { return flushSubnormal(value); }
};
template <bool Ftz>
struct Half {
  using Stored = uint16_t;
  static float read(uint16_t bits) {
    float value = f16ToFloat(bits);
    return Ftz && !(bits & 0x7c00) ? 0.0f * value : value;
  }
};
struct BHalf {
  using Stored = uint16_t;
  static float read(uint16_t bits) { return bf16ToFloat(bits); }
};

template <class V, Compare C>
uint32_t bits(const Op &op, Warp &warp) {
  using T = typename V::Stored;
  const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
  return ballot([&](unsigned i) {
    return Compares<C>::call(V::read(a[i]), V::read(b[i]));
  });
}

/// Both predicates of a pair of halves: the low ones, the high ones.
template <class V, Compare C>
void pairBits(const Op &op, Warp &warp, uint32_t result[2]) {
  const uint16_t *a = warp.row<uint16_t>(op.o[1]),
                 *b = warp.row<uint16_t>(op.o[2]);
  for (unsigned h = 0; h < 2; ++h)
    result[h] = ballot([&](unsigned i) {
      return Compares<C>::call(V::read(a[2 * i + h]), V::read(b[2 * i + h]));
    });
}

/// mode: 1 and, 2 or, 3 xor with o[3]; flags & 1: with its negation.
uint32_t combine(const Op &op, Warp &warp, uint32_t value) {
  if (!(op.mode & 3))
    return value;
  uint32_t other = warp.predicate(op.o[3]) ^ (op.flags & 1 ? ~0u : 0);
  return (op.mode & 3) == 1   ? value & other
         : (op.mode & 3) == 2 ? value | other
                              : value ^ other;
}

template <class V, Compare C>
void setp(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t value = bits<V, C>(op, warp);
  uint32_t result = combine(op, warp, value);
  if (op.o[4] != noRow)
    warp.setPredicate(op.o[4], combine(op, warp, ~value), mask);
  warp.setPredicate(op.o[0], result, mask);
}

template <class V, Compare C>
void setpPair(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t value[2];
  pairBits<V, C>(op, warp, value);
  uint32_t low = combine(op, warp, value[0]);
  uint32_t high = combine(op, warp, value[1]);
  warp.setPredicate(op.o[0], low, mask);
  if (op.o[4] != noRow)
    warp.setPredicate(op.o[4], high, mask);
}

/// set: width 4: all ones, 5: 1.0f, 2: 1.0 of f16, 3: of bf16, 1: ones of 16.
template <class V, Compare C>
void set(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t value = combine(op, warp, bits<V, C>(op, warp));
  if (op.width >= 4) {
    uint32_t yes = op.width == 4 ? ~0u : 0x3f800000;
    put(warp.row<uint32_t>(op.o[0]), mask,
        [&](unsigned i) { return value >> i & 1 ? yes : 0; });
    return;
  }
  uint16_t yes = op.width == 1 ? 0xffff : op.width == 2 ? 0x3c00 : 0x3f80;
  put(warp.row<uint16_t>(op.o[0]), mask,
      [&](unsigned i) { return value >> i & 1 ? yes : 0; });
}

template <class V, Compare C>
void setPair(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t value[2];
  pairBits<V, C>(op, warp, value);
  uint32_t low = combine(op, warp, value[0]),
           high = combine(op, warp, value[1]);
  uint32_t yes = op.width == 1 ? 0xffff : op.width == 2 ? 0x3c00 : 0x3f80;
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    return (low >> i & 1 ? yes : 0) | (high >> i & 1 ? yes << 16 : 0);
  });
}

template <class V, Compare C>
Handler formOf(bool isSet, bool isPair) {
  if constexpr (sizeof(typename V::Stored) == 2 &&
                !std::is_same_v<V, Plain<uint16_t>> &&
                !std::is_same_v<V, Plain<int16_t>>)
    if (isPair)
      return isSet ? setPair<V, C> : setpPair<V, C>;
  return isSet ? set<V, C> : setp<V, C>;
}

template <class V>
Handler compareOf(Modifier m, bool isSigned, bool isSet, bool isPair) {
  switch (m) {
  case Modifier::Eq:
    return formOf<V, Compare::Eq>(isSet, isPair);
  case Modifier::Ne:
    return formOf<V, Compare::Ne>(isSet, isPair);
  case Modifier::Lt:
  case Modifier::Lo:
    return formOf<V, Compare::Lt>(isSet, isPair);
  case Modifier::Le:
  case Modifier::Ls:
    return formOf<V, Compare::Le>(isSet, isPair);
  case Modifier::Gt:
  case Modifier::Hi:
    return formOf<V, Compare::Gt>(isSet, isPair);
  case Modifier::Ge:
  case Modifier::Hs:
    return formOf<V, Compare::Ge>(isSet, isPair);
  default:
    break;
  }
  if constexpr (std::is_floating_point_v<decltype(V::read({}))>)
    switch (m) {
    case Modifier::Equ:
      return formOf<V, Compare::Equ>(isSet, isPair);
    case Modifier::Neu:
      return formOf<V, Compare::Neu>(isSet, isPair);
    case Modifier::Ltu:
      return formOf<V, Compare::Ltu>(isSet, isPair);
    case Modifier::Leu:
      return formOf<V, Compare::Leu>(isSet, isPair);
    case Modifier::Gtu:
      return formOf<V, Compare::Gtu>(isSet, isPair);
    case Modifier::Geu:
      return formOf<V, Compare::Geu>(isSet, isPair);
    case Modifier::Ordered:
      return formOf<V, Compare::Ordered>(isSet, isPair);
    case Modifier::Unordered:
      return formOf<V, Compare::Unordered>(isSet, isPair);
    default:
      break;
    }
  return nullptr;
}

Handler comparison(Type type, Modifier m, bool ftz, bool isSet) {
  switch (type) {
  case Type::S16:
    return compareOf<Plain<int16_t>>(m, true, isSet, false);
  case Type::U16:
  case Type::B16:
    return compareOf<Plain<uint16_t>>(m, false, isSet, false);
  case Type::S32:
    return compareOf<Plain<int32_t>>(m, true, isSet, false);
  case Type::U32:
  case Type::B32:
    return compareOf<Plain<uint32_t>>(m, false, isSet, false);
  case Type::S64:
    return compareOf<Plain<int64_t>>(m, true, isSet, false);
  case Type::U64:
  case Type::B64:
    return compareOf<Plain<uint64_t>>(m, false, isSet, false);
  case Type::F32:
    return ftz ? compareOf<Flushed>(m, false, isSet, false)
               : compareOf<Plain<float>>(m, false, isSet, false);
  case Type::F64:
    return compareOf<Plain<double>>(m, false, isSet, false);
  case Type::F16:
  case Type::F16x2:
    return ftz ? compareOf<Half<true>>(m, false, isSet, type == Type::F16x2)
               : compareOf<Half<false>>(m, false, isSet, type == Type::F16x2);
  case Type::BF16:
  case Type::BF16x2:
    return compareOf<BHalf>(m, false, isSet, type == Type::BF16x2);
  default:
    return nullptr;
  }
}

template <class T>
void selp(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
  uint32_t p = warp.predicate(op.o[3]) ^ (op.flags & 1 ? ~0u : 0);
  put(warp.row<T>(op.o[0]), mask,
      [&](unsigned i) { return p >> i & 1 ? a[i] : b[i]; });
}

/// slct: by the sign of o[3], an s32 or, mode 1, an f32 (2: flushed).
template <class T>
void slct(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
  const uint32_t *c = warp.row<uint32_t>(op.o[3]);
  put(warp.row<T>(op.o[0]), mask, [&](unsigned i) {
    float f = bitCast<float>(c[i]);
    bool first = op.mode ? (op.mode == 2 ? flushSubnormal(f) : f) >= 0
                         : int32_t(c[i]) >= 0;
    return first ? a[i] : b[i];
  });
}

template <class T>
void testp(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  Modifier property = Modifier(op.imm);
  uint32_t value = ballot([&](unsigned i) {
    switch (property) {
    case Modifier::Finite:
      return bool(std::isfinite(a[i]));
    case Modifier::Infinite:
      return bool(std::isinf(a[i]));
    case Modifier::Number:
      return !std::isnan(a[i]);
    case Modifier::Notanumber:
      return bool(std::isnan(a[i]));
    case Modifier::Normal:
      return bool(std::isnormal(a[i]));
    default:
      return std::fpclassify(a[i]) == FP_SUBNORMAL;
    }
  });
  warp.setPredicate(op.o[0], value, mask);
}

} // namespace

void decodeCompare(Decoder &decoder, const ptx::Instruction &instruction,
                   Op &op) {
  const auto &operands = instruction.operands;
  Type type = instruction.type();
  bool negated = false;
  switch (instruction.opcode) {
  case Opcode::Setp:
  case Opcode::Set: {
    bool isSet = instruction.opcode == Opcode::Set;
    Type source = isSet ? instruction.type(1) : type;
    if (operands[0].is(ptx::Operand::Kind::Pair)) {
      op.o[0] = decoder.row(operands[0].elements[0], Type::Pred);
      if (!operands[0].elements[1].is(ptx::Operand::Kind::Sink))
        op.o[4] = decoder.row(operands[0].elements[1], Type::Pred);
    } else {
      op.o[0] = decoder.row(operands[0], isSet ? type : Type::Pred);
    }
    op.o[1] = decoder.row(operands[1], source);
    op.o[2] = decoder.row(operands[2], source);
    if (operands.size() > 3) {
      op.o[3] = decoder.predicate(operands[3], negated);
      op.flags |= negated;
      op.mode = instruction.has(Modifier::And)  ? 1
                : instruction.has(Modifier::Or) ? 2
                                                : 3;
    }
    op.width = type == Type::F32 ? 5
               : ptx::byteSize(type) == 4 && source != Type::F16x2 &&
                       source != Type::BF16x2
                   ? 4
               : type == Type::F16 || type == Type::F16x2   ? 2
               : type == Type::BF16 || type == Type::BF16x2 ? 3
                                                            : 1;
    // ".lo" and ".hi" name comparisons, too, and stand in the class of halves.
    Modifier compare = instruction.modifier(ptx::ModifierClass::Compare);
    if (compare == Modifier::None)
      compare = instruction.modifier(ptx::ModifierClass::Half);
    op.handler =
        comparison(source, compare, instruction.has(Modifier::Ftz), isSet);
    break;
  }
  case Opcode::Selp:
    for (unsigned i = 0; i < 3; ++i)
      op.o[i] = decoder.row(operands[i], type);
    op.o[3] = decoder.predicate(operands[3], negated);
    op.flags |= negated;
    op.handler = ptx::byteSize(type) == 2   ? selp<uint16_t>
                 : ptx::byteSize(type) == 4 ? selp<uint32_t>
                                            : selp<uint64_t>;
    break;
  case Opcode::Slct:
    for (unsigned i = 0; i < 3; ++i)
      op.o[i] = decoder.row(operands[i], type);
    op.o[3] = decoder.row(operands[3], instruction.type(1));
    op.mode = instruction.type(1) != Type::F32 ? 0
              : instruction.has(Modifier::Ftz) ? 2
                                               : 1;
    op.handler = ptx::byteSize(type) == 2   ? slct<uint16_t>
                 : ptx::byteSize(type) == 4 ? slct<uint32_t>
                                            : slct<uint64_t>;
    break;
  case Opcode::Testp:
    op.o[0] = decoder.row(operands[0], Type::Pred);
    op.o[1] = decoder.row(operands[1], type);
    op.imm = int64_t(instruction.modifier(ptx::ModifierClass::Property));
    op.handler = type == Type::F64 ? testp<double> : testp<float>;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
