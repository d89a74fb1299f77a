// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic of f32 and f64. Results that are NaN get the one pattern that
// silicon writes (f32); .ftz, .sat and directed rounding are of the
// instruction, not of the machine.
#include "Decoder.h"
#include "Lanes.h"
#include "moe/PTXSim/Numerics/Approximations.h"

#include <cmath>
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

template <bool Ftz, bool Sat, class T>
T finish(T value) {
  if constexpr (sizeof(T) == 4) {
    value = canonicalNaN(value);
    if (Ftz)
      value = flushSubnormal(value);
    if (Sat)
      value = value > 0 ? (value < 1 ? value : 1.0f) : 0.0f;
  }
  return value;
}
template <bool Ftz, class T>
T begin(T value) {
  if constexpr (sizeof(T) == 4)
    if (Ftz)
      return flushSubnormal(value);
  return value;
}

struct Add {
  template <class T>
  static T call(T a, T b) {
    return a + b;
  }
};
struct Sub {
  template <class T>
  static T call(T a, T b) {
    return a - b;
  }
};
struct Mul {
  template <class T>
  static T call(T a, T b) {
    return a * b;
  }
};
struct Div {
  template <class T>
  static T call(T a, T b) {
    return a / b;
  }
};
struct Fma {
  static float call(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
  static double call(double a, double b, double c) {
    return __builtin_fma(a, b, c);
  }
};

template <class F, bool Ftz, bool Sat>
struct Shaped {
  template <class T>
  static T call(T a, T b) {
    return finish<Ftz, Sat>(F::call(begin<Ftz>(a), begin<Ftz>(b)));
  }
  template <class T>
  static T call(T a, T b, T c) {
    return finish<Ftz, Sat>(
        F::call(begin<Ftz>(a), begin<Ftz>(b), begin<Ftz>(c)));
  }
};

template <bool Max, bool Ftz, bool NaN, bool XorSign>
struct Extreme {
  template <class T>
  static T call(T a, T b) {
    using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr U sign = U(1) << (8 * sizeof(T) - 1);
    a = begin<Ftz>(a);
    b = begin<Ftz>(b);
    U signs = (bitCast<U>(a) ^ bitCast<U>(b)) & sign;
    if (XorSign) {
      a = bitCast<T>(bitCast<U>(a) & ~sign);
      b = bitCast<T>(bitCast<U>(b) & ~sign);
    }
    // -0 is less than +0: equal numbers differ in the sign alone.
    U zero =
        Max ? bitCast<U>(a) & bitCast<U>(b) : bitCast<U>(a) | bitCast<U>(b);
    T result = a == b ? bitCast<T>(zero) : Max == (a > b) ? a : b;
    if (NaN)
      result = a != a ? a : b != b ? b : result;
    else
      result = a != a ? b : b != b ? a : result;
    if (XorSign)
      result = bitCast<T>(bitCast<U>(result) | signs);
    return finish<Ftz, false>(result);
  }
};

template <bool Ftz>
struct Neg {
  template <class T>
  static T call(T a) {
    return -begin<Ftz>(a);
  }
};
template <bool Ftz>
struct Abs {
  template <class T>
  static T call(T a) {
    return std::fabs(begin<Ftz>(a));
  }
};
struct Copysign {
  // copysign d, a, b: the sign of a on b.
  template <class T>
  static T call(T a, T b) {
    return std::copysign(b, a);
  }
};

/// div.approx and div.full, off by as much as two units in the last place.
void divPerturbed(const Op &op, Warp &warp, uint32_t mask) {
  const float *a = warp.row<float>(op.o[1]), *b = warp.row<float>(op.o[2]);
  bool ftz = op.mode;
  uint64_t seed = warp.block->grid->device->options.approximationSeed;
  put(warp.row<float>(op.o[0]), mask, [&](unsigned i) {
    float x = ftz ? flushSubnormal(a[i]) : a[i];
    float y = ftz ? flushSubnormal(b[i]) : b[i];
    double exact = double(x) / double(y);
    uint64_t salt = uint64_t(bitCast<uint32_t>(x)) << 32 | bitCast<uint32_t>(y);
    float result = float(
        perturb(exact, errorBound(Approximation::Div, 23, y), 23, salt, seed));
    return canonicalNaN(ftz ? flushSubnormal(result) : result);
  });
}

template <class F, template <class, class> class Shape>
Handler shaped(bool f64, bool ftz, bool sat) {
  if (f64)
    return Shape<double, Shaped<F, false, false>>::run;
  if (ftz)
    return sat ? Shape<float, Shaped<F, true, true>>::run
               : Shape<float, Shaped<F, true, false>>::run;
  return sat ? Shape<float, Shaped<F, false, true>>::run
             : Shape<float, Shaped<F, false, false>>::run;
}
template <class T, class F>
using SameBinary = Binary<T, T, F>;
template <class T, class F>
using SameTernary = Ternary<T, T, T, F>;

template <bool Max, bool NaN, bool XorSign>
Handler extremeOf(bool f64, bool ftz) {
  if (f64)
    return Binary<double, double, Extreme<Max, false, NaN, XorSign>>::run;
  return ftz ? Binary<float, float, Extreme<Max, true, NaN, XorSign>>::run
             : Binary<float, float, Extreme<Max, false, NaN, XorSign>>::run;
}
template <bool Max>
Handler extreme(bool f64, bool ftz, bool nan, bool sign) {
  if (nan)
    return sign ? extremeOf<Max, true, true>(f64, ftz)
                : extremeOf<Max, true, false>(f64, ftz);
  return sign ? extremeOf<Max, false, true>(f64, ftz)
              : extremeOf<Max, false, false>(f64, ftz);
}

} // namespace

namespace {

void withRounding(Rounding rounding, const Op &op, Warp &warp, uint32_t mask,
                  Handler handler) {
  // The call goes through a pointer, so nothing moves across the switch.
#if defined(__x86_64__)
  unsigned saved = _mm_getcsr();
  unsigned mode = rounding == Rounding::Zero   ? _MM_ROUND_TOWARD_ZERO
                  : rounding == Rounding::Down ? _MM_ROUND_DOWN
                                               : _MM_ROUND_UP;
  _mm_setcsr((saved & ~unsigned(_MM_ROUND_MASK)) | mode);
  handler(op, warp, mask);
  _mm_setcsr(saved);
#else
  int saved = fegetround();
  fesetround(rounding == Rounding::Zero   ? FE_TOWARDZERO
             : rounding == Rounding::Down ? FE_DOWNWARD
                                          : FE_UPWARD);
  handler(op, warp, mask);
  fesetround(saved);
#endif
}

template <Rounding R>
void rounded(const Op &op, Warp &warp, uint32_t mask) {
  Handler inner;
  std::memcpy(&inner, &op.imm, sizeof inner);
  withRounding(R, op, warp, mask, inner);
}

} // namespace

void setRounding(const ptx::Instruction &instruction, Op &op) {
  static_assert(sizeof(Handler) == sizeof op.imm, "a handler fits imm");
  Modifier mode = instruction.modifier(ptx::ModifierClass::Rounding);
  if (!op.handler ||
      (mode != Modifier::Rz && mode != Modifier::Rm && mode != Modifier::Rp))
    return;
  std::memcpy(&op.imm, &op.handler, sizeof op.imm);
  op.handler = mode == Modifier::Rz   ? rounded<Rounding::Zero>
               : mode == Modifier::Rm ? rounded<Rounding::Down>
                                      : rounded<Rounding::Up>;
}

void decodeFloat(Decoder &decoder, const ptx::Instruction &instruction,
                 Op &op) {
  Type type = instruction.type();
  if (type != Type::F32 && type != Type::F64)
    return;
  bool f64 = type == Type::F64, ftz = instruction.has(Modifier::Ftz);
  bool sat = instruction.has(Modifier::Sat),
       nan = instruction.has(Modifier::NaN);
  bool sign = instruction.has(Modifier::Xorsign);
  // Mixed sources (add.f32.bf16) and three-input minima came with sm_100.
  if (instruction.types.size() > 1)
    return;
  const auto &operands = instruction.operands;
  for (size_t i = 0; i < operands.size() && i < 4; ++i)
    op.o[i] = decoder.row(operands[i], type);
  switch (instruction.opcode) {
  case Opcode::Add:
    op.handler = shaped<Add, SameBinary>(f64, ftz, sat);
    break;
  case Opcode::Sub:
    op.handler = shaped<Sub, SameBinary>(f64, ftz, sat);
    break;
  case Opcode::Mul:
    op.handler = shaped<Mul, SameBinary>(f64, ftz, sat);
    break;
  case Opcode::Fma:
  case Opcode::Mad:
    op.handler = shaped<Fma, SameTernary>(f64, ftz, sat);
    break;
  case Opcode::Div:
    op.mode = ftz;
    op.handler = decoder.options.approximationSeed &&
                         instruction.modifier(ptx::ModifierClass::Precision) !=
                             Modifier::None
                     ? divPerturbed
                     : shaped<Div, SameBinary>(f64, ftz, false);
    break;
  case Opcode::Min:
  case Opcode::Max:
    if (operands.size() != 3)
      return;
    op.handler = instruction.opcode == Opcode::Max
                     ? extreme<true>(f64, ftz, nan, sign)
                     : extreme<false>(f64, ftz, nan, sign);
    break;
  case Opcode::Neg:
    op.handler = f64   ? Unary<double, double, Neg<false>>::run
                 : ftz ? Unary<float, float, Neg<true>>::run
                       : Unary<float, float, Neg<false>>::run;
    break;
  case Opcode::Abs:
    op.handler = f64   ? Unary<double, double, Abs<false>>::run
                 : ftz ? Unary<float, float, Abs<true>>::run
                       : Unary<float, float, Abs<false>>::run;
    break;
  case Opcode::Copysign:
    op.handler = f64 ? Binary<double, double, Copysign>::run
                     : Binary<float, float, Copysign>::run;
    break;
  default:
    break;
  }
  setRounding(instruction, op);
}

} // namespace moe::ptxsim
