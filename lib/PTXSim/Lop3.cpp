// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lop3: any function of three bits, by its table.
#include "Decoder.h"
#include "Lanes.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Type;

namespace {

struct Lop3 {
  static uint32_t call(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t result = 0;
    for (unsigned k = 0; k < 8; ++k)
      if (table >> k & 1)
        result |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
    return result;
  }
};

void lop3(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]),
                 *c = warp.row<uint32_t>(op.o[3]);
  uint32_t table = uint32_t(op.imm);
  uint32_t *d = warp.row<uint32_t>(op.o[0]);
  // a ^ b ^ c, which compilers write most, needs no table.
  if (table == 0x96)
    return put(d, mask, [&](unsigned i) { return a[i] ^ b[i] ^ c[i]; });
  put(d, mask, [&](unsigned i) { return Lop3::call(a[i], b[i], c[i], table); });
}

/// lop3.and, lop3.or: o[5] becomes (result != 0) and / or the predicate o[4].
void lop3AndCompare(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t nonzero = ballot([&](unsigned i) {
    return Lop3::call(warp.row<uint32_t>(op.o[1])[i],
                      warp.row<uint32_t>(op.o[2])[i],
                      warp.row<uint32_t>(op.o[3])[i], uint32_t(op.imm));
  });
  uint32_t other = warp.predicate(op.o[4]) ^ (op.flags & 1 ? ~0u : 0);
  lop3(op, warp, mask);
  warp.setPredicate(op.o[5], op.mode ? nonzero & other : nonzero | other, mask);
}

} // namespace

void decodeLop3(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  bool compares = operands[0].is(ptx::Operand::Kind::Pair);
  op.o[0] =
      decoder.row(compares ? operands[0].elements[0] : operands[0], Type::B32);
  for (unsigned i = 1; i < 4; ++i)
    op.o[i] = decoder.row(operands[i], Type::B32);
  op.imm = operands[4].integer;
  op.handler = lop3;
  if (!compares)
    return;
  bool negated = false;
  op.o[4] = decoder.predicate(operands[5], negated);
  op.o[5] = decoder.row(operands[0].elements[1], Type::Pred);
  op.flags |= negated;
  op.mode = instruction.has(Modifier::And);
  op.handler = lop3AndCompare;
}

} // namespace moe::ptxsim
