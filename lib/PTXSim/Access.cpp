// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Builtins.h"
#include "Cluster.h"

#include <cinttypes>
#include <cstdio>

namespace moe::ptxsim {

namespace {

[[noreturn]] void illegal(const Op &op, ErrorKind kind, unsigned lane,
                          uint64_t address, uint32_t bytes,
                          const std::string &why) {
  char place[64];
  std::snprintf(place, sizeof place, " of %u bytes at 0x%" PRIx64 ": ", bytes,
                address);
  fault(kind, ptx::fullName(*op.source) + place + why, 1u << lane);
}

/// Finds the lane whose access is wrong and reports it.
[[noreturn]] void report(const Op &op, Warp &warp, Window window, uint32_t mask,
                         uint32_t bytes, const uint64_t *address) {
  const Grid &grid = *warp.block->grid;
  uint32_t alignment = bytes & -bytes;
  for (unsigned i = 0; i < lanes; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint64_t a = address[i];
    if (a & (alignment - 1))
      illegal(op, ErrorKind::Misaligned, i, a, bytes,
              "not aligned to " + std::to_string(alignment) + " bytes");
    switch (window) {
    case Window::Shared: {
      uint64_t offset = a & ((1u << Memory::sharedRankShift) - 1);
      if (offset + bytes > warp.block->sharedBytes ||
          a >> Memory::sharedRankShift != warp.block->rank)
        illegal(op, ErrorKind::IllegalAddress, i, a, bytes,
                "the block has " + std::to_string(warp.block->sharedBytes) +
                    " bytes of shared memory");
      break;
    }
    case Window::Local:
      if (a + bytes > warp.localStride || a + bytes < a)
        illegal(op, ErrorKind::IllegalAddress, i, a, bytes,
                "a thread has " + std::to_string(warp.localStride) +
                    " bytes of local memory");
      break;
    default: {
      const Allocation *allocation = grid.memory->find(a);
      if (!allocation || allocation->bytes - (a - allocation->address) < bytes)
        illegal(op, ErrorKind::IllegalAddress, i, a, bytes,
                grid.memory->describe(a, bytes));
      if (op.flags & writes && allocation->readOnly)
        illegal(op, ErrorKind::IllegalAddress, i, a, bytes,
                "the memory is read only");
    }
    }
  }
  fault(ErrorKind::IllegalAddress, ptx::fullName(*op.source), mask);
}

/// Whether all addresses are in [low, low + size - bytes] and aligned.
bool allWithin(const uint64_t *address, uint64_t low, uint64_t size,
               uint32_t bytes) {
  if (size < bytes)
    return false;
  uint64_t span = size - bytes, outside = 0, bits = 0;
  for (unsigned i = 0; i < lanes; ++i) {
    outside |= uint64_t(address[i] - low > span);
    bits |= address[i];
  }
  uint32_t alignment = bytes & -bytes;
  return !outside && !(bits & (alignment - 1));
}

void resolveGlobal(const Op &op, Warp &warp, uint32_t mask, uint32_t bytes,
                   const uint64_t *address) {
  Grid &grid = *warp.block->grid;
  Range &range = grid.ranges[op.index];
  if (allWithin(address, range.low, range.high - range.low, bytes))
    return;
  // Lanes may lie in different allocations.
  for (unsigned i = 0; i < lanes; ++i) {
    const Allocation *a = grid.memory->find(address[i]);
    if (!a || a->bytes - (address[i] - a->address) < bytes ||
        (op.flags & writes && a->readOnly) ||
        address[i] & ((bytes & -bytes) - 1))
      report(op, warp, Window::Global, mask, bytes, address);
    range = {a->address, a->address + a->bytes, a->readOnly};
  }
}

/// Shared memory of any block of the cluster.
void resolveCluster(const Op &op, Warp &warp, uint32_t mask, uint32_t bytes,
                    uint64_t *a) {
  for (uint32_t todo = mask; todo; todo &= todo - 1) {
    unsigned i = firstLane(todo);
    a[i] = reinterpret_cast<uint64_t>(
        sharedPlace(op, warp, i, Window::Cluster, a[i], bytes, bytes & -bytes)
            .pointer());
  }
  for (unsigned i = 0; i < lanes; ++i)
    a[i] = mask >> i & 1 ? a[i] : a[firstLane(mask)];
}

} // namespace

void addresses(const Op &op, const Warp &warp, uint64_t *to) {
  const std::byte *base = warp.r + op.o[1];
  if (op.o[1] == noRow)
    for (unsigned i = 0; i < lanes; ++i)
      to[i] = uint64_t(op.imm);
  else if (op.mode == 4)
    for (unsigned i = 0; i < lanes; ++i)
      to[i] = uint32_t(reinterpret_cast<const uint32_t *>(base)[i] +
                       uint32_t(op.imm));
  else
    for (unsigned i = 0; i < lanes; ++i)
      to[i] = reinterpret_cast<const uint64_t *>(base)[i] + uint64_t(op.imm);
}

void resolveAddresses(const Op &op, Warp &warp, Window window, uint32_t mask,
                      uint32_t bytes, uint64_t *a) {
  const Block &block = *warp.block;
  const Memory &memory = *block.grid->memory;
  if (mask != allLanes) {
    uint64_t any = a[firstLane(mask)];
    for (unsigned i = 0; i < lanes; ++i)
      a[i] = mask >> i & 1 ? a[i] : any;
  }
  switch (window) {
  case Window::Global:
    return resolveGlobal(op, warp, mask, bytes, a);
  case Window::Shared:
  case Window::Cluster: {
    uint64_t own = uint64_t(block.rank) << Memory::sharedRankShift;
    if (!allWithin(a, own, block.sharedBytes, bytes)) {
      if (window == Window::Cluster)
        return resolveCluster(op, warp, mask, bytes, a);
      report(op, warp, window, mask, bytes, a);
    }
    uint64_t base = reinterpret_cast<uint64_t>(block.sharedBase) - own;
    for (unsigned i = 0; i < lanes; ++i)
      a[i] += base;
    return;
  }
  case Window::Local: {
    if (!allWithin(a, 0, warp.localStride, bytes))
      report(op, warp, window, mask, bytes, a);
    uint64_t base = reinterpret_cast<uint64_t>(warp.local.data());
    for (unsigned i = 0; i < lanes; ++i)
      a[i] += base + uint64_t(i) * warp.localStride;
    return;
  }
  case Window::Generic: {
    uint32_t shared = 0, local = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      shared |= uint32_t(memory.inSharedWindow(a[i])) << i;
      local |= uint32_t(memory.inLocalWindow(a[i])) << i;
    }
    if (!shared && !local)
      return resolveGlobal(op, warp, mask, bytes, a);
    if (shared == allLanes || local == allLanes) {
      uint64_t base = shared ? memory.sharedWindow() : memory.localWindow();
      for (unsigned i = 0; i < lanes; ++i)
        a[i] -= base;
      return resolveAddresses(
          op, warp, shared ? Window::Cluster : Window::Local, mask, bytes, a);
    }
    for (unsigned i = 0; i < lanes; ++i) {
      std::byte *at = resolveGeneric(warp, i, a[i], bytes);
      if (!at || a[i] & ((bytes & -bytes) - 1))
        report(op, warp, Window::Global, mask, bytes, a);
      a[i] = reinterpret_cast<uint64_t>(at);
    }
    return;
  }
  case Window::Param:
    for (unsigned i = 0; i < lanes; ++i)
      a[i] += block.grid->params;
    return resolveGlobal(op, warp, mask, bytes, a);
  default:
    return;
  }
}

void resolve(const Op &op, Warp &warp, uint32_t mask, uint32_t bytes,
             std::byte **pointers) {
  auto *a = reinterpret_cast<uint64_t *>(pointers);
  switch (window(op)) {
  case Window::KernelParam:
    for (unsigned i = 0; i < lanes; ++i)
      a[i] = warp.block->grid->params + uint64_t(op.imm);
    return;
  case Window::ParamArea:
    for (unsigned i = 0; i < lanes; ++i)
      pointers[i] = warp.r + op.imm + size_t(i) * op.o[2];
    return;
  default:
    addresses(op, warp, a);
    resolveAddresses(op, warp, window(op), mask, bytes, a);
  }
}

std::byte *resolveGeneric(Warp &warp, unsigned lane, Address address,
                          uint64_t bytes) {
  const Block &block = *warp.block;
  const Memory &memory = *block.grid->memory;
  if (memory.inSharedWindow(address)) {
    uint64_t in = address - memory.sharedWindow();
    uint64_t rank = in >> Memory::sharedRankShift;
    uint64_t offset = in - (rank << Memory::sharedRankShift);
    auto &blocks = block.cluster->blocks;
    return rank < blocks.size() && offset + bytes <= block.sharedBytes &&
                   (rank == block.rank || !blocks[rank].done())
               ? blocks[rank].sharedBase + offset
               : nullptr;
  }
  if (memory.inLocalWindow(address)) {
    uint64_t offset = address - memory.localWindow();
    return offset + bytes <= warp.localStride
               ? warp.local.data() + size_t(lane) * warp.localStride + offset
               : nullptr;
  }
  const Allocation *allocation = memory.find(address);
  return allocation &&
                 bytes <= allocation->bytes - (address - allocation->address)
             ? reinterpret_cast<std::byte *>(address)
             : nullptr;
}

bool decodeAddress(Decoder &decoder, const ptx::Operand &operand,
                   ptx::Space space, Op &op) {
  auto is = [&](Window window) {
    op.flags |= uint32_t(window);
    return true;
  };
  Decoder::ParamPlace place;
  switch (space) {
  case ptx::Space::Param:
  case ptx::Space::ParamEntry:
  case ptx::Space::ParamFunc:
    if (decoder.paramPlace(operand, place)) {
      op.imm =
          place.kernel ? place.offset : int64_t(place.area.row) + place.offset;
      op.o[2] = place.area.stride;
      return is(place.kernel ? Window::KernelParam : Window::ParamArea);
    }
    decoder.address(operand, op, 1);
    return is(Window::Param);
  case ptx::Space::Global:
  case ptx::Space::Const:
    decoder.address(operand, op, 1);
    return is(Window::Global);
  case ptx::Space::Shared:
  case ptx::Space::SharedCta:
    decoder.address(operand, op, 1);
    return is(Window::Shared);
  case ptx::Space::SharedCluster:
    decoder.address(operand, op, 1);
    return is(Window::Cluster);
  case ptx::Space::Local:
    decoder.address(operand, op, 1);
    return is(Window::Local);
  case ptx::Space::Generic:
    decoder.address(operand, op, 1);
    return is(Window::Generic);
  default:
    return false;
  }
}

} // namespace moe::ptxsim
