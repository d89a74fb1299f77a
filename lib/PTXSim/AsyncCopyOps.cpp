// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async. A copy is written down when it is issued and takes effect as late
// as its wait allows, at once, or at a random moment between: a program that
// forgets to wait reads what was there before.
#include "Access.h"
#include "Lanes.h"

#include <algorithm>

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Type;

namespace {

void apply(const CopyRecord &copy) {
  std::memcpy(reinterpret_cast<void *>(copy.to),
              reinterpret_cast<const void *>(copy.from), copy.sourceBytes);
  std::memset(reinterpret_cast<void *>(copy.to + copy.sourceBytes), 0,
              copy.bytes - copy.sourceBytes);
}

/// Lets copies take effect for which `which` says so, oldest first.
template <class F>
void applyIf(Warp &warp, F which) {
  auto &copies = warp.copies;
  size_t kept = 0;
  for (size_t i = 0; i < copies.size(); ++i)
    if (which(copies[i]))
      apply(copies[i]);
    else
      copies[kept++] = copies[i];
  copies.resize(kept);
}

bool atRandom(Warp &warp) {
  Grid &grid = *warp.block->grid;
  return grid.device->options.async == AsyncOrder::Random &&
         nextRandom(grid.asyncRandom) & 1;
}

/// o[1], imm, mode: destination; o[3] and extras: source; o[4]: bytes of it,
/// or, flags & 16, a predicate that ignores it. width: bytes.
void copyAsync(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t bytes = op.width, sourceBytes[lanes];
  for (unsigned i = 0; i < lanes; ++i) {
    sourceBytes[i] = bytes;
    if (op.o[4] == noRow)
      continue;
    if (op.flags & 16)
      sourceBytes[i] =
          (warp.predicate(op.o[4]) ^ (op.flags & 32 ? ~0u : 0)) >> i & 1
              ? 0
              : bytes;
    else
      sourceBytes[i] = std::min(bytes, warp.row<uint32_t>(op.o[4])[i]);
  }
  uint64_t to[lanes], from[lanes];
  addresses(op, warp, to);
  Op shared = op;
  shared.flags = uint32_t(window(op)) | writes;
  resolveAddresses(shared, warp, window(op), mask, bytes, to);
  const uint32_t *extras = warp.extras(op);
  Op source = op;
  source.flags = uint32_t(Window::Global);
  source.o[1] = op.o[3];
  source.imm = int64_t(uint64_t(extras[1]) << 32 | extras[0]);
  source.mode = uint8_t(extras[2]);
  addresses(source, warp, from);
  uint32_t whole = ballot([&](unsigned i) { return sourceBytes[i] == bytes; });
  uint32_t partial = mask & ballot([&](unsigned i) {
                       return sourceBytes[i] && sourceBytes[i] < bytes;
                     });
  uint64_t checked[lanes];
  std::copy_n(from, lanes, checked);
  if (whole & mask)
    resolveAddresses(source, warp, Window::Global, whole & mask, bytes,
                     checked);
  for (unsigned i = 0; i < lanes; ++i)
    if (partial >> i & 1) {
      std::copy_n(from, lanes, checked);
      resolveAddresses(source, warp, Window::Global, 1u << i, 1, checked);
      checked[i] = from[i] + sourceBytes[i] - 1;
      resolveAddresses(source, warp, Window::Global, 1u << i, 1, checked);
    }
  bool early = warp.block->grid->device->options.async == AsyncOrder::Early;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    CopyRecord copy{from[i],         to[i],
                    uint16_t(bytes), uint16_t(sourceBytes[i]),
                    uint8_t(i),      warp.committed[i],
                    ++warp.copyCount};
    if (early || atRandom(warp))
      apply(copy);
    else
      warp.copies.push_back(copy);
  }
}

void commitGroup(const Op &, Warp &warp, uint32_t mask) {
  for (unsigned i = 0; i < lanes; ++i)
    warp.committed[i] += mask >> i & 1;
  if (!warp.copies.empty() && atRandom(warp))
    applyIf(warp, [&](const CopyRecord &) { return atRandom(warp); });
}

/// All but the imm newest groups of each lane are done.
void waitGroup(const Op &op, Warp &warp, uint32_t mask) {
  applyIf(warp, [&](const CopyRecord &copy) {
    return mask >> copy.lane & 1 &&
           int64_t(copy.group) < int64_t(warp.committed[copy.lane]) - op.imm;
  });
}

void waitAll(const Op &, Warp &warp, uint32_t mask) {
  finishCopies(warp, mask);
}

} // namespace

void finishCopies(Warp &warp, uint32_t mask) {
  if (!warp.copies.empty())
    applyIf(warp,
            [&](const CopyRecord &copy) { return mask >> copy.lane & 1; });
}

void finishCopiesUpTo(Warp &warp, unsigned lane, uint64_t number) {
  applyIf(warp, [&](const CopyRecord &copy) {
    return copy.lane == lane && copy.number <= number;
  });
}

void decodeAsyncCopy(Decoder &decoder, const ptx::Instruction &instruction,
                     Op &op) {
  const auto &operands = instruction.operands;
  switch (instruction.opcode) {
  case Opcode::CpAsync: {
    if (!operands[2].isImmediate())
      return;
    op.width = uint8_t(operands[2].integer);
    if (!decodeAddress(decoder, operands[0], instruction.space(0), op))
      return;
    Op source;
    if (!decodeAddress(decoder, operands[1], instruction.space(1), source))
      return;
    op.o[3] = source.o[1];
    decoder.extra(op, uint32_t(source.imm));
    decoder.extra(op, uint32_t(uint64_t(source.imm) >> 32));
    decoder.extra(op, source.mode);
    if (operands.size() > 3) {
      const ptx::Operand &last = operands[3];
      bool isRegister = last.is(ptx::Operand::Kind::Register);
      if (isRegister && last.type == Type::Pred) {
        bool negated = false;
        op.o[4] = decoder.predicate(last, negated);
        op.flags |= 16 | (negated ? 32 : 0);
      } else if (!isRegister || ptx::byteSize(last.type) == 4) {
        op.o[4] = decoder.row(last, Type::U32);
      } // else a cache policy
    }
    op.handler = copyAsync;
    break;
  }
  case Opcode::CpAsyncMbarrierArrive:
    return decodeCopyArrival(decoder, instruction, op);
  case Opcode::CpAsyncCommitGroup:
    op.handler = commitGroup;
    break;
  case Opcode::CpAsyncWaitGroup:
    op.imm = operands[0].integer;
    op.handler = waitGroup;
    break;
  case Opcode::CpAsyncWaitAll:
    op.handler = waitAll;
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
