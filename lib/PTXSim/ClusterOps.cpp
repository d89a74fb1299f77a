// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The barrier of a cluster, addresses in the shared memory of its blocks, and
// cp.async.mbarrier.arrive.
#include "BulkCopy.h"
#include "Lanes.h"
#include "Mbarrier.h"
#include "Observer.h"

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Type;

namespace {

void clusterArrive(const Op &, Warp &warp, uint32_t mask) {
  warp.block->cluster->arrive(warp, mask);
}

void clusterWait(const Op &, Warp &warp, uint32_t mask) {
  uint32_t never = mask & ~(warp.clusterArrived | warp.clusterComplete);
  if (never)
    fault(ErrorKind::IllegalInstruction,
          "barrier.cluster.wait: a thread waits that has not arrived", never);
  if (mask & ~warp.clusterComplete) {
    --warp.now.pc; // looks again when all have arrived
    warp.now.wait = Wait::Cluster;
    return;
  }
  warp.clusterComplete &= ~mask;
  if (Observer *observer = warp.block->grid->observer)
    observer->clusterPass(warp, mask);
}

constexpr uint64_t ofRank = (uint64_t(1) << Memory::sharedRankShift) - 1;

/// o[1]: an address of shared memory, in the window (imm: its base) or generic;
/// o[2]: the block that has the wanted one.
template <class T>
void mapAddress(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  const uint32_t *rank = warp.row<uint32_t>(op.o[2]);
  uint64_t base = uint64_t(op.imm);
  uint32_t blocks = uint32_t(warp.block->cluster->blocks.size());
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1 && rank[i] >= blocks)
      faultOf(op, ErrorKind::IllegalInstruction, i,
              "block " + std::to_string(rank[i]) + " of a cluster of " +
                  std::to_string(blocks));
  put(warp.row<T>(op.o[0]), mask, [&](unsigned i) {
    return base + ((a[i] - base) & ofRank) +
           (uint64_t(rank[i]) << Memory::sharedRankShift);
  });
}

template <class T>
void rankOfAddress(const Op &op, Warp &warp, uint32_t mask) {
  const T *a = warp.row<T>(op.o[1]);
  uint64_t base = uint64_t(op.imm);
  put(warp.row<uint32_t>(op.o[0]), mask,
      [&](unsigned i) { return (a[i] - base) >> Memory::sharedRankShift; });
}

/// Extras: the address of the mbarrier. width: it counts as one of the
/// arrivals that the mbarrier expects anyway.
void arriveAfterCopies(const Op &op, Warp &warp, uint32_t mask) {
  uint64_t address[lanes];
  addresses(op, warp, address);
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    AsyncRecord record;
    record.op = &op;
    record.warp = &warp;
    record.lane = lane;
    record.number = warp.copyCount;
    record.barrier = sharedPlace(op, warp, lane, window(op), address[lane],
                                 mbarrierBytes, mbarrierBytes);
    if (!op.width)
      expectArrival(op, lane, record.barrier);
    record.write = [](AsyncRecord &done) {
      finishCopiesUpTo(*done.warp, done.lane, done.number);
      arriveAtMbarrier(*done.op, done.lane, done.barrier, 1, Arrival::Plain);
    };
    warp.block->cluster->issue(std::move(record));
  }
}

} // namespace

void decodeCluster(Decoder &decoder, const ptx::Instruction &instruction,
                   Op &op) {
  const auto &operands = instruction.operands;
  bool wide = ptx::byteSize(instruction.type()) == 8;
  // Without a space the address is a generic one.
  if (instruction.space() == ptx::Space::Generic)
    op.imm = int64_t(decoder.memory.sharedWindow());
  switch (instruction.opcode) {
  case Opcode::BarrierClusterArrive:
    if (instruction.has(ptx::Modifier::Aligned))
      op.flow = Flow::Sync;
    op.handler = clusterArrive;
    break;
  case Opcode::BarrierClusterWait:
    op.flow =
        instruction.has(ptx::Modifier::Aligned) ? Flow::Sync : Flow::Barrier;
    op.handler = clusterWait;
    break;
  case Opcode::Mapa:
    op.o[0] = decoder.row(operands[0], instruction.type());
    op.o[1] = decoder.row(operands[1], instruction.type());
    op.o[2] = decoder.row(operands[2], Type::U32);
    op.handler = wide ? mapAddress<uint64_t> : mapAddress<uint32_t>;
    break;
  case Opcode::Getctarank:
    op.o[0] = decoder.row(operands[0], Type::U32);
    op.o[1] = decoder.row(operands[1], instruction.type());
    op.handler = wide ? rankOfAddress<uint64_t> : rankOfAddress<uint32_t>;
    break;
  case Opcode::StAsync:
  case Opcode::RedAsync:
    op.imm = 0;
    return decodeAsyncStore(decoder, instruction, op);
  default:
    break;
  }
}

void decodeCopyArrival(Decoder &decoder, const ptx::Instruction &instruction,
                       Op &op) {
  if (!decodeAddress(decoder, instruction.operands[0], instruction.space(), op))
    return;
  op.width = instruction.has(ptx::Modifier::Noinc);
  op.handler = arriveAfterCopies;
}

} // namespace moe::ptxsim
