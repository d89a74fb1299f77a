// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync of integers and doubles, mma.sp, and m8n8k4 of f16.
#include "Lanes.h"
#include "MatrixProduct.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Type;

namespace {

unsigned countOf(const ptx::Operand &operand) {
  return operand.is(ptx::Operand::Kind::Vector)
             ? unsigned(operand.elements.size())
             : 1u;
}

/// The layouts of A and B: whether they are columns first.
void layouts(const ptx::Instruction &mma, bool (&columnsFirst)[2]) {
  unsigned i = 0;
  for (Modifier m : mma.modifiers)
    if ((m == Modifier::Row || m == Modifier::Col) && i < 2)
      columnsFirst[i++] = m == Modifier::Col;
}

} // namespace

void findPlaces(MatrixProduct &product, const uint32_t *metadata, Type type,
                unsigned kept, unsigned selector) {
  const unsigned width = ptx::bitWidth(type);
  const bool wholeWords = width <= 8;
  const unsigned bitsOfRow = width == 4   ? kept
                             : width < 32 ? kept * 2
                                          : kept * 4;
  const unsigned lanesOfGroup =
      wholeWords ? bitsOfRow / 32 * 2 : bitsOfRow / 16;
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned i = 0; i < kept; ++i) {
      unsigned bit = i * bitsOfRow / kept / 2 * 2;
      unsigned lane = row % 8 * 4 + selector * lanesOfGroup;
      unsigned shift;
      if (wholeWords) {
        lane += bit / 32 * 2 + row / 8;
        shift = bit % 32;
      } else {
        lane += bit / 16;
        shift = row / 8 * 16 + bit % 16;
      }
      unsigned code = metadata[lane] >> shift & 3;
      product.place(row, i) = uint16_t(width == 4 ? i / 4 * 8 + code * 2 + i % 2
                                       : width == 32 ? i * 2 + code / 2
                                                     : i / 2 * 4 + code);
    }
}

void anyMma(const Op &op, Warp &warp, uint32_t mask) {
  const ptx::Instruction &mma = *op.source;
  bool sparse = mma.opcode == ptx::Opcode::MmaSp;
  unsigned kept = mma.shape.k / (sparse ? 2 : 1), height = mma.shape.m;
  MatrixProduct::Types types{mma.type(0), mma.type(1), mma.type(2),
                             mma.type(3)};
  MatrixProduct product(mma.shape, kept, types);
  product.saturates = mma.has(Modifier::Satfinite);
  product.xors = mma.has(Modifier::Xor);
  unsigned count[4];
  const uint32_t *rows[5] = {warp.extras(op)};
  for (unsigned i = 0; i < 4; ++i) {
    count[i] = countOf(mma.operands[i]);
    rows[i + 1] = rows[i] + count[i];
  }
  eachOfA(warp, rows[1], count[1], height, ptx::bitWidth(types.a),
          [&](unsigned row, unsigned i, uint64_t bits) {
            product.setA(row, i, bits);
          });
  eachOfB(warp, rows[2], count[2], ptx::bitWidth(types.b),
          [&](unsigned k, unsigned column, uint64_t bits) {
            product.setB(k, column, bits);
          });
  if (sparse)
    findPlaces(product, warp.row<uint32_t>(*rows[4]), types.a, kept,
               unsigned(op.imm));
  auto rowOf = [](unsigned r, unsigned i) { return i / 4 + 8 * (r / 2); };
  auto columnOf = [](unsigned r, unsigned i) { return i % 4 * 2 + r % 2; };
  if (types.c == Type::F16)
    eachOfA(warp, rows[3], count[3], height, 16,
            [&](unsigned row, unsigned column, uint64_t bits) {
              product.setC(row, column, bits);
            });
  else
    for (unsigned r = 0; r < count[3]; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        product.setC(rowOf(r, i), columnOf(r, i),
                     types.c == Type::F64 ? warp.row<uint64_t>(rows[3][r])[i]
                                          : warp.row<uint32_t>(rows[3][r])[i]);
  product.multiply(*warp.block->grid->device);
  for (unsigned r = 0; r < count[0]; ++r)
    if (types.d == Type::F16)
      put(warp.row<uint32_t>(rows[0][r]), mask, [&](unsigned i) {
        unsigned row = i / 4 + 8 * r, column = i % 4 * 2;
        return product.d(row, column) | product.d(row, column + 1) << 16;
      });
    else if (types.d == Type::F64)
      put(warp.row<uint64_t>(rows[0][r]), mask,
          [&](unsigned i) { return product.d(rowOf(r, i), columnOf(r, i)); });
    else
      put(warp.row<uint32_t>(rows[0][r]), mask,
          [&](unsigned i) { return product.d(rowOf(r, i), columnOf(r, i)); });
}

void quadMma(const Op &op, Warp &warp, uint32_t mask) {
  const ptx::Instruction &mma = *op.source;
  MatrixProduct::Types types{mma.type(0), mma.type(1), mma.type(2),
                             mma.type(3)};
  bool columnsFirst[2] = {};
  layouts(mma, columnsFirst);
  const unsigned countD = countOf(mma.operands[0]);
  const uint32_t *rowsD = warp.extras(op), *rowsA = rowsD + countD;
  const uint32_t *rowsB = rowsA + 2, *rowsC = rowsB + 2;
  // Lanes 4 q … and 16 + 4 q … have the numbers j from 0 to 7.
  auto laneOf = [](unsigned q, unsigned j) {
    return 4 * q + j % 4 + j / 4 * 16;
  };
  auto half = [&](const uint32_t *rows, unsigned lane, unsigned i) {
    return warp.row<uint16_t>(rows[i / 2])[2 * lane + i % 2];
  };
  // The place of element i of lane j in C and D.
  auto rowOf = [](Type type, unsigned j, unsigned i) {
    return type == Type::F16 ? j : (j & 1) + (i & 2) + (j & 4);
  };
  auto columnOf = [](Type type, unsigned j, unsigned i) {
    return type == Type::F16 ? i : (i & 4) + (j & 2) + (i & 1);
  };
  for (unsigned q = 0; q < 4; ++q) {
    MatrixProduct product({8, 8, 4}, 4, types);
    for (unsigned j = 0; j < 8; ++j) {
      unsigned lane = laneOf(q, j);
      for (unsigned i = 0; i < 4; ++i) {
        uint16_t left = half(rowsA, lane, i), right = half(rowsB, lane, i);
        if (columnsFirst[0])
          product.setA(i + (j & 4), j % 4, left);
        else
          product.setA(j, i, left);
        if (columnsFirst[1])
          product.setB(i, j, right);
        else
          product.setB(j % 4, i + (j & 4), right);
      }
      for (unsigned i = 0; i < 8; ++i)
        product.setC(rowOf(types.c, j, i), columnOf(types.c, j, i),
                     types.c == Type::F16 ? half(rowsC, lane, i)
                                          : warp.row<uint32_t>(rowsC[i])[lane]);
    }
    product.multiply(*warp.block->grid->device);
    for (unsigned j = 0; j < 8; ++j)
      for (unsigned i = 0; i < 8; ++i) {
        unsigned lane = laneOf(q, j);
        uint64_t bits =
            product.d(rowOf(types.d, j, i), columnOf(types.d, j, i));
        if (!(mask >> lane & 1))
          continue;
        if (types.d == Type::F16)
          warp.row<uint16_t>(rowsD[i / 2])[2 * lane + i % 2] = uint16_t(bits);
        else
          warp.row<uint32_t>(rowsD[i])[lane] = uint32_t(bits);
      }
  }
}

} // namespace moe::ptxsim
