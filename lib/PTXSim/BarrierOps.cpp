// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// bar, barrier, fences. Memory is sequentially consistent here, so most fences
// have nothing to do.
#include "Decoder.h"
#include "Lanes.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// o[1]: number, o[2]: threads or noRow, o[3]: predicate of bar.red; o[0] and
/// mode its result (see Block::checkBarrier). width 1: does not wait.
void blockBarrier(const Op &op, Warp &warp, uint32_t mask) {
  unsigned lane = firstLane(mask);
  uint32_t number = warp.row<uint32_t>(op.o[1])[lane];
  uint32_t threads = op.o[2] == noRow ? 0 : warp.row<uint32_t>(op.o[2])[lane];
  if (number > 15)
    fault(ErrorKind::IllegalInstruction,
          "barrier " + std::to_string(number) + "; a block has 0 to 15", mask);
  if (threads % lanes)
    fault(ErrorKind::IllegalInstruction,
          "barrier " + std::to_string(number) + " for " +
              std::to_string(threads) +
              " threads, which is no multiple of the size of a warp",
          mask);
  uint32_t predicate = 0;
  if (op.o[3] != noRow)
    predicate = warp.predicate(op.o[3]) ^ (op.flags & 1 ? ~0u : 0);
  if (!op.width) {
    warp.now.wait = Wait::Barrier;
    warp.now.data = number;
  }
  warp.block->arrive(warp, number, mask, threads, predicate);
}

void warpBarrier(const Op &op, Warp &warp, uint32_t mask) {
  uint32_t members = warp.row<uint32_t>(op.o[1])[firstLane(mask)];
  warp.now.wait = Wait::WarpBarrier;
  warp.now.data = members;
  warp.checkWarpBarrier();
}

} // namespace

void decodeBarrier(Decoder &decoder, const ptx::Instruction &instruction,
                   Op &op) {
  const auto &operands = instruction.operands;
  switch (instruction.opcode) {
  case Opcode::BarSync:
  case Opcode::BarrierSync:
  case Opcode::BarArrive:
  case Opcode::BarrierArrive:
    op.flow = Flow::Barrier;
    op.o[1] = decoder.row(operands[0], Type::U32);
    if (operands.size() > 1)
      op.o[2] = decoder.row(operands[1], Type::U32);
    op.width = instruction.opcode == Opcode::BarArrive ||
               instruction.opcode == Opcode::BarrierArrive;
    op.handler = blockBarrier;
    break;
  case Opcode::BarRed:
  case Opcode::BarrierRed: {
    op.flow = Flow::Barrier;
    bool popc = instruction.has(Modifier::Popc), negated = false;
    op.o[0] = decoder.row(operands[0], popc ? Type::U32 : Type::Pred);
    op.o[1] = decoder.row(operands[1], Type::U32);
    if (operands.size() > 3)
      op.o[2] = decoder.row(operands[2], Type::U32);
    op.o[3] = decoder.predicate(operands.back(), negated);
    op.flags |= negated;
    op.mode = popc ? 0 : instruction.has(Modifier::And) ? 1 : 2;
    op.handler = blockBarrier;
    break;
  }
  case Opcode::BarWarpSync:
    op.flow = Flow::Barrier;
    op.o[1] = decoder.row(operands[0], Type::U32);
    op.handler = warpBarrier;
    break;
  case Opcode::FenceProxy:
    if (!operands.empty())
      return decodeTensorMapFence(decoder, instruction, op);
    [[fallthrough]];
  case Opcode::Fence:
  case Opcode::FenceMbarrierInit:
  case Opcode::Membar:
  case Opcode::MembarProxy:
    op.handler = [](const Op &, Warp &, uint32_t) {};
    break;
  default:
    break;
  }
}

} // namespace moe::ptxsim
