// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic of f16, bf16 and their pairs. A sum, difference or product of two
// halves is formed in a wider type and rounded once; an FMA rounds to odd
// first.
#include "Decoder.h"
#include "Lanes.h"

#include <cmath>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// Of Op::mode.
enum : uint8_t {
  ftzBit = 1,
  satBit = 2,
  reluBit = 4,
  nanBit = 8,
  signBit = 16
};

struct F16 {
  static double wide(uint16_t bits) { return f16ToFloat(bits); }
  /// Rounds once: the float is exact or, for sums, wide enough.
  static uint16_t narrow(double value) { return floatToF16(float(value)); }
  static uint16_t narrowOdd(double value) {
    return uint16_t(encode(f16Format, value));
  }
  static constexpr uint16_t one = 0x3c00, exponent = 0x7c00;
};
struct BF16 {
  static double wide(uint16_t bits) { return bf16ToFloat(bits); }
  static uint16_t narrow(double value) {
    return uint16_t(encode(bf16Format, value));
  }
  static uint16_t narrowOdd(double value) { return narrow(value); }
  static constexpr uint16_t one = 0x3f80, exponent = 0x7f80;
};

template <class H>
bool isNaN(uint16_t bits) {
  return (bits & 0x7fff) > H::exponent;
}
template <class H>
uint16_t flush(uint16_t bits) {
  return bits & H::exponent ? bits : bits & 0x8000;
}

template <class H>
uint16_t extreme(uint16_t a, uint16_t b, bool max, unsigned mode) {
  uint16_t signs = (a ^ b) & 0x8000;
  if (mode & signBit) {
    a &= 0x7fff;
    b &= 0x7fff;
  }
  bool nanA = isNaN<H>(a), nanB = isNaN<H>(b);
  if ((nanA && nanB) || ((nanA || nanB) && mode & nanBit))
    return 0x7fff;
  // The order of sign and magnitude; -0 is less than +0.
  auto key = [](uint16_t bits) {
    return bits & 0x8000 ? -1 - int(bits & 0x7fff) : int(bits);
  };
  uint16_t result = nanA ? b : nanB ? a : (key(a) > key(b)) == max ? a : b;
  return mode & signBit ? uint16_t(result | signs) : result;
}

template <class H, Opcode Operation>
uint16_t compute(uint16_t a, uint16_t b, uint16_t c, unsigned mode) {
  if (mode & ftzBit) {
    a = flush<H>(a);
    b = flush<H>(b);
    c = flush<H>(c);
  }
  uint16_t result = 0;
  switch (Operation) {
  case Opcode::Add:
    result = H::narrow(H::wide(a) + H::wide(b));
    break;
  case Opcode::Sub:
    result = H::narrow(H::wide(a) - H::wide(b));
    break;
  case Opcode::Mul:
    result = H::narrow(H::wide(a) * H::wide(b));
    break;
  case Opcode::Fma:
    result = H::narrowOdd(fmaToOdd(H::wide(a), H::wide(b), H::wide(c)));
    break;
  case Opcode::Min:
    result = extreme<H>(a, b, false, mode);
    break;
  case Opcode::Max:
    result = extreme<H>(a, b, true, mode);
    break;
  case Opcode::Neg:
    result = a ^ 0x8000;
    break;
  case Opcode::Abs:
    result = a & 0x7fff;
    break;
  default:
    break;
  }
  if (mode & ftzBit)
    result = flush<H>(result);
  if (mode & satBit)
    result = isNaN<H>(result) || result & 0x8000 ? 0
             : result > H::one                   ? H::one
                                                 : result;
  if (mode & reluBit)
    result = isNaN<H>(result) ? 0x7fff : result & 0x8000 ? 0 : result;
  return result;
}

/// width: halves of a lane, 1 or 2.
template <class H, Opcode Operation>
void half(const Op &op, Warp &warp, uint32_t mask) {
  const uint16_t *a = warp.row<uint16_t>(op.o[1]);
  const uint16_t *b = op.o[2] == noRow ? a : warp.row<uint16_t>(op.o[2]);
  const uint16_t *c = op.o[3] == noRow ? a : warp.row<uint16_t>(op.o[3]);
  uint16_t *d = warp.row<uint16_t>(op.o[0]);
  unsigned each = op.width, mode = op.mode;
  for (unsigned i = 0; i < lanes * each; ++i)
    if (mask >> (each == 2 ? i / 2 : i) & 1)
      d[i] = compute<H, Operation>(a[i], b[i], c[i], mode);
}

template <class H>
Handler handlerOf(Opcode opcode) {
  switch (opcode) {
  case Opcode::Add:
    return half<H, Opcode::Add>;
  case Opcode::Sub:
    return half<H, Opcode::Sub>;
  case Opcode::Mul:
    return half<H, Opcode::Mul>;
  case Opcode::Fma:
    return half<H, Opcode::Fma>;
  case Opcode::Min:
    return half<H, Opcode::Min>;
  case Opcode::Max:
    return half<H, Opcode::Max>;
  case Opcode::Neg:
    return half<H, Opcode::Neg>;
  case Opcode::Abs:
    return half<H, Opcode::Abs>;
  default:
    return nullptr;
  }
}

} // namespace

void decodeHalf(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  Type type = instruction.type();
  if (instruction.types.size() > 1)
    return;
  const auto &operands = instruction.operands;
  for (size_t i = 0; i < operands.size() && i < 4; ++i)
    op.o[i] = decoder.row(operands[i], type);
  auto bit = [&](Modifier m, unsigned b) { return instruction.has(m) ? b : 0; };
  op.mode = uint8_t(bit(Modifier::Ftz, ftzBit) | bit(Modifier::Sat, satBit) |
                    bit(Modifier::Relu, reluBit) | bit(Modifier::NaN, nanBit) |
                    bit(Modifier::Xorsign, signBit));
  bool pair = type == Type::F16x2 || type == Type::BF16x2;
  op.width = pair ? 2 : 1;
  op.handler = type == Type::F16 || type == Type::F16x2
                   ? handlerOf<F16>(instruction.opcode)
                   : handlerOf<BF16>(instruction.opcode);
  if (instruction.modifier(ptx::ModifierClass::Rounding) != Modifier::None &&
      !instruction.has(Modifier::Rn))
    op.handler = nullptr;
}

} // namespace moe::ptxsim
