// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic of integers. Sums and products wrap, so they are formed in the
// unsigned type.
#include "Decoder.h"
#include "Lanes.h"

#include <type_traits>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

template <class T>
using U = std::conditional_t<sizeof(T) == 2, uint32_t, std::make_unsigned_t<T>>;
template <class T>
struct WiderOf;
template <>
struct WiderOf<int16_t> {
  using type = int32_t;
};
template <>
struct WiderOf<uint16_t> {
  using type = uint32_t;
};
template <>
struct WiderOf<int32_t> {
  using type = int64_t;
};
template <>
struct WiderOf<uint32_t> {
  using type = uint64_t;
};
template <>
struct WiderOf<int64_t> {
  using type = __int128;
};
template <>
struct WiderOf<uint64_t> {
  using type = unsigned __int128;
};
template <class T>
using Wider = typename WiderOf<T>::type;

struct Add {
  template <class T>
  static T call(T a, T b) {
    return T(U<T>(a) + U<T>(b));
  }
};
struct Sub {
  template <class T>
  static T call(T a, T b) {
    return T(U<T>(a) - U<T>(b));
  }
};
struct MulLo {
  template <class T>
  static T call(T a, T b) {
    return T(U<T>(a) * U<T>(b));
  }
};
struct MulHi {
  template <class T>
  static T call(T a, T b) {
    return T(Wider<T>(a) * Wider<T>(b) >> (8 * sizeof(T)));
  }
};
struct MulWide {
  template <class T>
  static Wider<T> call(T a, T b) {
    return Wider<T>(a) * Wider<T>(b);
  }
};
struct Min {
  template <class T>
  static T call(T a, T b) {
    return b < a ? b : a;
  }
};
struct Max {
  template <class T>
  static T call(T a, T b) {
    return a < b ? b : a;
  }
};
struct MinRelu {
  static int32_t call(int32_t a, int32_t b) {
    return Max::call(Min::call(a, b), 0);
  }
};
struct MaxRelu {
  static int32_t call(int32_t a, int32_t b) {
    return Max::call(Max::call(a, b), 0);
  }
};
struct Div {
  template <class T>
  static T call(T a, T b) {
    if (!b)
      return T(-1); // what silicon gives
    if (std::is_signed_v<T> && b == T(-1))
      return T(-U<T>(a));
    return T(a / b);
  }
};
struct Rem {
  template <class T>
  static T call(T a, T b) {
    if (!b)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return T(a % b);
  }
};
struct AddSat {
  static int32_t call(int32_t a, int32_t b) {
    int64_t sum = int64_t(a) + b;
    return int32_t(
        Max::call<int64_t>(Min::call<int64_t>(sum, INT32_MAX), INT32_MIN));
  }
};
struct SubSat {
  static int32_t call(int32_t a, int32_t b) {
    int64_t sum = int64_t(a) - b;
    return int32_t(
        Max::call<int64_t>(Min::call<int64_t>(sum, INT32_MAX), INT32_MIN));
  }
};
struct Neg {
  template <class T>
  static T call(T a) {
    return T(-U<T>(a));
  }
};
struct Abs {
  template <class T>
  static T call(T a) {
    return a < 0 ? T(-U<T>(a)) : a;
  }
};
struct MadLo {
  template <class T>
  static T call(T a, T b, T c) {
    return T(U<T>(a) * U<T>(b) + U<T>(c));
  }
};
struct MadHi {
  template <class T>
  static T call(T a, T b, T c) {
    return Add::call(MulHi::call(a, b), c);
  }
};
struct MadHiSat {
  static int32_t call(int32_t a, int32_t b, int32_t c) {
    return AddSat::call(MulHi::call(a, b), c);
  }
};
struct MadWide {
  template <class T>
  static Wider<T> call(T a, T b, Wider<T> c) {
    using V = std::make_unsigned_t<Wider<T>>;
    return Wider<T>(V(Wider<T>(a) * Wider<T>(b)) + V(c));
  }
};
struct Sad {
  template <class T>
  static T call(T a, T b, T c) {
    return Add::call(c, a < b ? Sub::call(b, a) : Sub::call(a, b));
  }
};
template <bool Hi>
struct Mul24 {
  template <class T>
  static T call(T a, T b) {
    int64_t x = std::is_signed_v<T> ? int64_t(int32_t(uint32_t(a) << 8) >> 8)
                                    : int64_t(uint32_t(a) & 0xffffff);
    int64_t y = std::is_signed_v<T> ? int64_t(int32_t(uint32_t(b) << 8) >> 8)
                                    : int64_t(uint32_t(b) & 0xffffff);
    return T(Hi ? x * y >> 16 : x * y);
  }
};
template <bool Hi>
struct Mad24 {
  template <class T>
  static T call(T a, T b, T c) {
    return Add::call(Mul24<Hi>::call(a, b), c);
  }
};

/// Packed 16-bit lanes of u16x2 and s16x2.
template <class H, class F>
struct Packed {
  static uint32_t call(uint32_t a, uint32_t b) {
    uint32_t low = uint16_t(F::call(H(a), H(b)));
    return low | uint32_t(uint16_t(F::call(H(a >> 16), H(b >> 16)))) << 16;
  }
};

template <class F>
Handler binaryOf(Type type) {
  switch (type) {
  case Type::S16:
    return Binary<int16_t, int16_t, F>::run;
  case Type::U16:
    return Binary<uint16_t, uint16_t, F>::run;
  case Type::S32:
    return Binary<int32_t, int32_t, F>::run;
  case Type::U32:
    return Binary<uint32_t, uint32_t, F>::run;
  case Type::S64:
    return Binary<int64_t, int64_t, F>::run;
  case Type::U64:
    return Binary<uint64_t, uint64_t, F>::run;
  case Type::S16x2:
    return Binary<uint32_t, uint32_t, Packed<int16_t, F>>::run;
  case Type::U16x2:
    return Binary<uint32_t, uint32_t, Packed<uint16_t, F>>::run;
  default:
    return nullptr;
  }
}

template <class F>
Handler ternaryOf(Type type) {
  switch (type) {
  case Type::S16:
    return Ternary<int16_t, int16_t, int16_t, F>::run;
  case Type::U16:
    return Ternary<uint16_t, uint16_t, uint16_t, F>::run;
  case Type::S32:
    return Ternary<int32_t, int32_t, int32_t, F>::run;
  case Type::U32:
    return Ternary<uint32_t, uint32_t, uint32_t, F>::run;
  case Type::S64:
    return Ternary<int64_t, int64_t, int64_t, F>::run;
  case Type::U64:
    return Ternary<uint64_t, uint64_t, uint64_t, F>::run;
  default:
    return nullptr;
  }
}

template <class F>
Handler unaryOf(Type type) {
  switch (type) {
  case Type::S16:
    return Unary<int16_t, int16_t, F>::run;
  case Type::S32:
    return Unary<int32_t, int32_t, F>::run;
  case Type::S64:
    return Unary<int64_t, int64_t, F>::run;
  default:
    return nullptr;
  }
}

Handler mulWide(Type type) {
  switch (type) {
  case Type::S16:
    return Binary<int32_t, int16_t, MulWide>::run;
  case Type::U16:
    return Binary<uint32_t, uint16_t, MulWide>::run;
  case Type::S32:
    return Binary<int64_t, int32_t, MulWide>::run;
  case Type::U32:
    return Binary<uint64_t, uint32_t, MulWide>::run;
  default:
    return nullptr;
  }
}

Handler madWide(Type type) {
  switch (type) {
  case Type::S16:
    return Ternary<int32_t, int16_t, int32_t, MadWide>::run;
  case Type::U16:
    return Ternary<uint32_t, uint16_t, uint32_t, MadWide>::run;
  case Type::S32:
    return Ternary<int64_t, int32_t, int64_t, MadWide>::run;
  case Type::U32:
    return Ternary<uint64_t, uint32_t, uint64_t, MadWide>::run;
  default:
    return nullptr;
  }
}

/// Sums with the carry flag of each lane. mode: 1 takes it, 2 sets it, 4
/// subtracts, 8 multiplies first (low half), 16 (high half).
template <class T>
void carry(const Op &op, Warp &warp, uint32_t mask) {
  T *d = warp.row<T>(op.o[0]);
  const T *a = warp.row<T>(op.o[1]), *b = warp.row<T>(op.o[2]);
  const T *c = op.mode & 24 ? warp.row<T>(op.o[3]) : nullptr;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    T x = a[i], y = b[i];
    if (op.mode & 8)
      x = MulLo::call(x, y);
    if (op.mode & 16)
      x = MulHi::call(x, y);
    if (c)
      y = c[i];
    unsigned in = op.mode & 1 ? warp.carry >> i & 1 : 0;
    using V = unsigned __int128;
    V sum = op.mode & 4 ? V(x) - V(y) - in : V(x) + V(y) + in;
    d[i] = T(sum);
    if (op.mode & 2)
      warp.carry =
          (warp.carry & ~(1u << i)) | uint32_t(sum >> (8 * sizeof(T)) & 1) << i;
  }
}

/// dp4a and dp2a; mode: 1 signed a, 2 signed b, 4 dp2a, 8 its high half.
void dotProduct(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]),
                 *c = warp.row<uint32_t>(op.o[3]);
  auto part = [](uint32_t bits, unsigned width, unsigned i, bool isSigned) {
    uint32_t field = bits << (32 - width * (i + 1));
    return isSigned ? int32_t(field) >> (32 - width)
                    : int32_t(field >> (32 - width));
  };
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) {
    uint32_t sum = c[i];
    bool two = op.mode & 4;
    for (unsigned k = 0; k < (two ? 2 : 4); ++k)
      sum += uint32_t(part(a[i], two ? 16 : 8, k, op.mode & 1)) *
             uint32_t(part(b[i], 8, k + (op.mode & 8 ? 2 : 0), op.mode & 2));
    return sum;
  });
}

} // namespace

void decodeInteger(Decoder &decoder, const ptx::Instruction &instruction,
                   Op &op) {
  Type type = instruction.type();
  bool wide = instruction.has(Modifier::Wide),
       hi = instruction.has(Modifier::Hi);
  bool sat = instruction.has(Modifier::Sat),
       relu = instruction.has(Modifier::Relu);
  bool setsCarry = instruction.has(Modifier::Cc);
  Opcode opcode = instruction.opcode;
  Type wider = wide ? (ptx::byteSize(type) == 2 ? Type::B32 : Type::B64) : type;
  const auto &operands = instruction.operands;
  for (size_t i = 0; i < operands.size() && i < 4; ++i)
    op.o[i] = decoder.row(operands[i], i == 0 || i == 3 ? wider : type);
  auto withCarry = [&](unsigned mode) {
    op.mode = uint8_t(mode | (setsCarry ? 2 : 0));
    return ptx::byteSize(type) == 4 ? Handler(carry<uint32_t>)
                                    : Handler(carry<uint64_t>);
  };
  switch (opcode) {
  case Opcode::Add:
    op.handler = setsCarry ? withCarry(0)
                 : sat     ? Binary<int32_t, int32_t, AddSat>::run
                           : binaryOf<Add>(type);
    break;
  case Opcode::Sub:
    op.handler = setsCarry ? withCarry(4)
                 : sat     ? Binary<int32_t, int32_t, SubSat>::run
                           : binaryOf<Sub>(type);
    break;
  case Opcode::Addc:
    op.handler = withCarry(1);
    break;
  case Opcode::Subc:
    op.handler = withCarry(5);
    break;
  case Opcode::Mul:
    op.handler = wide ? mulWide(type)
                 : hi ? binaryOf<MulHi>(type)
                      : binaryOf<MulLo>(type);
    break;
  case Opcode::Mad:
    op.handler = setsCarry   ? withCarry(hi ? 16 : 8)
                 : wide      ? madWide(type)
                 : hi && sat ? Ternary<int32_t, int32_t, int32_t, MadHiSat>::run
                 : hi        ? ternaryOf<MadHi>(type)
                             : ternaryOf<MadLo>(type);
    break;
  case Opcode::Madc:
    op.handler = withCarry(1 | (hi ? 16 : 8));
    break;
  case Opcode::Mul24:
    op.handler =
        hi ? binaryOf<Mul24<true>>(type) : binaryOf<Mul24<false>>(type);
    break;
  case Opcode::Mad24:
    op.handler =
        hi ? ternaryOf<Mad24<true>>(type) : ternaryOf<Mad24<false>>(type);
    break;
  case Opcode::Sad:
    op.handler = ternaryOf<Sad>(type);
    break;
  case Opcode::Div:
    op.handler = binaryOf<Div>(type);
    break;
  case Opcode::Rem:
    op.handler = binaryOf<Rem>(type);
    break;
  case Opcode::Abs:
    op.handler = unaryOf<Abs>(type);
    break;
  case Opcode::Neg:
    op.handler = unaryOf<Neg>(type);
    break;
  case Opcode::Min:
    op.handler =
        relu ? Binary<int32_t, int32_t, MinRelu>::run : binaryOf<Min>(type);
    break;
  case Opcode::Max:
    op.handler =
        relu ? Binary<int32_t, int32_t, MaxRelu>::run : binaryOf<Max>(type);
    break;
  case Opcode::Dp4a:
  case Opcode::Dp2a:
    op.mode = uint8_t((ptx::isSigned(instruction.type(0)) ? 1 : 0) |
                      (ptx::isSigned(instruction.type(1)) ? 2 : 0) |
                      (opcode == Opcode::Dp2a ? 4 : 0) | (hi ? 8 : 0));
    op.handler = dotProduct;
    break;
  default:
    break;
  }
  if (relu && type != Type::S32)
    op.handler = nullptr;
}

} // namespace moe::ptxsim
