// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync. All shapes share one layout: with lane 4 g + t and e elements a
// register, register r of A has row g + 8 (r mod rows / 8) and the columns
// t e … of the chunk of 4 e columns r / (rows / 8); of B the rows t e … of the
// chunk r and the column g. C has row g + 8 (r / 2), column 2 t + r mod 2.
#include "Decoder.h"
#include "Lanes.h"
#include "moe/PTXSim/Numerics/TensorCore.h"

#include <type_traits>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Type;

namespace {

struct Shape {
  unsigned rows, depth, countD, countA, countB, countC;
  Type a, b;
  bool saturates, xors;
};

Shape shapeOf(const Op &op) {
  const ptx::Instruction &mma = *op.source;
  auto count = [](const ptx::Operand &operand) {
    return operand.is(ptx::Operand::Kind::Vector)
               ? unsigned(operand.elements.size())
               : 1u;
  };
  return {mma.shape.m,
          mma.shape.k,
          count(mma.operands[0]),
          count(mma.operands[1]),
          count(mma.operands[2]),
          count(mma.operands[3]),
          mma.type(1),
          mma.type(2),
          mma.has(Modifier::Satfinite),
          mma.has(Modifier::Xor)};
}

/// Calls set(row, column, bits) for each element of A, `width` bits wide.
template <class F>
void eachOfA(const Warp &warp, const uint32_t *rows, unsigned registers,
             unsigned height, unsigned width, F set) {
  unsigned each = 32 / width, tall = height / 8;
  uint32_t part = width == 32 ? ~0u : (1u << width) - 1;
  for (unsigned r = 0; r < registers; ++r) {
    auto *value = reinterpret_cast<const uint32_t *>(warp.r + rows[r]);
    for (unsigned i = 0; i < lanes; ++i)
      for (unsigned j = 0; j < each; ++j)
        set(i / 4 + 8 * (r % tall), i % 4 * each + r / tall * 4 * each + j,
            value[i] >> (j * width % 32) & part);
  }
}

/// Calls set(k, column, bits) for each element of B.
template <class F>
void eachOfB(const Warp &warp, const uint32_t *rows, unsigned registers,
             unsigned width, F set) {
  eachOfA(warp, rows, registers, 8, width,
          [&](unsigned column, unsigned k, uint32_t bits) {
            set(k, column, bits);
          });
}

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

/// s8, u8, s4, u4 and, with .and.popc or .xor.popc, b1.
void integerMma(const Op &op, Warp &warp, uint32_t mask) {
  Shape s = shapeOf(op);
  const uint32_t *rowsD = warp.extras(op), *rowsA = rowsD + s.countD;
  const uint32_t *rowsB = rowsA + s.countA, *rowsC = rowsB + s.countB;
  unsigned width = ptx::bitWidth(s.a);
  auto extend = [&](uint32_t bits, Type type) {
    unsigned shift = 32 - width;
    return ptx::isSigned(type) ? int32_t(bits << shift) >> shift
                               : int32_t(bits);
  };
  static thread_local std::vector<int32_t> a, b;
  a.resize(size_t(s.rows) * s.depth);
  b.resize(size_t(s.depth) * 8);
  eachOfA(warp, rowsA, s.countA, s.rows, width,
          [&](unsigned row, unsigned k, uint32_t bits) {
            a[size_t(row) * s.depth + k] = extend(bits, s.a);
          });
  eachOfB(warp, rowsB, s.countB, width,
          [&](unsigned k, unsigned column, uint32_t bits) {
            b[size_t(k) * 8 + column] = extend(bits, s.b);
          });
  int32_t c[16][8];
  for (unsigned r = 0; r < s.countC; ++r)
    for (unsigned i = 0; i < lanes; ++i)
      c[i / 4 + 8 * (r / 2)][i % 4 * 2 + r % 2] =
          warp.row<int32_t>(rowsC[r])[i];
  for (unsigned row = 0; row < s.rows; ++row) {
    int64_t sum[8] = {};
    for (unsigned k = 0; k < s.depth; ++k)
      for (unsigned n = 0; n < 8; ++n) {
        int32_t x = a[size_t(row) * s.depth + k], y = b[size_t(k) * 8 + n];
        sum[n] += s.xors ? x ^ y : x * y;
      }
    for (unsigned n = 0; n < 8; ++n) {
      int64_t total = sum[n] + c[row][n];
      if (s.saturates)
        total = total > INT32_MAX   ? INT32_MAX
                : total < INT32_MIN ? INT32_MIN
                                    : total;
      c[row][n] = int32_t(total);
    }
  }
  for (unsigned r = 0; r < s.countD; ++r)
    put(warp.row<int32_t>(rowsD[r]), mask,
        [&](unsigned i) { return c[i / 4 + 8 * (r / 2)][i % 4 * 2 + r % 2]; });
}

void doubleMma(const Op &op, Warp &warp, uint32_t mask) {
  Shape s = shapeOf(op);
  const uint32_t *rowsD = warp.extras(op), *rowsA = rowsD + s.countD;
  const uint32_t *rowsB = rowsA + s.countA, *rowsC = rowsB + s.countB;
  double a[16][16], b[16][8], c[16][8];
  unsigned tall = s.rows / 8;
  for (unsigned i = 0; i < lanes; ++i) {
    for (unsigned r = 0; r < s.countA; ++r)
      a[i / 4 + 8 * (r % tall)][i % 4 + r / tall * 4] =
          warp.row<double>(rowsA[r])[i];
    for (unsigned r = 0; r < s.countB; ++r)
      b[i % 4 + 4 * r][i / 4] = warp.row<double>(rowsB[r])[i];
    for (unsigned r = 0; r < s.countC; ++r)
      c[i / 4 + 8 * (r / 2)][i % 4 * 2 + r % 2] = warp.row<double>(rowsC[r])[i];
  }
  for (unsigned row = 0; row < s.rows; ++row)
    for (unsigned n = 0; n < 8; ++n)
      for (unsigned k = 0; k < s.depth; ++k)
        c[row][n] = __builtin_fma(a[row][k], b[k][n], c[row][n]);
  for (unsigned r = 0; r < s.countD; ++r)
    put(warp.row<double>(rowsD[r]), mask,
        [&](unsigned i) { return c[i / 4 + 8 * (r / 2)][i % 4 * 2 + r % 2]; });
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
    return doubleMma;
  case Type::S8:
  case Type::U8:
  case Type::S4:
  case Type::U4:
  case Type::B1:
    return integerMma;
  default:
    return nullptr;
  }
}

} // namespace

void decodeMma(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  const ptx::Shape &shape = instruction.shape;
  // m8n8k4 of f16 has a layout of its own, of sm_70.
  if (operands.size() != 4 || shape.n != 8 ||
      (shape.m == 8 && instruction.type(1) == Type::F16) ||
      instruction.modifier(ptx::ModifierClass::BlockScale) != Modifier::None)
    return;
  Type types[] = {instruction.type(0), instruction.type(1), instruction.type(2),
                  instruction.type(3)};
  for (unsigned i = 0; i < 4; ++i) {
    Type type = types[i] == Type::F64 ? Type::F64 : Type::B32;
    if (operands[i].is(ptx::Operand::Kind::Vector))
      for (const ptx::Operand &element : operands[i].elements)
        decoder.extra(op, decoder.row(element, type));
    else
      decoder.extra(op, decoder.row(operands[i], type));
  }
  op.width = uint8_t(shape.k); // of float shapes no more than 32
  op.flow = Flow::Sync;
  op.handler = mmaHandler(types[1], types[2], types[3], types[0]);
}

} // namespace moe::ptxsim
