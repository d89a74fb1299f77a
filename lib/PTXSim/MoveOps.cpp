// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mov, packing and unpacking, cvta, isspacep.
#include "Access.h"
#include "Lanes.h"

#include <chrono>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

struct Copy {
  template <class T>
  static T call(T a) {
    return a;
  }
};
struct Wide {
  uint64_t low, high;
};

/// o[0] takes `count` parts of `width` bytes from the rows of extras.
void pack(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *rows = warp.extras(op);
  std::byte whole[lanes * 16];
  unsigned part = op.width, total = part * op.count;
  for (unsigned k = 0; k < op.count; ++k)
    for (unsigned i = 0; i < lanes; ++i)
      std::memcpy(whole + i * total + k * part, warp.r + rows[k] + i * part,
                  part);
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      std::memcpy(warp.r + op.o[0] + i * total, whole + i * total, total);
}

void unpack(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *rows = warp.extras(op);
  std::byte whole[lanes * 16];
  unsigned part = op.width, total = part * op.count;
  std::memcpy(whole, warp.r + op.o[1], size_t(lanes) * total);
  for (unsigned k = 0; k < op.count; ++k)
    for (unsigned i = 0; i < lanes; ++i)
      if (mask >> i & 1)
        std::memcpy(warp.r + rows[k] + i * part, whole + i * total + k * part,
                    part);
}

void movePredicate(const Op &op, Warp &warp, uint32_t mask) {
  warp.setPredicate(op.o[0], warp.predicate(op.o[1]), mask);
}

/// %clock and its kin: instructions of the warp stand for cycles.
void readClock(const Op &op, Warp &warp, uint32_t mask) {
  auto special = ptx::SpecialRegister(op.imm);
  uint64_t value = warp.warpInstructions;
  using S = ptx::SpecialRegister;
  if (special == S::Globaltimer || special == S::GlobaltimerLo ||
      special == S::GlobaltimerHi)
    value = uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count());
  if (special == S::ClockHi || special == S::GlobaltimerHi)
    value >>= 32;
  if (op.width == 8)
    put(warp.row<uint64_t>(op.o[0]), mask, [&](unsigned) { return value; });
  else
    put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned) { return value; });
}

/// Adds the base of a window (imm), 0 for spaces whose addresses are generic.
template <class T>
void convertAddress(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  T base = T(op.imm);
  put(warp.row<T>(op.o[0]), mask, [&](unsigned i) { return a[i] + base; });
}

/// The same of parameters, whose base each launch chooses; imm: 1 or -1.
template <class T>
void convertParamAddress(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  T base = T(warp.block->grid->params * uint64_t(op.imm));
  put(warp.row<T>(op.o[0]), mask, [&](unsigned i) { return a[i] + base; });
}

void isSpace(const Op &op, Warp &warp, uint32_t mask) {
  const uint64_t *a = warp.row<uint64_t>(op.o[1]);
  const Block &block = *warp.block;
  const Memory &memory = *block.grid->memory;
  uint32_t value = ballot([&](unsigned i) {
    bool shared = memory.inSharedWindow(a[i]),
         local = memory.inLocalWindow(a[i]);
    switch (ptx::Space(op.imm)) {
    case ptx::Space::Shared:
    case ptx::Space::SharedCta:
      return shared &&
             (a[i] - memory.sharedWindow()) >> Memory::sharedRankShift ==
                 block.rank;
    case ptx::Space::SharedCluster:
      return shared;
    case ptx::Space::Local:
      return local;
    case ptx::Space::Const:
    case ptx::Space::Param:
    case ptx::Space::ParamEntry: {
      const Allocation *allocation = memory.find(a[i]);
      return allocation && allocation->readOnly;
    }
    default:
      return !shared && !local;
    }
  });
  warp.setPredicate(op.o[0], value, mask);
}

bool isClock(ptx::SpecialRegister special) {
  using S = ptx::SpecialRegister;
  return special == S::Clock || special == S::ClockHi ||
         special == S::Clock64 || special == S::Globaltimer ||
         special == S::GlobaltimerLo || special == S::GlobaltimerHi;
}

Type bitsOf(unsigned bytes) {
  return bytes == 1   ? Type::B8
         : bytes == 2 ? Type::B16
         : bytes == 4 ? Type::B32
                      : Type::B64;
}

void decodeMov(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  Type type = instruction.type();
  unsigned bytes = ptx::byteSize(type);
  const ptx::Operand &to = operands[0], &from = operands[1];
  for (unsigned side = 0; side < 2; ++side) {
    const ptx::Operand &vector = operands[side];
    if (!vector.is(ptx::Operand::Kind::Vector))
      continue;
    op.width = uint8_t(bytes / vector.elements.size());
    for (const ptx::Operand &element : vector.elements)
      decoder.extra(op, decoder.row(element, bitsOf(op.width)));
    op.o[1 - side] = decoder.row(operands[1 - side], type);
    op.handler = side ? pack : unpack;
    return;
  }
  op.o[0] = decoder.row(to, type);
  if (from.is(ptx::Operand::Kind::Special) && isClock(from.special)) {
    op.imm = int64_t(from.special);
    op.width = uint8_t(bytes);
    op.handler = readClock;
    return;
  }
  op.o[1] = decoder.row(from, type);
  op.handler = type == Type::Pred ? movePredicate
               : bytes == 2       ? Unary<uint16_t, uint16_t, Copy>::run
               : bytes == 4       ? Unary<uint32_t, uint32_t, Copy>::run
               : bytes == 8       ? Unary<uint64_t, uint64_t, Copy>::run
               : bytes == 16      ? Unary<Wide, Wide, Copy>::run
                                  : Handler(nullptr);
}

} // namespace

void decodeMove(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  switch (instruction.opcode) {
  case Opcode::Mov:
    decodeMov(decoder, instruction, op);
    break;
  case Opcode::Cvta: {
    op.o[0] = decoder.row(operands[0], instruction.type());
    op.o[1] = decoder.row(operands[1], instruction.type());
    ptx::Space space = instruction.space();
    bool shared = space == ptx::Space::Shared ||
                  space == ptx::Space::SharedCta ||
                  space == ptx::Space::SharedCluster;
    uint64_t base = shared                       ? decoder.memory.sharedWindow()
                    : space == ptx::Space::Local ? decoder.memory.localWindow()
                                                 : 0;
    // Of 32 bits: their low half, which serves to go there and back.
    bool narrow = instruction.type() == Type::U32;
    bool back = instruction.has(Modifier::To);
    if (space == ptx::Space::Param || space == ptx::Space::ParamEntry) {
      op.imm = back ? -1 : 1;
      op.handler = narrow ? convertParamAddress<uint32_t>
                          : convertParamAddress<uint64_t>;
      break;
    }
    op.imm = int64_t(back ? 0 - base : base);
    op.handler = narrow ? convertAddress<uint32_t> : convertAddress<uint64_t>;
    break;
  }
  case Opcode::Isspacep:
    op.o[0] = decoder.row(operands[0], Type::Pred);
    op.o[1] = decoder.row(operands[1], Type::U64);
    op.imm = int64_t(instruction.space());
    op.handler = isSpace;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
