// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ex2, lg2, rcp, rsqrt, sqrt, sin, cos, tanh.
#include "Decoder.h"
#include "Lanes.h"
#include "moe/PTXSim/Numerics/Approximations.h"

#include <cmath>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// As exactValue(), in a form that becomes vector code where it matters.
template <Approximation F>
double valueOf(double x) {
  switch (F) {
  case Approximation::Ex2:
    return exp2InDouble(x);
  case Approximation::Lg2: {
    double positive = x > 0 && x < HUGE_VAL ? x : 1;
    double result = log2InDouble(positive);
    return x > 0    ? (x < HUGE_VAL ? result : x)
           : x == 0 ? -HUGE_VAL
                    : double(NAN);
  }
  case Approximation::Rcp:
    return 1 / x;
  case Approximation::Sqrt:
    return std::sqrt(x);
  case Approximation::Rsqrt:
    return 1 / std::sqrt(x);
  default:
    return exactValue(F, x);
  }
}

template <Approximation F, bool Ftz>
void single(const Op &op, Warp &warp, uint32_t mask) {
  const float *a = warp.row<float>(op.o[1]);
  put(warp.row<float>(op.o[0]), mask, [&](unsigned i) {
    float x = Ftz ? flushSubnormal(a[i]) : a[i];
    float y = canonicalNaN(float(valueOf<F>(double(x))));
    return Ftz ? flushSubnormal(y) : y;
  });
}

/// With MOE_SIM_APPROX; mode: ftz.
template <Approximation F>
void perturbed(const Op &op, Warp &warp, uint32_t mask) {
  const float *a = warp.row<float>(op.o[1]);
  uint64_t seed = warp.block->grid->device->options.approximationSeed;
  put(warp.row<float>(op.o[0]), mask, [&](unsigned i) {
    float x = op.mode ? flushSubnormal(a[i]) : a[i];
    float y = canonicalNaN(
        float(perturb(valueOf<F>(double(x)), errorBound(F, 23, double(x)), 23,
                      bitCast<uint32_t>(x), seed)));
    return op.mode ? flushSubnormal(y) : y;
  });
}

struct RcpF64 {
  static double call(double a) { return 1 / a; }
};
struct RsqrtF64 {
  static double call(double a) { return 1 / std::sqrt(a); }
};
struct SqrtF64 {
  static double call(double a) { return std::sqrt(a); }
};
struct RcpF32 {
  static float call(float a) { return canonicalNaN(1 / a); }
};
struct SqrtF32 {
  static float call(float a) { return canonicalNaN(std::sqrt(a)); }
};
/// rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64 look at the top 32 bits only.
template <Approximation F>
struct TopWord {
  static double call(double a) {
    double top = bitCast<double>(bitCast<uint64_t>(a) & 0xffffffff00000000);
    if (std::fabs(top) < 0x1p-1022)
      top = std::copysign(0.0, top);
    double y = valueOf<F>(top);
    return bitCast<double>(bitCast<uint64_t>(y) & 0xffffffff00000000);
  }
};

/// Halves: o as for f32; width 1 or 2 of them, mode 1: bf16, 2: ftz.
template <Approximation F>
void half(const Op &op, Warp &warp, uint32_t mask) {
  const uint16_t *a = warp.row<uint16_t>(op.o[1]);
  uint16_t *d = warp.row<uint16_t>(op.o[0]);
  const Format &format = op.mode & 1 ? bf16Format : f16Format;
  uint64_t seed = warp.block->grid->device->options.approximationSeed;
  for (unsigned i = 0; i < lanes * op.width; ++i) {
    if (!(mask >> i / op.width & 1))
      continue;
    double x = decode(format, a[i]);
    if (op.mode & 2 && !(a[i] & format.infinity()))
      x = std::copysign(0.0, x);
    double y = perturb(valueOf<F>(x), errorBound(F, format.mantissaBits, x),
                       format.mantissaBits, a[i], seed);
    uint16_t bits = uint16_t(encode(format, y));
    if (op.mode & 2 && !(bits & format.infinity()))
      bits &= 0x8000;
    d[i] = bits;
  }
}

template <Approximation F>
Handler approximate(Type type, bool ftz, bool moved, Op &op) {
  switch (type) {
  case Type::F32:
    op.mode = ftz;
    return moved ? perturbed<F> : ftz ? single<F, true> : single<F, false>;
  case Type::F16:
  case Type::F16x2:
  case Type::BF16:
  case Type::BF16x2:
    op.width = type == Type::F16x2 || type == Type::BF16x2 ? 2 : 1;
    op.mode = uint8_t((type == Type::BF16 || type == Type::BF16x2 ? 1 : 0) |
                      (ftz ? 2 : 0));
    return half<F>;
  default:
    return nullptr;
  }
}

} // namespace

void decodeApproximation(Decoder &decoder, const ptx::Instruction &instruction,
                         Op &op) {
  Type type = instruction.type();
  op.o[0] = decoder.row(instruction.operands[0], type);
  op.o[1] = decoder.row(instruction.operands[1], type);
  bool ftz = instruction.has(Modifier::Ftz);
  bool approx = instruction.has(Modifier::Approx);
  bool moved = decoder.options.approximationSeed != 0;
  bool f64 = type == Type::F64;
  switch (instruction.opcode) {
  case Opcode::Ex2:
    op.handler = approximate<Approximation::Ex2>(type, ftz, moved, op);
    break;
  case Opcode::Lg2:
    op.handler = approximate<Approximation::Lg2>(type, ftz, moved, op);
    break;
  case Opcode::Sin:
    op.handler = approximate<Approximation::Sin>(type, ftz, moved, op);
    break;
  case Opcode::Cos:
    op.handler = approximate<Approximation::Cos>(type, ftz, moved, op);
    break;
  case Opcode::Tanh:
    op.handler = approximate<Approximation::Tanh>(type, ftz, moved, op);
    break;
  case Opcode::Rsqrt:
    op.handler =
        f64 ? ftz ? Unary<double, double, TopWord<Approximation::Rsqrt>>::run
                  : Unary<double, double, RsqrtF64>::run
            : approximate<Approximation::Rsqrt>(type, ftz, moved, op);
    break;
  case Opcode::Rcp:
    if (f64)
      op.handler = approx
                       ? Unary<double, double, TopWord<Approximation::Rcp>>::run
                       : Unary<double, double, RcpF64>::run;
    else if (approx || ftz)
      op.handler =
          approximate<Approximation::Rcp>(type, ftz, moved && approx, op);
    else
      op.handler = Unary<float, float, RcpF32>::run;
    break;
  case Opcode::Sqrt:
    if (f64)
      op.handler = Unary<double, double, SqrtF64>::run;
    else if (approx || ftz)
      op.handler =
          approximate<Approximation::Sqrt>(type, ftz, moved && approx, op);
    else
      op.handler = Unary<float, float, SqrtF32>::run;
    break;
  default:
    break;
  }
  if (!approx)
    setRounding(instruction, op);
}

} // namespace moe::ptxsim
