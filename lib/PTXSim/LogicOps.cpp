// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bits: logic, shifts, fields, permutations.
#include "Decoder.h"
#include "Lanes.h"

#include <type_traits>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

struct And {
  template <class T>
  static T call(T a, T b) {
    return a & b;
  }
};
struct Or {
  template <class T>
  static T call(T a, T b) {
    return a | b;
  }
};
struct Xor {
  template <class T>
  static T call(T a, T b) {
    return a ^ b;
  }
};
struct Not {
  template <class T>
  static T call(T a) {
    return T(~a);
  }
};
struct Cnot {
  template <class T>
  static T call(T a) {
    return a == 0;
  }
};
struct Popc {
  template <class T>
  static uint32_t call(T a) {
    return uint32_t(__builtin_popcountll(a));
  }
};
struct Clz {
  template <class T>
  static uint32_t call(T a) {
    return a ? uint32_t(__builtin_clzll(a)) - (64 - 8 * sizeof(T))
             : 8 * sizeof(T);
  }
};
struct Brev {
  template <class T>
  static T call(T a) {
    return T(__builtin_bitreverse64(a) >> (64 - 8 * sizeof(T)));
  }
};

/// bfind: the place of the highest bit that is not the sign.
template <class T, bool Amount>
struct Bfind {
  static uint32_t call(T a) {
    using V = std::make_unsigned_t<T>;
    V bits = V(std::is_signed_v<T> && a < 0 ? ~a : a);
    if (!bits)
      return ~0u;
    uint32_t place = 63u - uint32_t(__builtin_clzll(bits));
    return Amount ? 8 * sizeof(T) - 1 - place : place;
  }
};

template <class T>
struct Shl {
  static T call(T a, uint32_t n) { return n < 8 * sizeof(T) ? T(a << n) : 0; }
};
template <class T>
struct Shr {
  static T call(T a, uint32_t n) {
    constexpr uint32_t most = 8 * sizeof(T) - 1;
    if (std::is_signed_v<T>)
      return T(a >> (n < most ? n : most));
    return n <= most ? T(a >> n) : 0;
  }
};

/// Shifts, whose count is 32 bits wide.
template <class T, class F>
struct Shift {
  static void run(const Op &op, Warp &warp, uint32_t mask) {
    const T *a = warp.row<T>(op.o[1]);
    const uint32_t *n = warp.row<uint32_t>(op.o[2]);
    put(warp.row<T>(op.o[0]), mask,
        [&](unsigned i) { return F::call(a[i], n[i]); });
  }
};

template <class T>
struct Bfe {
  static T call(T a, uint32_t position, uint32_t length) {
    constexpr uint32_t most = 8 * sizeof(T) - 1;
    using V = std::make_unsigned_t<T>;
    uint32_t p = position & 0xff, n = length & 0xff;
    bool isSigned = std::is_signed_v<T>;
    if (!n)
      return 0;
    uint32_t top = p + n - 1 < most ? p + n - 1 : most;
    bool sign = isSigned && V(a) >> top & 1;
    V value = p > most ? 0 : V(a) >> p;
    // Bits from the top of the field on are the sign.
    uint32_t kept = p > most ? 0 : top - p + 1;
    if (kept <= most) {
      V rest = kept ? V(~V(0)) << kept : V(~V(0));
      value = sign ? value | rest : value & ~rest;
      if (n > kept && isSigned == false)
        value &= ~rest;
    }
    return T(value);
  }
};

template <class T>
void bfi(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
  const uint32_t *p = warp.row<uint32_t>(op.o[3]),
                 *n = warp.row<uint32_t>(op.o[4]);
  constexpr uint32_t width = 8 * sizeof(T);
  put(warp.row<T>(op.o[0]), mask, [&](unsigned i) {
    uint32_t position = p[i] & 0xff, length = n[i] & 0xff;
    if (!length || position >= width)
      return b[i];
    T field = length >= width ? T(~T(0)) : T((T(1) << length) - 1);
    field = T(field << position);
    return T((b[i] & ~field) | (T(a[i] << position) & field));
  });
}

uint32_t permute(uint32_t a, uint32_t b, uint32_t control, unsigned mode) {
  uint64_t bytes = uint64_t(b) << 32 | a;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    unsigned select = 0, s = control & 3;
    bool sign = false;
    switch (mode) {
    case 0:
      select = control >> (4 * i) & 7;
      sign = control >> (4 * i) & 8;
      break;
    case 1: // f4e
      select = s + i;
      break;
    case 2: // b4e
      select = (s + 8 - i) & 7;
      break;
    case 3: // rc8
      select = s;
      break;
    case 4: // ecl
      select = i > s ? i : s;
      break;
    case 5: // ecr
      select = i < s ? i : s;
      break;
    case 6: // rc16
      select = (s & 1) * 2 + (i & 1);
      break;
    }
    uint32_t byte = bytes >> (8 * select) & 0xff;
    if (sign)
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

void prmt(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]),
                 *c = warp.row<uint32_t>(op.o[3]);
  unsigned mode = op.mode;
  put(warp.row<uint32_t>(op.o[0]), mask,
      [&](unsigned i) { return permute(a[i], b[i], c[i], mode); });
}

/// mode: 1 to the left, 2 wraps.
void funnelShift(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]),
                 *c = warp.row<uint32_t>(op.o[3]);
  unsigned mode = op.mode;
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    uint32_t n = mode & 2 ? c[i] & 31 : c[i] < 32 ? c[i] : 32;
    uint64_t both = uint64_t(b[i]) << 32 | a[i];
    return uint32_t(mode & 1 ? both << n >> 32 : both >> n);
  });
}

void predicateLogic(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t a = warp.predicate(op.o[1]);
  uint32_t b = op.o[2] == noRow ? 0 : warp.predicate(op.o[2]);
  uint32_t value = op.mode == 0   ? a & b
                   : op.mode == 1 ? a | b
                   : op.mode == 2 ? a ^ b
                                  : ~a;
  warp.setPredicate(op.o[0], value, mask);
}

void bmsk(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]);
  bool wrap = op.mode;
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    uint32_t p = wrap ? a[i] & 31 : a[i], n = wrap ? b[i] & 31 : b[i];
    if (p >= 32 || !n)
      return 0u;
    uint32_t ones = n >= 32 ? ~0u : (1u << n) - 1;
    return ones << p;
  });
}

void szext(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]);
  bool wrap = op.mode & 1, isSigned = op.mode & 2;
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    uint32_t n = wrap ? b[i] & 31 : b[i];
    if (!n)
      return 0u;
    if (n >= 32)
      return a[i];
    uint32_t field = a[i] << (32 - n);
    return isSigned ? uint32_t(int32_t(field) >> (32 - n)) : field >> (32 - n);
  });
}

void fns(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *bits = warp.row<uint32_t>(op.o[1]),
                 *base = warp.row<uint32_t>(op.o[2]);
  const int32_t *offset = warp.row<int32_t>(op.o[3]);
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    int step = offset[i] < 0 ? -1 : 1, left = offset[i];
    for (int at = int(base[i]); at >= 0 && at < 32; at += step)
      if (bits[i] >> at & 1) {
        left -= left ? step : 0;
        if (!left)
          return uint32_t(at);
      } else if (!offset[i]) {
        break;
      }
    return ~0u;
  });
}

template <template <class, class> class Shape, class F>
Handler bySize(Type type) {
  switch (ptx::byteSize(type)) {
  case 2:
    return Shape<uint16_t, F>::run;
  case 4:
    return Shape<uint32_t, F>::run;
  case 8:
    return Shape<uint64_t, F>::run;
  }
  return nullptr;
}
template <class T, class F>
using SameBinary = Binary<T, T, F>;
template <class T, class F>
using SameUnary = Unary<T, T, F>;
template <class T, class F>
using Counting = Unary<uint32_t, T, F>;

template <bool Amount>
Handler bfind(Type type) {
  switch (type) {
  case Type::U32:
    return Unary<uint32_t, uint32_t, Bfind<uint32_t, Amount>>::run;
  case Type::S32:
    return Unary<uint32_t, int32_t, Bfind<int32_t, Amount>>::run;
  case Type::U64:
    return Unary<uint32_t, uint64_t, Bfind<uint64_t, Amount>>::run;
  case Type::S64:
    return Unary<uint32_t, int64_t, Bfind<int64_t, Amount>>::run;
  default:
    return nullptr;
  }
}

template <class T>
struct BfeOf {
  static void run(const Op &op, Warp &warp, uint32_t mask) {
    const T *a = warp.row<T>(op.o[1]);
    const uint32_t *p = warp.row<uint32_t>(op.o[2]),
                   *n = warp.row<uint32_t>(op.o[3]);
    put(warp.row<T>(op.o[0]), mask,
        [&](unsigned i) { return Bfe<T>::call(a[i], p[i], n[i]); });
  }
};

Handler shr(Type type) {
  switch (type) {
  case Type::S16:
    return Shift<int16_t, Shr<int16_t>>::run;
  case Type::S32:
    return Shift<int32_t, Shr<int32_t>>::run;
  case Type::S64:
    return Shift<int64_t, Shr<int64_t>>::run;
  case Type::U16:
  case Type::B16:
    return Shift<uint16_t, Shr<uint16_t>>::run;
  case Type::U32:
  case Type::B32:
    return Shift<uint32_t, Shr<uint32_t>>::run;
  case Type::U64:
  case Type::B64:
    return Shift<uint64_t, Shr<uint64_t>>::run;
  default:
    return nullptr;
  }
}

Handler shl(Type type) {
  switch (ptx::byteSize(type)) {
  case 2:
    return Shift<uint16_t, Shl<uint16_t>>::run;
  case 4:
    return Shift<uint32_t, Shl<uint32_t>>::run;
  case 8:
    return Shift<uint64_t, Shl<uint64_t>>::run;
  }
  return nullptr;
}

} // namespace

void decodeLogic(Decoder &decoder, const ptx::Instruction &instruction,
                 Op &op) {
  const auto &operands = instruction.operands;
  Type type = instruction.type();
  Opcode opcode = instruction.opcode;
  if (opcode == Opcode::Lop3)
    return decodeLop3(decoder, instruction, op);
  bool counts = opcode == Opcode::Popc || opcode == Opcode::Clz ||
                opcode == Opcode::Bfind;
  size_t sameType =
      opcode == Opcode::Bfi ? 3
      : opcode == Opcode::Bfe || opcode == Opcode::Shl || opcode == Opcode::Shr
          ? 2
          : 5;
  for (size_t i = 0; i < operands.size() && i < 5; ++i)
    op.o[i] = decoder.row(
        operands[i], i >= sameType || (counts && i == 0) ? Type::B32 : type);
  if (type == Type::Pred) {
    if (opcode != Opcode::And && opcode != Opcode::Or &&
        opcode != Opcode::Xor && opcode != Opcode::Not)
      return;
    op.mode = opcode == Opcode::And   ? 0
              : opcode == Opcode::Or  ? 1
              : opcode == Opcode::Xor ? 2
                                      : 3;
    op.handler = predicateLogic;
    return;
  }
  switch (opcode) {
  case Opcode::And:
    op.handler = bySize<SameBinary, And>(type);
    break;
  case Opcode::Or:
    op.handler = bySize<SameBinary, Or>(type);
    break;
  case Opcode::Xor:
    op.handler = bySize<SameBinary, Xor>(type);
    break;
  case Opcode::Not:
    op.handler = bySize<SameUnary, Not>(type);
    break;
  case Opcode::Cnot:
    op.handler = bySize<SameUnary, Cnot>(type);
    break;
  case Opcode::Popc:
    op.handler = bySize<Counting, Popc>(type);
    break;
  case Opcode::Clz:
    op.handler = bySize<Counting, Clz>(type);
    break;
  case Opcode::Brev:
    op.handler = bySize<SameUnary, Brev>(type);
    break;
  case Opcode::Bfind:
    op.handler = instruction.has(Modifier::Shiftamt) ? bfind<true>(type)
                                                     : bfind<false>(type);
    break;
  case Opcode::Shl:
    op.handler = shl(type);
    break;
  case Opcode::Shr:
    op.handler = shr(type);
    break;
  case Opcode::Shf:
    op.mode = uint8_t((instruction.has(Modifier::L) ? 1 : 0) |
                      (instruction.has(Modifier::Wrap) ? 2 : 0));
    op.handler = funnelShift;
    break;
  case Opcode::Bfe:
    op.handler = type == Type::U32   ? BfeOf<uint32_t>::run
                 : type == Type::S32 ? BfeOf<int32_t>::run
                 : type == Type::U64 ? BfeOf<uint64_t>::run
                 : type == Type::S64 ? BfeOf<int64_t>::run
                                     : Handler(nullptr);
    break;
  case Opcode::Bfi:
    op.handler = ptx::byteSize(type) == 4 ? bfi<uint32_t> : bfi<uint64_t>;
    break;
  case Opcode::Prmt:
    switch (instruction.modifier(ptx::ModifierClass::Permute)) {
    case Modifier::F4e:
      op.mode = 1;
      break;
    case Modifier::B4e:
      op.mode = 2;
      break;
    case Modifier::Rc8:
      op.mode = 3;
      break;
    case Modifier::Ecl:
      op.mode = 4;
      break;
    case Modifier::Ecr:
      op.mode = 5;
      break;
    case Modifier::Rc16:
      op.mode = 6;
      break;
    default:
      op.mode = 0;
    }
    op.handler = prmt;
    break;
  case Opcode::Bmsk:
    op.mode = instruction.has(Modifier::Wrap);
    op.handler = bmsk;
    break;
  case Opcode::Szext:
    op.mode = uint8_t((instruction.has(Modifier::Wrap) ? 1 : 0) |
                      (ptx::isSigned(type) ? 2 : 0));
    op.handler = szext;
    break;
  case Opcode::Fns:
    op.handler = fns;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
