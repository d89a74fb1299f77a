// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync of 16 x 8 floats, which must be quick. MatrixProduct.h tells the
// layout of fragments.
#include "Decoder.h"
#include "Lanes.h"
#include "MatrixProduct.h"
#include "moe/PTXSim/Numerics/TensorCore.h"

#include <type_traits>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Type;

namespace {

/// Format as a parameter, so that unpacking has no branch inside.
template <TensorFormat F>
float operand(uint32_t bits) {
  return tensorOperand(F, bits);
}
template <>
float operand<TensorFormat::F16>(uint32_t bits) {
  return float(bitCast<_Float16>(uint16_t(bits)));
}
template <>
float operand<TensorFormat::BF16>(uint32_t bits) {
  return bf16ToFloat(uint16_t(bits));
}
template <>
float operand<TensorFormat::TF32>(uint32_t bits) {
  return bitCast<float>(bits & 0xffffe000);
}

constexpr unsigned widthOf(TensorFormat f) {
  return f == TensorFormat::TF32                             ? 32
         : f == TensorFormat::F16 || f == TensorFormat::BF16 ? 16
                                                             : 8;
}

/// Converts `count` elements that lie side by side.
template <TensorFormat F, unsigned count>
void unpack(const std::byte *from, float *to) {
  using Bits = std::conditional_t<
      widthOf(F) == 32, uint32_t,
      std::conditional_t<widthOf(F) == 16, uint16_t, uint8_t>>;
  for (unsigned i = 0; i < count; ++i)
    to[i] = operand<F>(reinterpret_cast<const Bits *>(from)[i]);
}

/// `depth` columns of eight numbers each become rows of eight.
template <unsigned depth>
void transpose(const float *from, float *to) {
  typedef float Four __attribute__((vector_size(16)));
  auto at = [&](unsigned column, unsigned k) {
    Four v;
    std::memcpy(&v, from + column * depth + k, sizeof v);
    return v;
  };
  for (unsigned k = 0; k < depth; k += 4)
    for (unsigned c = 0; c < 8; c += 4) {
      Four v[4] = {at(c, k), at(c + 1, k), at(c + 2, k), at(c + 3, k)};
      Four low = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
      Four high = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
      Four low2 = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
      Four high2 = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
      v[0] = __builtin_shufflevector(low, low2, 0, 1, 4, 5);
      v[1] = __builtin_shufflevector(low, low2, 2, 3, 6, 7);
      v[2] = __builtin_shufflevector(high, high2, 0, 1, 4, 5);
      v[3] = __builtin_shufflevector(high, high2, 2, 3, 6, 7);
      for (unsigned i = 0; i < 4; ++i)
        std::memcpy(to + (k + i) * 8 + c, &v[i], sizeof v[i]);
    }
}

/// Shapes of 16 x 8 results. The elements of a register in the order of lanes
/// are eight rows of A (columns of B), each of a chunk.
template <TensorFormat A, TensorFormat B, bool HalfC, bool HalfD>
void floatMma(const Op &op, Warp &warp, uint32_t mask) {
  constexpr unsigned chunkA = 4 * 32 / widthOf(A), chunkB = 4 * 32 / widthOf(B);
  const unsigned depth = op.width;
  const unsigned countA = 2 * depth / chunkA, countB = depth / chunkB;
  const Device &device = *warp.block->grid->device;
  const Properties &p = device.properties();
  TensorTile tile(tensorModel(tensorArch(p.major, p.minor), A), A, B,
                  HalfD ? Accumulator::F16 : Accumulator::F32,
                  device.options.exactTensorCores);
  tile.resize(16, depth);
  const uint32_t *rowsD = warp.extras(op), *rowsA = rowsD + (HalfD ? 2 : 4);
  const uint32_t *rowsB = rowsA + countA, *rowsC = rowsB + countB;
  for (unsigned r = 0; r < countA; ++r)
    for (unsigned g = 0; g < 8; ++g)
      unpack<A, chunkA>(warp.r + rowsA[r] + g * 16,
                        tile.rowA(g + 8 * (r % 2)) + r / 2 * chunkA);
  for (unsigned r = 0; r < countB; ++r) {
    alignas(32) float part[8 * chunkB];
    unpack<B, 8 * chunkB>(warp.r + rowsB[r], part);
    transpose<chunkB>(part, tile.rowB(r * chunkB));
  }
  alignas(32) float c[16 * 8];
  if (HalfC)
    for (unsigned r = 0; r < 2; ++r)
      unpack<TensorFormat::F16, 64>(warp.r + rowsC[r], c + 64 * r);
  else
    for (unsigned r = 0; r < 4; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        c[r / 2 * 64 + 2 * i + r % 2] = warp.row<float>(rowsC[r])[i];
  tile.multiply(c);
  for (unsigned r = 0; r < (HalfD ? 2 : 4); ++r)
    if (HalfD)
      put(warp.row<uint32_t>(rowsD[r]), mask, [&](unsigned i) {
        const float *pair = c + 64 * r + 2 * i;
        return floatToF16(pair[0]) | uint32_t(floatToF16(pair[1])) << 16;
      });
    else
      put(warp.row<float>(rowsD[r]), mask,
          [&](unsigned i) { return c[r / 2 * 64 + 2 * i + r % 2]; });
}

template <TensorFormat A, TensorFormat B>
Handler floats(Type c, Type d) {
  if (d == Type::F16)
    return c == Type::F16 ? floatMma<A, B, true, true> : nullptr;
  return c == Type::F32 ? floatMma<A, B, false, false> : nullptr;
}

Handler mmaHandler(Type a, Type b, Type c, Type d) {
  using T = TensorFormat;
  switch (a) {
  case Type::F16:
    return b == a ? floats<T::F16, T::F16>(c, d) : nullptr;
  case Type::BF16:
    return b == a ? floats<T::BF16, T::BF16>(c, d) : nullptr;
  case Type::TF32:
    return b == a ? floats<T::TF32, T::TF32>(c, d) : nullptr;
  case Type::E4M3:
    return b == Type::E4M3   ? floats<T::E4M3, T::E4M3>(c, d)
           : b == Type::E5M2 ? floats<T::E4M3, T::E5M2>(c, d)
                             : nullptr;
  case Type::E5M2:
    return b == Type::E4M3   ? floats<T::E5M2, T::E4M3>(c, d)
           : b == Type::E5M2 ? floats<T::E5M2, T::E5M2>(c, d)
                             : nullptr;
  case Type::F64:
  case Type::S8:
  case Type::U8:
  case Type::S4:
  case Type::U4:
  case Type::B1:
    return anyMma;
  default:
    return nullptr;
  }
}

} // namespace

void decodeMma(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  const ptx::Shape &shape = instruction.shape;
  bool sparse = instruction.opcode == ptx::Opcode::MmaSp;
  if (operands.size() != (sparse ? 6 : 4) || shape.n != 8 ||
      instruction.modifier(ptx::ModifierClass::BlockScale) != Modifier::None)
    return;
  Type types[] = {instruction.type(0), instruction.type(1), instruction.type(2),
                  instruction.type(3)};
  for (unsigned i = 0; i < operands.size() && i < 5; ++i) {
    Type type = i < 4 && types[i] == Type::F64 ? Type::F64 : Type::B32;
    if (operands[i].is(ptx::Operand::Kind::Vector))
      for (const ptx::Operand &element : operands[i].elements)
        decoder.extra(op, decoder.row(element, type));
    else
      decoder.extra(op, decoder.row(operands[i], type));
  }
  op.width = uint8_t(shape.k); // of float shapes no more than 32
  op.flow = Flow::Sync;
  op.handler = mmaHandler(types[1], types[2], types[3], types[0]);
  if (sparse) {
    op.imm = operands[5].integer;
    op.handler = op.handler ? anyMma : nullptr;
  } else if (shape.m == 8 && types[1] == Type::F16) {
    op.handler = quadMma;
  } else if (types[1] == Type::F64) {
    setRounding(instruction, op);
  }
}

} // namespace moe::ptxsim
