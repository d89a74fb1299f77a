// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ldmatrix, stmatrix, movmatrix: 8 x 8 matrices of 16-bit elements. Lane
// 8 q + r has the address of row r of matrix q; lane 4 r + c holds elements
// 2 c and 2 c + 1 of row r.
#include "Access.h"
#include "Lanes.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

using Matrix = uint16_t[8][8];

/// Pointers to the rows of all matrices.
void rows(const Op &op, Warp &warp, uint64_t *row) {
  addresses(op, warp, row);
  unsigned used = 8u * op.count;
  for (unsigned i = used; i < lanes; ++i)
    row[i] = row[i % used];
  resolveAddresses(op, warp, window(op), allLanes, 16, row);
}

uint32_t element(const Matrix &m, unsigned lane, bool transposed) {
  unsigned r = lane / 4, c = lane % 4 * 2;
  return transposed ? m[c][r] | uint32_t(m[c + 1][r]) << 16
                    : m[r][c] | uint32_t(m[r][c + 1]) << 16;
}

void setElement(Matrix &m, unsigned lane, bool transposed, uint32_t bits) {
  unsigned r = lane / 4, c = lane % 4 * 2;
  (transposed ? m[c][r] : m[r][c]) = uint16_t(bits);
  (transposed ? m[c + 1][r] : m[r][c + 1]) = uint16_t(bits >> 16);
}

void loadMatrix(const Op &op, Warp &warp, uint32_t mask) {
  uint64_t row[lanes];
  rows(op, warp, row);
  const uint32_t *to = warp.extras(op);
  for (unsigned q = 0; q < op.count; ++q) {
    Matrix m;
    for (unsigned r = 0; r < 8; ++r)
      std::memcpy(m[r], reinterpret_cast<const void *>(row[8 * q + r]), 16);
    uint32_t values[lanes];
    if (op.width)
      for (unsigned i = 0; i < lanes; ++i)
        values[i] = element(m, i, true);
    else // rows are in the order of lanes
      std::memcpy(values, m, sizeof values);
    put(warp.row<uint32_t>(to[q]), mask, [&](unsigned i) { return values[i]; });
  }
}

void storeMatrix(const Op &op, Warp &warp, uint32_t) {
  uint64_t row[lanes];
  rows(op, warp, row);
  const uint32_t *from = warp.extras(op);
  for (unsigned q = 0; q < op.count; ++q) {
    Matrix m;
    for (unsigned i = 0; i < lanes; ++i)
      setElement(m, i, op.width, warp.row<uint32_t>(from[q])[i]);
    for (unsigned r = 0; r < 8; ++r)
      std::memcpy(reinterpret_cast<void *>(row[8 * q + r]), m[r], 16);
  }
}

void transpose(const Op &op, Warp &warp, uint32_t mask) {
  Matrix m;
  for (unsigned i = 0; i < lanes; ++i)
    setElement(m, i, false, warp.row<uint32_t>(op.o[1])[i]);
  put(warp.row<uint32_t>(op.o[0]), mask,
      [&](unsigned i) { return element(m, i, true); });
}

} // namespace

void decodeMatrix(Decoder &decoder, const ptx::Instruction &instruction,
                  Op &op) {
  const auto &operands = instruction.operands;
  bool store = instruction.opcode == Opcode::Stmatrix;
  if (instruction.shape.m != 8 || instruction.shape.n != 8)
    return;
  op.flow = Flow::Sync;
  if (instruction.opcode == Opcode::Movmatrix) {
    op.o[0] = decoder.row(operands[0], Type::B32);
    op.o[1] = decoder.row(operands[1], Type::B32);
    op.handler = transpose;
    return;
  }
  if (!store && instruction.opcode != Opcode::Ldmatrix)
    return;
  const ptx::Operand &where = operands[store ? 0 : 1];
  const ptx::Operand &values = operands[store ? 1 : 0];
  if (!decodeAddress(decoder, where, instruction.space(), op))
    return;
  if (values.is(ptx::Operand::Kind::Vector))
    for (const ptx::Operand &value : values.elements)
      decoder.extra(op, decoder.row(value, Type::B32));
  else
    decoder.extra(op, decoder.row(values, Type::B32));
  op.width = instruction.has(Modifier::Trans);
  op.flags |= store ? writes : 0;
  op.handler = store ? storeMatrix : loadMatrix;
}

} // namespace moe::ptxsim
