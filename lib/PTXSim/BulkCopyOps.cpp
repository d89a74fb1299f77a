// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async.bulk and cp.reduce.async.bulk of ranges of bytes, bulk groups, and
// st.async and red.async, which are such copies of a few registers.
#include "BulkCopy.h"
#include "Lanes.h"
#include "Mbarrier.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Space;
using ptx::Type;

namespace {

/// Of Code::extras: destination, source and mbarrier, then these rows.
enum : unsigned { to, from = wordsOfAddress, barrier = 2 * wordsOfAddress };
enum : unsigned { sizeRow = 3 * wordsOfAddress, maskRow };

constexpr uint32_t alignmentOfBulk = 16;
/// Of Op::flags: the ends that are in global memory.
constexpr uint32_t toGlobal = 1, fromGlobal = 2, multicast = 4;

bool isShared(Space space) {
  return space == Space::Shared || space == Space::SharedCta ||
         space == Space::SharedCluster;
}

void issueBulk(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *words = warp.extras(op);
  Cluster &cluster = *warp.block->cluster;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t bytes = warp.row<uint32_t>(words[sizeRow])[lane];
    if (bytes % alignmentOfBulk)
      faultOf(op, ErrorKind::Misaligned, lane,
              std::to_string(bytes) + " bytes, which is no multiple of 16");
    AsyncRecord record;
    record.op = &op;
    record.warp = &warp;
    record.lane = lane;
    record.bytes = bytes;
    record.read = readLinear;
    record.write = op.mode ? reduceLinear : writeLinear;
    auto shared = [&](unsigned at, Window window) {
      return sharedPlace(op, warp, lane, window,
                         addressOf(warp, words + at, lane), bytes,
                         alignmentOfBulk);
    };
    auto global = [&](unsigned at, bool isWritten) {
      record.global = addressOf(warp, words + at, lane);
      checkGlobal(op, warp, lane, record.global, bytes, isWritten);
      if (record.global % alignmentOfBulk)
        faultOf(op, ErrorKind::Misaligned, lane,
                "an address of global memory that is not aligned to 16 bytes");
    };
    if (op.flags & fromGlobal)
      global(from, false);
    else
      record.from = shared(from, Window::Shared);
    if (op.flags & toGlobal) {
      global(to, true);
      addToGroup(record);
      cluster.issue(std::move(record));
      continue;
    }
    record.to = shared(to, Window::Cluster);
    record.barrier = sharedPlace(op, warp, lane, Window::Cluster,
                                 addressOf(warp, words + barrier, lane),
                                 mbarrierBytes, mbarrierBytes);
    if (record.barrier.block != record.to.block)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "the mbarrier at " + describe(record.barrier) +
                  " is not in the block of the destination, " +
                  describe(record.to));
    if (!(op.flags & multicast)) {
      cluster.issue(std::move(record));
      continue;
    }
    issueMulticast(std::move(record), warp.row<uint16_t>(words[maskRow])[lane]);
  }
}

void commitGroup(const Op &, Warp &warp, uint32_t mask) {
  for (unsigned i = 0; i < lanes; ++i)
    warp.bulkCommitted[i] += mask >> i & 1;
}

/// imm: groups that may go on; width: their sources need only be read.
void waitGroup(const Op &op, Warp &warp, uint32_t mask) {
  warp.block->cluster->finishGroups(warp, mask, uint32_t(op.imm), op.width);
}

/// st.async and red.async: extras: destination, mbarrier, then rows of values.
void issueStore(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *words = warp.extras(op);
  unsigned count = op.count - 2 * wordsOfAddress;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    AsyncRecord record;
    record.op = &op;
    record.warp = &warp;
    record.lane = lane;
    record.bytes = uint64_t(count) * op.width;
    record.data.resize(record.bytes);
    for (unsigned k = 0; k < count; ++k)
      std::memcpy(&record.data[k * op.width],
                  warp.r + words[2 * wordsOfAddress + k] + lane * op.width,
                  op.width);
    record.write = op.mode ? reduceLinear : writeLinear;
    record.to =
        sharedPlace(op, warp, lane, window(op), addressOf(warp, words, lane),
                    record.bytes, uint32_t(record.bytes));
    record.barrier = sharedPlace(op, warp, lane, window(op),
                                 addressOf(warp, words + wordsOfAddress, lane),
                                 mbarrierBytes, mbarrierBytes);
    if (record.barrier.block != record.to.block)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "the mbarrier at " + describe(record.barrier) +
                  " is not in the block of the destination, " +
                  describe(record.to));
    warp.block->cluster->issue(std::move(record));
  }
}

Reduction reductionOf(const AsyncRecord &record) {
  const ptx::Instruction &source = *record.op->source;
  return ptxsim::reductionOf(source.type(),
                             source.modifier(ptx::ModifierClass::Operation),
                             record.to.block != nullptr);
}

std::byte *destination(const AsyncRecord &record) {
  return record.to.block ? record.to.pointer()
                         : reinterpret_cast<std::byte *>(record.global);
}

} // namespace

void addAddress(Decoder &decoder, Op &op, const ptx::Operand &operand) {
  Op scratch;
  decoder.address(operand, scratch, 1);
  decoder.extra(op, scratch.o[1]);
  decoder.extra(op, uint32_t(scratch.imm));
  decoder.extra(op, uint32_t(uint64_t(scratch.imm) >> 32));
  decoder.extra(op, scratch.mode);
}

uint64_t addressOf(const Warp &warp, const uint32_t *words, unsigned lane) {
  uint64_t offset = uint64_t(words[2]) << 32 | words[1];
  if (words[0] == noRow)
    return offset;
  const std::byte *row = warp.r + words[0];
  return words[3] == 4
             ? uint32_t(reinterpret_cast<const uint32_t *>(row)[lane] +
                        uint32_t(offset))
             : reinterpret_cast<const uint64_t *>(row)[lane] + offset;
}

void checkGlobal(const Op &op, const Warp &warp, unsigned lane, Address address,
                 uint64_t bytes, bool writes) {
  const Memory &memory = *warp.block->grid->memory;
  const Allocation *allocation = memory.find(address);
  char place[64];
  auto wrong = [&](const std::string &why) {
    std::snprintf(place, sizeof place, "%llu bytes at 0x%llx: ",
                  static_cast<unsigned long long>(bytes),
                  static_cast<unsigned long long>(address));
    faultOf(op, ErrorKind::IllegalAddress, lane, place + why);
  };
  if (bytes && (!allocation ||
                bytes > allocation->bytes - (address - allocation->address)))
    wrong(memory.describe(address, bytes));
  if (bytes && writes && allocation->readOnly)
    wrong("the memory is read only");
}

void issueMulticast(AsyncRecord record, uint32_t ranks) {
  Cluster &cluster = *record.warp->block->cluster;
  if (!ranks || ranks >> cluster.blocks.size())
    faultOf(*record.op, ErrorKind::IllegalInstruction, record.lane,
            "a mask of blocks of " + std::to_string(ranks) +
                " in a cluster of " + std::to_string(cluster.blocks.size()));
  record.first = &cluster.blocks[unsigned(__builtin_ctz(ranks))];
  for (uint32_t rank = 0; rank < cluster.blocks.size(); ++rank) {
    if (!(ranks >> rank & 1))
      continue;
    AsyncRecord one = record;
    one.to.block = one.barrier.block = &cluster.blocks[rank];
    if (one.to.block->done())
      faultOf(*record.op, ErrorKind::IllegalAddress, record.lane,
              "block " + std::to_string(rank) + " of the cluster has ended");
    cluster.issue(std::move(one));
  }
}

void tellMbarrier(const AsyncRecord &record) {
  if (record.barrier.block)
    expectBytes(*record.op, record.lane, record.barrier,
                -int64_t(record.bytes));
}

void readLinear(AsyncRecord &record) {
  const std::byte *source =
      record.from.block ? record.from.pointer()
                        : reinterpret_cast<const std::byte *>(record.global);
  record.data.assign(source, source + record.bytes);
}

void writeLinear(AsyncRecord &record) {
  std::memcpy(destination(record), record.data.data(), record.bytes);
  tellMbarrier(record);
}

void reduceLinear(AsyncRecord &record) {
  Reduction reduce = reductionOf(record);
  unsigned bytes = ptx::byteSize(record.op->source->type());
  std::byte *at = destination(record);
  for (uint64_t i = 0; i < record.bytes; i += bytes)
    reduce(at + i, &record.data[i]);
  tellMbarrier(record);
}

void decodeBulkCopy(Decoder &decoder, const ptx::Instruction &instruction,
                    Op &op) {
  const auto &operands = instruction.operands;
  auto nothing = [](const Op &, Warp &, uint32_t) {};
  switch (instruction.opcode) {
  case Opcode::CpAsyncBulkCommitGroup:
    op.handler = commitGroup;
    return;
  case Opcode::CpAsyncBulkWaitGroup:
    op.imm = operands[0].integer;
    op.width = instruction.has(Modifier::Read);
    op.handler = waitGroup;
    return;
  case Opcode::CpAsyncBulkPrefetch: // hints
    op.handler = nothing;
    return;
  case Opcode::CpAsyncBulkPrefetchTensor:
  case Opcode::CpAsyncBulkTensor:
  case Opcode::CpReduceAsyncBulkTensor:
    return decodeTensorCopy(decoder, instruction, op);
  case Opcode::TensormapReplace:
  case Opcode::TensormapCpFenceproxy:
    return decodeTensorMap(decoder, instruction, op);
  case Opcode::CpAsyncBulk:
  case Opcode::CpReduceAsyncBulk:
    break;
  default:
    return;
  }
  if (instruction.has(Modifier::CpMask))
    return decoder.unsupported("a mask of bytes");
  op.mode = instruction.opcode == Opcode::CpReduceAsyncBulk;
  Space destination = instruction.space(0), source = instruction.space(1);
  op.flags |= isShared(destination) ? 0 : toGlobal;
  op.flags |= isShared(source) ? 0 : fromGlobal;
  op.flags |= instruction.has(Modifier::MulticastCluster) ? multicast : 0;
  if (op.mode &&
      !ptxsim::reductionOf(instruction.type(),
                           instruction.modifier(ptx::ModifierClass::Operation),
                           isShared(destination)))
    return;
  bool signals = isShared(destination);
  addAddress(decoder, op, operands[0]);
  addAddress(decoder, op, operands[1]);
  addAddress(decoder, op, operands[signals ? 3 : 0]);
  decoder.extra(op, decoder.row(operands[2], Type::U32));
  decoder.extra(op, op.flags & multicast ? decoder.row(operands[4], Type::U16)
                                         : noRow);
  op.handler = issueBulk;
}

void decodeAsyncStore(Decoder &decoder, const ptx::Instruction &instruction,
                      Op &op) {
  const auto &operands = instruction.operands;
  Type type = instruction.type();
  op.mode = instruction.opcode == Opcode::RedAsync;
  op.flags = uint32_t(instruction.space() == Space::Generic ? Window::Generic
                                                            : Window::Cluster);
  op.width = uint8_t(ptx::byteSize(type));
  if (op.mode && !ptxsim::reductionOf(
                     type, instruction.modifier(ptx::ModifierClass::Operation),
                     /*isShared=*/true))
    return;
  addAddress(decoder, op, operands[0]);
  addAddress(decoder, op, operands[2]);
  if (operands[1].is(ptx::Operand::Kind::Vector))
    for (const ptx::Operand &element : operands[1].elements)
      decoder.extra(op, decoder.row(element, type));
  else
    decoder.extra(op, decoder.row(operands[1], type));
  op.handler = issueStore;
}

} // namespace moe::ptxsim
