// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lanes of a warp do together: shfl, vote, match, redux, activemask,
// elect. The scheduler has brought the lanes of the member mask (o[5]) here.
#include "Decoder.h"
#include "Lanes.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// mode: 0 up, 1 down, 2 bfly, 3 idx.
void shuffle(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *a = warp.row<uint32_t>(op.o[1]),
                 *b = warp.row<uint32_t>(op.o[2]),
                 *c = warp.row<uint32_t>(op.o[3]);
  uint32_t value[lanes], valid = 0;
  for (unsigned i = 0; i < lanes; ++i) {
    int lane = int(i), shift = int(b[i] & 31), clamp = int(c[i] & 31);
    int segment = int(c[i] >> 8 & 31);
    int most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    int from = lane;
    bool within = false;
    switch (op.mode) {
    case 0:
      from = lane - shift;
      within = from >= most;
      break;
    case 1:
      from = lane + shift;
      within = from <= most;
      break;
    case 2:
      from = lane ^ shift;
      within = from <= most;
      break;
    default:
      from = least | (shift & ~segment);
      within = from <= most;
    }
    value[i] = a[within ? from & 31 : lane];
    valid |= uint32_t(within) << i;
  }
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned i) { return value[i]; });
  if (op.o[4] != noRow)
    warp.setPredicate(op.o[4], valid, mask);
}

/// mode: 0 all, 1 any, 2 uni, 3 ballot; flags & 1: of the negation.
void vote(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t p = warp.predicate(op.o[1]) ^ (op.flags & 1 ? ~0u : 0);
  uint32_t yes = p & mask;
  if (op.mode == 3)
    return put(warp.row<uint32_t>(op.o[0]), mask,
               [&](unsigned) { return yes; });
  bool result = op.mode == 0   ? yes == mask
                : op.mode == 1 ? yes != 0
                               : yes == mask || yes == 0;
  warp.setPredicate(op.o[0], result ? ~0u : 0, mask);
}

template <class T>
void match(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  uint32_t same[lanes];
  for (unsigned i = 0; i < lanes; ++i)
    same[i] = ballot([&](unsigned j) { return a[j] == a[i]; }) & mask;
  uint32_t *d = warp.row<uint32_t>(op.o[0]);
  if (op.mode == 0)
    return put(d, mask, [&](unsigned i) { return same[i]; });
  bool all = same[firstLane(mask)] == mask;
  put(d, mask, [&](unsigned) { return all ? mask : 0; });
  if (op.o[4] != noRow)
    warp.setPredicate(op.o[4], all ? ~0u : 0, mask);
}

template <class T>
void reduce(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  T result = a[firstLane(mask)];
  for (unsigned i = firstLane(mask) + 1; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    switch (Modifier(op.imm)) {
    case Modifier::Add:
      result = T(uint32_t(result) + uint32_t(a[i]));
      break;
    case Modifier::Min:
      result = a[i] < result ? a[i] : result;
      break;
    case Modifier::Max:
      result = result < a[i] ? a[i] : result;
      break;
    case Modifier::And:
      result = result & a[i];
      break;
    case Modifier::Or:
      result = result | a[i];
      break;
    default:
      result = result ^ a[i];
    }
  }
  put(warp.row<T>(op.o[0]), mask, [&](unsigned) { return result; });
}

void activeMask(const Op &op, Warp &warp, uint32_t mask) {
  put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned) { return mask; });
}

/// The lowest lane is elected, or, of a random schedule, another one, which is
/// always the same of the same lanes.
void elect(const Op &op, Warp &warp, uint32_t mask) {
  uint64_t state = warp.block->grid->device->options.scheduleSeed;
  uint32_t left = mask;
  if (state) {
    state += mask;
    for (uint64_t skip = nextRandom(state) % unsigned(__builtin_popcount(mask));
         skip; --skip)
      left &= left - 1;
  }
  unsigned leader = firstLane(left);
  if (op.o[0] != noRow)
    put(warp.row<uint32_t>(op.o[0]), mask, [&](unsigned) { return leader; });
  warp.setPredicate(op.o[4], 1u << leader, mask);
}

} // namespace

void decodeWarp(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  auto result = [&](Type type) {
    if (operands[0].is(ptx::Operand::Kind::Pair)) {
      op.o[0] = decoder.row(operands[0].elements[0], type);
      if (!operands[0].elements[1].is(ptx::Operand::Kind::Sink))
        op.o[4] = decoder.row(operands[0].elements[1], Type::Pred);
    } else {
      op.o[0] = decoder.row(operands[0], type);
    }
  };
  auto members = [&](size_t i) {
    op.o[5] = decoder.row(operands[i], Type::U32);
    op.flow = Flow::Sync;
  };
  Type type = instruction.type();
  switch (instruction.opcode) {
  case Opcode::Shfl:
  case Opcode::ShflSync:
    result(Type::B32);
    for (unsigned i = 1; i < 4; ++i)
      op.o[i] = decoder.row(operands[i], Type::B32);
    if (instruction.opcode == Opcode::ShflSync)
      members(4);
    op.mode = instruction.has(Modifier::Up)     ? 0
              : instruction.has(Modifier::Down) ? 1
              : instruction.has(Modifier::Bfly) ? 2
                                                : 3;
    op.handler = shuffle;
    break;
  case Opcode::Vote:
  case Opcode::VoteSync: {
    bool negated = false;
    bool isBallot = instruction.has(Modifier::Ballot);
    result(isBallot ? Type::B32 : Type::Pred);
    op.o[1] = decoder.predicate(operands[1], negated);
    op.flags |= negated;
    if (instruction.opcode == Opcode::VoteSync)
      members(2);
    op.mode = isBallot                         ? 3
              : instruction.has(Modifier::All) ? 0
              : instruction.has(Modifier::Any) ? 1
                                               : 2;
    op.handler = vote;
    break;
  }
  case Opcode::MatchAny:
  case Opcode::MatchAll:
    result(Type::B32);
    op.o[1] = decoder.row(operands[1], type);
    members(2);
    op.mode = instruction.opcode == Opcode::MatchAll;
    op.handler = ptx::byteSize(type) == 8 ? match<uint64_t> : match<uint32_t>;
    break;
  case Opcode::Redux:
    if (ptx::isFloat(type)) // came with sm_100a
      return;
    result(type);
    op.o[1] = decoder.row(operands[1], type);
    members(2);
    op.imm = int64_t(instruction.modifier(ptx::ModifierClass::Operation));
    op.handler = ptx::isSigned(type) ? reduce<int32_t> : reduce<uint32_t>;
    break;
  case Opcode::Activemask:
    result(Type::B32);
    op.handler = activeMask;
    break;
  case Opcode::Elect:
    result(Type::B32);
    members(1);
    if (op.o[4] != noRow)
      op.handler = elect;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
