// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// setmaxnreg: warps of a block hand registers to each other. What the block
// has was settled when it began; a warp that asks for more waits until others
// have given back enough.
#include "Core.h"

#include "Decoder.h"

#include <algorithm>

namespace moe::ptxsim {

namespace {

void setRegisters(const Op &op, Warp &warp, uint32_t mask) {
  Block &block = *warp.block;
  uint32_t wanted = uint32_t(op.imm);
  if (!warp.registers)
    return; // see launchRegisters()
  auto wrong = [&](const char *how) {
    fault(ErrorKind::IllegalInstruction,
          ptx::fullName(*op.source) + ": " + std::to_string(wanted) +
              " registers are " + how + " than the " +
              std::to_string(warp.registers) + " that the warp has",
          mask);
  };
  bool increases = op.width;
  if (increases && wanted < warp.registers)
    wrong("fewer");
  if (!increases && wanted > warp.registers)
    wrong("more");
  if (increases && wanted - warp.registers > block.freeRegisters) {
    --warp.now.pc; // looks again when others have given some back
    warp.now.wait = Wait::Registers;
    warp.now.data = wanted - warp.registers;
    return;
  }
  block.freeRegisters += warp.registers - wanted;
  warp.registers = wanted;
  if (!increases)
    block.wakeForRegisters();
}

} // namespace

/// Registers that a warp's threads begin with: what the kernel says, or what
/// its blocks may have of a multiprocessor. 0: it says neither, and ptxas
/// ignores setmaxnreg.
uint32_t launchRegisters(const ptx::Directives &directives,
                         uint32_t registersOfBlock) {
  if (directives.maxnreg)
    return directives.maxnreg / 8 * 8;
  auto product = [](const Dim3 &d) {
    return d[0] ? d[0] * std::max(d[1], 1u) * std::max(d[2], 1u) : 0;
  };
  uint32_t threads = product(directives.reqntid);
  if (!threads)
    threads = product(directives.maxntid);
  if (!threads || !directives.minnctapersm)
    return 0;
  threads = (threads + lanes - 1) / lanes * lanes * directives.minnctapersm;
  return std::min(registersOfBlock / threads, 255u) / 8 * 8;
}

void decodeRegisters(Decoder &, const ptx::Instruction &instruction, Op &op) {
  op.flow = Flow::Sync;
  op.imm = instruction.operands[0].integer;
  op.width = instruction.has(ptx::Modifier::Inc);
  op.handler = setRegisters;
}

} // namespace moe::ptxsim
