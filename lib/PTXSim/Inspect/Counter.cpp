// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Counter.h"

#include "../Access.h"

#include <algorithm>

namespace moe::ptxsim {

using Kind = Insight::Kind;

Counter::Counter(const Grid &grid) : grid(grid), insights(*grid.code) {
  ops.resize(grid.code->ops.size());
}

void Counter::observe(const Op &op, Warp &warp, uint32_t mask) {
  OpCounters &counters = ops[op.index];
  ++counters.warps;
  counters.lanes += unsigned(__builtin_popcount(warp.now.mask));
  counters.threads += unsigned(__builtin_popcount(mask));
  if (op.flow == Flow::Branch)
    counters.divergent += mask && mask != warp.now.mask;
  const Insight &insight = insights[op];
  if (insight.bytes && mask)
    access(op, insight, warp, mask, counters);
}

void Counter::access(const Op &op, const Insight &insight, Warp &warp,
                     uint32_t mask, OpCounters &counters) {
  uint64_t address[lanes];
  Window where = window(op);
  if (where == Window::KernelParam || where == Window::ParamArea ||
      where == Window::Local)
    return;
  addresses(op, warp, address);
  if (insight.kind == Kind::LoadMatrix || insight.kind == Kind::StoreMatrix) {
    uint32_t used = op.count * 8u;
    mask = used >= lanes ? allLanes : (1u << used) - 1;
  }
  uint32_t shared = 0, global = 0;
  const Memory &memory = *grid.memory;
  switch (where) {
  case Window::Shared:
  case Window::Cluster:
    shared = mask;
    break;
  case Window::Global:
    global = mask;
    break;
  default:
    for (unsigned i = 0; i < lanes; ++i) {
      bool inShared = memory.inSharedWindow(address[i]);
      shared |= uint32_t(inShared) << i;
      global |= uint32_t(!inShared && !memory.inLocalWindow(address[i])) << i;
      address[i] -= inShared ? memory.sharedWindow() : 0;
    }
    shared &= mask;
    global &= mask;
  }
  if (shared)
    banks(address, shared, insight.bytes, counters.shared);
  if (global)
    sectors(address, global, insight.bytes, counters.global);
  if (insight.kind != Kind::CopyAsync)
    return;
  const uint32_t *extras = warp.extras(op);
  Op from = op;
  from.o[1] = op.o[3];
  from.imm = int64_t(uint64_t(extras[1]) << 32 | extras[0]);
  from.mode = uint8_t(extras[2]);
  addresses(from, warp, address);
  for (unsigned i = 0; i < lanes && op.o[4] != noRow; ++i) {
    bool ignored = op.flags & 16 ? (warp.predicate(op.o[4]) >> i & 1) !=
                                       (op.flags & 32 ? 1u : 0u)
                                 : warp.row<uint32_t>(op.o[4])[i] == 0;
    if (ignored)
      mask &= ~(1u << i);
  }
  if (mask)
    sectors(address, mask, insight.bytes, counters.global);
}

void Counter::sectors(const uint64_t *address, uint32_t mask, uint32_t bytes,
                      AccessCounters &counters) {
  uint64_t sector[2 * lanes];
  unsigned count = 0;
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      for (uint64_t s = address[i] / 32; s <= (address[i] + bytes - 1) / 32;
           ++s)
        if (!count || sector[count - 1] != s)
          sector[count++] = s;
  std::sort(sector, sector + count);
  count = unsigned(std::unique(sector, sector + count) - sector);
  for (unsigned k = 0; k < count; ++k)
    touched[sector[k] / 64] |= uint64_t(1) << sector[k] % 64;
  uint64_t asked = uint64_t(__builtin_popcount(mask)) * bytes;
  ++counters.requests;
  counters.bytes += asked;
  counters.parts += count;
  counters.least += (asked + 31) / 32;
}

/// 32 banks of 4 bytes. Wide accesses are served a half or a quarter of the
/// warp at a time; lanes that read one word share it.
void Counter::banks(const uint64_t *offset, uint32_t mask, uint32_t bytes,
                    AccessCounters &counters) const {
  unsigned words = std::max(bytes / 4, 1u);
  unsigned together = std::max(lanes / words, 1u);
  ++counters.requests;
  for (unsigned first = 0; first < lanes; first += together) {
    uint32_t word[lanes][lanes];
    uint8_t used[lanes] = {};
    unsigned rounds = 0;
    for (unsigned i = first; i < first + together; ++i) {
      if (!(mask >> i & 1))
        continue;
      counters.bytes += bytes;
      for (unsigned k = 0; k < words && k < lanes; ++k) {
        uint32_t w = uint32_t(offset[i] / 4) + k;
        uint32_t bank = w % lanes;
        uint32_t *end = word[bank] + used[bank];
        if (std::find(word[bank], end, w) == end) {
          *end = w;
          rounds = std::max<unsigned>(rounds, ++used[bank]);
        }
      }
    }
    counters.parts += rounds;
    counters.least += rounds != 0;
  }
}

namespace {

bool isFloatOperation(const ptx::Instruction &instruction) {
  switch (ptx::family(instruction.opcode)) {
  case ptx::Family::Arithmetic:
  case ptx::Family::Approximation:
    return ptx::isFloat(instruction.type());
  default:
    return false;
  }
}

/// Operations of a thread.
uint64_t operations(const ptx::Instruction &instruction) {
  using ptx::Type;
  bool fused = instruction.opcode == ptx::Opcode::Fma ||
               instruction.opcode == ptx::Opcode::Mad;
  Type type = instruction.type();
  bool two = type == Type::F16x2 || type == Type::BF16x2;
  return (fused ? 2 : 1) * (two ? 2 : 1);
}

} // namespace

void Counter::addTo(KernelCounters &kernel) const {
  for (const Op &op : grid.code->ops) {
    const OpCounters &counters = ops[op.index];
    if (!counters.warps || !op.source)
      continue;
    const ptx::Instruction &instruction = *op.source;
    const Insight &insight = insights[op];
    kernel.warpInstructions += counters.warps;
    kernel.threadInstructions += counters.lanes;
    kernel.mix[std::string(ptx::spelling(ptx::family(instruction.opcode)))] +=
        counters.warps;
    if (op.flow == Flow::Branch && op.guard != noRow) {
      kernel.branches += counters.warps;
      kernel.divergentBranches += counters.divergent;
    }
    if (isFloatOperation(instruction))
      kernel.floatOperations += counters.threads * operations(instruction);
    if (insight.kind == Kind::Mma || insight.kind == Kind::Wgmma) {
      const ptx::Shape &shape = instruction.shape;
      // Each of the four warps of a wgmma has its own rows.
      uint64_t rows = insight.kind == Kind::Wgmma ? 16 : shape.m;
      uint64_t sum = 2 * rows * shape.n * shape.k * counters.warps;
      unsigned bits = ptx::bitWidth(instruction.type(1));
      (bits >= 32   ? kernel.tensor32
       : bits == 16 ? kernel.tensor16
                    : kernel.tensor8) += sum;
    }
    kernel.shared.add(counters.shared);
    (insight.kind == Kind::Atomic      ? kernel.atomics
     : insight.kind == Kind::CopyAsync ? kernel.asyncCopies
     : insight.kind == Kind::Store     ? kernel.stores
                                       : kernel.loads)
        .add(counters.global);
    LineCounters &line = kernel.lines[op.line];
    line.instruction = ptx::fullName(instruction);
    line.source = sourceOf(*grid.code, op);
    line.warps += counters.warps;
    line.threads += counters.lanes;
    line.global.add(counters.global);
    line.shared.add(counters.shared);
  }
  for (const auto &[page, bits] : touched)
    kernel.touchedBytes += 32u * unsigned(__builtin_popcountll(bits));
  ++kernel.launches;
  kernel.blocks += uint64_t(grid.grid[0]) * grid.grid[1] * grid.grid[2];
}

} // namespace moe::ptxsim
