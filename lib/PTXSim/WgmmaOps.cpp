// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma. Each warp of a group of four forms its own 16 rows of D. Products are
// queued in order and formed when they are waited for, at once, or at a random
// moment between; until then neither registers nor shared memory are read.
#include "Decoder.h"
#include "Lanes.h"
#include "moe/PTXSim/Numerics/TensorCore.h"

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Type;

namespace {

TensorFormat formatOf(Type type) {
  switch (type) {
  case Type::F16:
    return TensorFormat::F16;
  case Type::BF16:
    return TensorFormat::BF16;
  case Type::TF32:
    return TensorFormat::TF32;
  case Type::E4M3:
    return TensorFormat::E4M3;
  default:
    return TensorFormat::E5M2;
  }
}

/// Where byte `k` of row `row` lies that a matrix descriptor tells of: rows of
/// a swizzle atom, eight of them, then the stride to the next eight.
uint32_t placeOf(uint64_t descriptor, uint32_t row, uint32_t k) {
  uint32_t start = uint32_t(descriptor & 0x3fff) << 4;
  uint32_t leading = uint32_t(descriptor >> 16 & 0x3fff) << 4;
  uint32_t stride = uint32_t(descriptor >> 32 & 0x3fff) << 4;
  unsigned swizzle = unsigned(descriptor >> 62); // 0, 128, 64, 32 bytes
  uint32_t place = start + row / 8 * stride;
  if (!swizzle)
    return place + row % 8 * 16 + k / 16 * leading + k % 16;
  place += row % 8 * (256u >> swizzle) + k;
  return place ^ (place >> 7 & (7u >> (swizzle - 1))) << 4;
}

uint32_t readShared(const Op &op, const Block &block, uint32_t place,
                    unsigned bytes) {
  if (place + bytes > block.sharedBytes)
    fault(ErrorKind::IllegalAddress,
          ptx::fullName(*op.source) + ": the descriptor leads to byte " +
              std::to_string(place) + "; the block has " +
              std::to_string(block.sharedBytes) + " bytes of shared memory");
  uint32_t bits = 0;
  std::memcpy(&bits, block.sharedBase + place, bytes);
  return bits;
}

void multiply(Warp &warp, const WgmmaRecord &record) {
  const Op &op = *record.op;
  const ptx::Instruction &wgmma = *op.source;
  const Device &device = *warp.block->grid->device;
  const Properties &p = device.properties();
  TensorFormat a = formatOf(wgmma.type(1)), b = formatOf(wgmma.type(2));
  unsigned bytes = ptx::byteSize(wgmma.type(1)), depth = wgmma.shape.k;
  TensorTile tile(tensorModel(tensorArch(p.major, p.minor), a), a, b,
                  Accumulator::F32, device.options.exactTensorCores);
  tile.resize(16, depth);
  const uint32_t *rows = warp.extras(op);
  uint32_t mask = bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < depth; ++k) {
      uint32_t bits;
      if (op.mode) { // fragments as of mma.sync
        unsigned each = 4 / bytes, chunk = k / (4 * each);
        unsigned lane = row % 8 * 4 + k % (4 * each) / each;
        auto *from = reinterpret_cast<const uint32_t *>(
            record.frame + rows[wgmma.shape.n / 2 + row / 8 + 2 * chunk]);
        bits = from[lane] >> (k % each * 8 * bytes) & mask;
      } else {
        bits = readShared(
            op, *warp.block,
            placeOf(record.a, warp.index % 4 * 16 + row, k * bytes), bytes);
      }
      tile.rowA(row)[k] = tensorOperand(a, bits);
    }
  for (unsigned first = 0; first < wgmma.shape.n; first += 8) {
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned n = 0; n < 8; ++n)
        tile.rowB(k)[n] = tensorOperand(
            b, readShared(op, *warp.block,
                          placeOf(record.b, first + n, k * bytes), bytes));
    float c[16][8] = {};
    auto element = [&](unsigned lane, unsigned r) -> float & {
      return c[lane / 4 + 8 * (r / 2)][lane % 4 * 2 + r % 2];
    };
    auto d = [&](unsigned r) {
      return reinterpret_cast<float *>(record.frame + rows[first / 2 + r]);
    };
    for (unsigned r = 0; r < 4 && record.accumulates; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        element(i, r) = d(r)[i];
    tile.multiply(&c[0][0]);
    for (unsigned r = 0; r < 4; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        d(r)[i] = element(i, r);
  }
}

/// Forms the products of all but the `newest` groups, in their order.
void finish(Warp &warp, uint64_t newest) {
  size_t done = 0;
  while (done < warp.products.size() &&
         warp.products[done].group + newest < warp.productGroups)
    multiply(warp, warp.products[done++]);
  warp.products.erase(warp.products.begin(),
                      warp.products.begin() + std::ptrdiff_t(done));
}

/// extras: rows of D, then of A if mode; o[1], o[2]: descriptors, o[3]: whether
/// D is added to.
void issue(const Op &op, Warp &warp, uint32_t mask) {
  unsigned lane = firstLane(mask);
  WgmmaRecord record;
  record.op = &op;
  record.frame = warp.r;
  record.a = op.mode ? 0 : warp.row<uint64_t>(op.o[1])[lane];
  record.b = warp.row<uint64_t>(op.o[2])[lane];
  record.accumulates =
      warp.predicate(op.o[3]) >> lane & 1 ? !(op.flags & 1) : op.flags & 1;
  record.group = warp.productGroups;
  warp.products.push_back(record);
  Grid &grid = *warp.block->grid;
  AsyncOrder order = grid.device->options.async;
  if (order == AsyncOrder::Early ||
      (order == AsyncOrder::Random && nextRandom(grid.asyncRandom) & 1)) {
    for (const WgmmaRecord &product : warp.products)
      multiply(warp, product);
    warp.products.clear();
  }
}

} // namespace

void decodeWgmma(Decoder &decoder, const ptx::Instruction &instruction,
                 Op &op) {
  const auto &operands = instruction.operands;
  op.flow = Flow::Sync;
  switch (instruction.opcode) {
  case Opcode::WgmmaFence:
    op.handler = [](const Op &, Warp &, uint32_t) {};
    break;
  case Opcode::WgmmaCommitGroup:
    op.handler = [](const Op &, Warp &warp, uint32_t) { ++warp.productGroups; };
    break;
  case Opcode::WgmmaWaitGroup:
    op.imm = operands[0].integer;
    op.handler = [](const Op &op, Warp &warp, uint32_t) {
      finish(warp, uint64_t(op.imm));
    };
    break;
  case Opcode::WgmmaMmaAsync: {
    if (instruction.type(0) != Type::F32 ||
        !ptx::isFloat(instruction.type(1)) || operands.size() < 6 ||
        !operands[0].is(ptx::Operand::Kind::Vector))
      return;
    for (size_t i = 4; i < operands.size(); ++i)
      if (operands[i].integer != (i < 6 ? 1 : 0))
        return decoder.unsupported("a negated or transposed operand");
    for (const ptx::Operand &element : operands[0].elements)
      decoder.extra(op, decoder.row(element, Type::F32));
    op.mode = operands[1].is(ptx::Operand::Kind::Vector);
    if (op.mode)
      for (const ptx::Operand &element : operands[1].elements)
        decoder.extra(op, decoder.row(element, Type::B32));
    else
      op.o[1] = decoder.row(operands[1], Type::U64);
    op.o[2] = decoder.row(operands[2], Type::U64);
    bool negated = false;
    op.o[3] = decoder.predicate(operands[3], negated);
    op.flags |= negated;
    op.handler = issue;
    break;
  }
  default:
    break;
  }
}

} // namespace moe::ptxsim
