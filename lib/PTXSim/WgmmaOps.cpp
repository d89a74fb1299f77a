// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma. Each warp of a group of four forms its own 16 rows of D. Products are
// queued in order and formed when they are waited for, at once, or at a random
// moment between; until then neither registers nor shared memory are read.
#include "Decoder.h"
#include "Lanes.h"
#include "MatrixProduct.h"

#include <algorithm>

namespace moe::ptxsim {

using ptx::Opcode;
using ptx::Type;

namespace {

/// Bytes of a row of A, or of a column of B, that one instruction takes; twice
/// as many of B if A is sparse.
constexpr unsigned rowBytes = 32, partBytes = 16;
/// Of Op::flags: the predicate is negated; what the immediates say.
constexpr uint32_t negatedPredicate = 1, negateA = 2, negateB = 4,
                   transposeA = 8, transposeB = 16, sparse = 32;

unsigned columnBytes(const Op &op) {
  return op.flags & sparse ? 2 * rowBytes : rowBytes;
}

bool hasIntegers(Type type) {
  return type == Type::S8 || type == Type::U8 || type == Type::B1;
}

/// What 64 bits say of a matrix in shared memory.
struct Descriptor {
  uint32_t start, leading, stride;
  uint32_t pattern; ///< where the swizzle begins, by bits 7 to 9
  unsigned swizzle; ///< 0, 1: 128, 2: 64, 3: 32 bytes

  explicit Descriptor(uint64_t bits)
      : start(uint32_t(bits & 0x3fff) << 4),
        leading(uint32_t(bits >> 16 & 0x3fff) << 4),
        stride(uint32_t(bits >> 32 & 0x3fff) << 4),
        pattern(uint32_t(bits >> 49 & 7) << 7), swizzle(unsigned(bits >> 62)) {}

  /// The 16 bytes from byte 16 * part of a row on: rows of a swizzle atom,
  /// eight of them, then the stride to the next eight. What an atom has no room
  /// for lies in the next one.
  uint32_t place(uint32_t row, uint32_t part) const {
    uint32_t at = start + row / 8 * stride;
    if (!swizzle)
      return at + row % 8 * partBytes + part * leading;
    uint32_t parts = atom() / partBytes;
    return permuted(at + row % 8 * atom() + part % parts * partBytes +
                    part / parts * leading);
  }
  /// Transposed: 8 elements of 16 bits from row 8 * part on, in column k. An
  /// atom has as many rows as it has bytes / 2, and 8 columns.
  uint32_t transposedPlace(uint32_t part, uint32_t k) const {
    if (!swizzle)
      return start + part * stride + k % 8 * partBytes + k / 8 * leading;
    uint32_t parts = atom() / partBytes;
    return permuted(start + part % parts * partBytes + part / parts * leading +
                    k % 8 * atom() + k / 8 * stride);
  }

private:
  uint32_t atom() const { return 256u >> swizzle; }
  uint32_t permuted(uint32_t at) const {
    return at ^ ((at - pattern) >> 7 & (7u >> (swizzle - 1))) << 4;
  }
};

const std::byte *sharedPart(const Op &op, const Block &block, uint32_t place) {
  if (place + partBytes > block.sharedBytes)
    fault(ErrorKind::IllegalAddress,
          ptx::fullName(*op.source) + ": the descriptor leads to byte " +
              std::to_string(place) + "; the block has " +
              std::to_string(block.sharedBytes) + " bytes of shared memory");
  return block.sharedBase + place;
}

/// `count` rows of an operand (columns of B) of so many bytes from `first` on.
void readShared(const Op &op, const Block &block, uint64_t bits,
                bool transposed, uint32_t first, uint32_t count, uint32_t bytes,
                std::byte *to) {
  Descriptor descriptor(bits);
  if (!transposed) {
    for (uint32_t i = 0; i < count; ++i)
      for (unsigned part = 0; part < bytes / partBytes; ++part)
        std::memcpy(to + i * bytes + part * partBytes,
                    sharedPart(op, block, descriptor.place(first + i, part)),
                    partBytes);
    return;
  }
  for (uint32_t i = 0; i < count; i += 8)
    for (uint32_t k = 0; k < bytes / 2; ++k) {
      const std::byte *from =
          sharedPart(op, block, descriptor.transposedPlace((first + i) / 8, k));
      for (uint32_t j = 0; j < 8; ++j)
        std::memcpy(to + (i + j) * bytes + 2 * k, from + 2 * j, 2);
    }
}

/// 16 rows of A from registers: the fragments of mma.sync, 4 bytes a lane.
void readFragments(const std::byte *frame, const uint32_t *rows,
                   std::byte *to) {
  for (unsigned r = 0; r < 4; ++r)
    for (unsigned i = 0; i < lanes; ++i)
      std::memcpy(to + (i / 4 + r % 2 * 8) * rowBytes + r / 2 * partBytes +
                      i % 4 * 4,
                  frame + rows[r] + 4 * i, 4);
}

float elementOf(Type type, const std::byte *row, unsigned k, bool negated) {
  uint32_t bits = 0;
  unsigned bytes = ptx::byteSize(type);
  std::memcpy(&bits, row + k * bytes, bytes);
  float value = tensorOperand(tensorFormatOf(type), bits);
  return negated ? -value : value;
}

struct Operands {
  std::byte a[16 * rowBytes];
  std::byte b[256 * 2 * rowBytes];
};

/// One 16 x 8 part of D as a mapping from lanes and registers.
struct Fragment {
  static unsigned row(unsigned lane, unsigned r) { return lane / 4 + 8 * r; }
  static unsigned column(unsigned lane) { return lane % 4 * 2; }
};

void multiplyFloats(Warp &warp, const WgmmaRecord &record, const Operands &in) {
  const Op &op = *record.op;
  const ptx::Instruction &wgmma = *op.source;
  const Device &device = *warp.block->grid->device;
  const Properties &p = device.properties();
  Type typeA = wgmma.type(1), typeB = wgmma.type(2);
  TensorFormat a = tensorFormatOf(typeA), b = tensorFormatOf(typeB);
  bool half = wgmma.type(0) == Type::F16;
  unsigned depth = wgmma.shape.k;
  TensorTile tile(tensorModel(tensorArch(p.major, p.minor), a), a, b,
                  half ? Accumulator::F16 : Accumulator::F32,
                  device.options.exactTensorCores);
  tile.resize(16, depth);
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < depth; ++k)
      tile.rowA(row)[k] =
          elementOf(typeA, in.a + row * rowBytes, k, op.flags & negateA);
  const uint32_t *rows = warp.extras(op);
  for (unsigned first = 0; first < wgmma.shape.n; first += 8) {
    for (unsigned n = 0; n < 8; ++n)
      for (unsigned k = 0; k < depth; ++k)
        tile.rowB(k)[n] = elementOf(typeB, in.b + (first + n) * rowBytes, k,
                                    op.flags & negateB);
    float c[16][8] = {};
    // Two halves lie in one register, two f32 in two.
    for (unsigned r = 0; r < 2 && record.accumulates; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        for (unsigned j = 0; j < 2; ++j) {
          float &value = c[Fragment::row(i, r)][Fragment::column(i) + j];
          const std::byte *d =
              record.frame + rows[half ? first / 4 + r : first / 2 + 2 * r + j];
          uint16_t bits;
          if (half) {
            std::memcpy(&bits, d + 4 * i + 2 * j, 2);
            value = f16ToFloat(bits);
          } else {
            std::memcpy(&value, d + 4 * i, 4);
          }
        }
    tile.multiply(&c[0][0]);
    for (unsigned r = 0; r < 2; ++r)
      for (unsigned i = 0; i < lanes; ++i)
        for (unsigned j = 0; j < 2; ++j) {
          float value = c[Fragment::row(i, r)][Fragment::column(i) + j];
          std::byte *d =
              record.frame + rows[half ? first / 4 + r : first / 2 + 2 * r + j];
          uint16_t bits = half ? floatToF16(value) : 0;
          if (half)
            std::memcpy(d + 4 * i + 2 * j, &bits, 2);
          else
            std::memcpy(d + 4 * i, &value, 4);
        }
  }
}

int32_t dot(Type typeA, Type typeB, const std::byte *a, const std::byte *b) {
  int32_t sum = 0;
  for (unsigned k = 0; k < rowBytes; ++k) {
    auto x = uint8_t(a[k]), y = uint8_t(b[k]);
    if (typeA == Type::B1)
      sum += __builtin_popcount(x & y);
    else
      sum += (typeA == Type::S8 ? int8_t(x) : int32_t(x)) *
             (typeB == Type::S8 ? int8_t(y) : int32_t(y));
  }
  return sum;
}

void multiplyIntegers(Warp &warp, const WgmmaRecord &record,
                      const Operands &in) {
  const ptx::Instruction &wgmma = *record.op->source;
  const uint32_t *rows = warp.extras(*record.op);
  bool saturates = wgmma.has(ptx::Modifier::Satfinite);
  for (unsigned first = 0; first < wgmma.shape.n; first += 8)
    for (unsigned r = 0; r < 4; ++r) {
      auto *d = reinterpret_cast<int32_t *>(record.frame + rows[first / 2 + r]);
      for (unsigned i = 0; i < lanes; ++i) {
        unsigned column = first + Fragment::column(i) + r % 2;
        int64_t sum = dot(wgmma.type(1), wgmma.type(2),
                          in.a + Fragment::row(i, r / 2) * rowBytes,
                          in.b + column * rowBytes);
        sum += record.accumulates ? d[i] : 0;
        if (saturates)
          sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
        d[i] = int32_t(uint32_t(uint64_t(sum)));
      }
    }
}

/// A sparse A: element by element.
void multiplySparse(Warp &warp, const WgmmaRecord &record, const Operands &in) {
  const Op &op = *record.op;
  const ptx::Instruction &wgmma = *op.source;
  const Type typeA = wgmma.type(1), typeB = wgmma.type(2), type = wgmma.type(0);
  const unsigned n = wgmma.shape.n, kept = wgmma.shape.k / 2;
  const unsigned width = ptx::bitWidth(typeA), bytes = width / 8;
  ptx::Shape shape = wgmma.shape;
  shape.m = 16; // of a warp
  MatrixProduct product(shape, kept, {type, typeA, typeB, type});
  product.saturates = wgmma.has(ptx::Modifier::Satfinite);
  auto element = [&](const std::byte *at, bool negated) {
    uint64_t bits = 0;
    std::memcpy(&bits, at, bytes);
    return bits ^ uint64_t(negated) << (width - 1);
  };
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned i = 0; i < kept; ++i)
      product.setA(
          row, i,
          element(in.a + row * rowBytes + i * bytes, op.flags & negateA));
  for (unsigned column = 0; column < n; ++column)
    for (unsigned k = 0; k < wgmma.shape.k; ++k)
      product.setB(k, column,
                   element(in.b + column * columnBytes(op) + k * bytes,
                           op.flags & negateB));
  findPlaces(product, record.metadata.data(), typeA, kept, unsigned(op.imm));
  // Two halves lie in one register, other numbers in two.
  const uint32_t *rows = warp.extras(op);
  const bool half = type == Type::F16;
  auto eachOfD = [&](auto what) {
    for (unsigned first = 0; first < n; first += 8)
      for (unsigned r = 0; r < 2; ++r)
        for (unsigned j = 0; j < 2; ++j) {
          std::byte *d =
              record.frame + rows[half ? first / 4 + r : first / 2 + 2 * r + j];
          for (unsigned i = 0; i < lanes; ++i)
            what(d + 4 * i + (half ? 2 * j : 0), Fragment::row(i, r),
                 first + Fragment::column(i) + j);
        }
  };
  const size_t size = half ? 2 : 4;
  if (record.accumulates)
    eachOfD([&](const std::byte *d, unsigned row, unsigned column) {
      uint64_t bits = 0;
      std::memcpy(&bits, d, size);
      product.setC(row, column, bits);
    });
  product.multiply(*warp.block->grid->device);
  eachOfD([&](std::byte *d, unsigned row, unsigned column) {
    uint64_t bits = product.d(row, column);
    std::memcpy(d, &bits, size);
  });
}

void multiply(Warp &warp, const WgmmaRecord &record) {
  const Op &op = *record.op;
  const ptx::Instruction &wgmma = *op.source;
  Operands in;
  if (op.mode)
    readFragments(record.frame, warp.extras(op) + op.count - 4, in.a);
  else
    readShared(op, *warp.block, record.a, op.flags & transposeA,
               warp.index % 4 * 16, 16, rowBytes, in.a);
  readShared(op, *warp.block, record.b, op.flags & transposeB, 0, wgmma.shape.n,
             columnBytes(op), in.b);
  if (op.flags & sparse)
    multiplySparse(warp, record, in);
  else if (hasIntegers(wgmma.type(1)))
    multiplyIntegers(warp, record, in);
  else
    multiplyFloats(warp, record, in);
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
/// D is added to; if A is sparse o[4]: metadata, imm: which lanes have it.
void issue(const Op &op, Warp &warp, uint32_t mask) {
  unsigned lane = firstLane(mask);
  WgmmaRecord record;
  record.op = &op;
  record.frame = warp.r;
  record.a = op.mode ? 0 : warp.row<uint64_t>(op.o[1])[lane];
  record.b = warp.row<uint64_t>(op.o[2])[lane];
  record.accumulates = (warp.predicate(op.o[3]) >> lane & 1) !=
                       (op.flags & negatedPredicate ? 1u : 0u);
  record.group = warp.productGroups;
  if (op.flags & sparse)
    std::copy_n(warp.row<uint32_t>(op.o[4]), lanes, record.metadata.begin());
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

void wgmmaParts(const Op &op, const Warp &warp, uint64_t a, uint64_t b,
                std::vector<uint32_t> &parts) {
  auto add = [&](uint64_t bits, bool transposed, uint32_t first, uint32_t count,
                 uint32_t bytes) {
    Descriptor descriptor(bits);
    if (!transposed) {
      for (uint32_t i = 0; i < count; ++i)
        for (unsigned part = 0; part < bytes / partBytes; ++part)
          parts.push_back(descriptor.place(first + i, part));
      return;
    }
    for (uint32_t i = 0; i < count; i += 8)
      for (uint32_t k = 0; k < bytes / 2; ++k)
        parts.push_back(descriptor.transposedPlace((first + i) / 8, k));
  };
  if (!op.mode)
    add(a, op.flags & transposeA, warp.index % 4 * 16, 16, rowBytes);
  add(b, op.flags & transposeB, 0, op.source->shape.n, columnBytes(op));
}

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
  case Opcode::WgmmaMmaAsync:
  case Opcode::WgmmaMmaAsyncSp: {
    bool isSparse = instruction.opcode == Opcode::WgmmaMmaAsyncSp;
    // Of a sparse one metadata and selector stand behind B.
    const size_t scale = isSparse ? 5 : 3;
    if (!operands[0].is(ptx::Operand::Kind::Vector) || operands.size() <= scale)
      return;
    if (isSparse) {
      op.flags |= sparse;
      op.o[4] = decoder.row(operands[3], Type::B32);
      op.imm = operands[4].integer;
    }
    for (const ptx::Operand &element : operands[0].elements)
      decoder.extra(op, decoder.row(element, Type::B32));
    op.mode = operands[1].is(ptx::Operand::Kind::Vector);
    if (op.mode)
      for (const ptx::Operand &element : operands[1].elements)
        decoder.extra(op, decoder.row(element, Type::B32));
    else
      op.o[1] = decoder.row(operands[1], Type::U64);
    op.o[2] = decoder.row(operands[2], Type::U64);
    bool negated = false;
    op.o[3] = decoder.predicate(operands[scale], negated);
    op.flags |= negated ? negatedPredicate : 0;
    // The signs of A and B, then which of them are transposed: only what is
    // in shared memory can be.
    auto immediate = [&](size_t i) {
      return scale + i < operands.size() ? operands[scale + i].integer : 0;
    };
    op.flags |= immediate(1) < 0 ? negateA : 0;
    op.flags |= immediate(2) < 0 ? negateB : 0;
    op.flags |= !op.mode && immediate(3) ? transposeA : 0;
    op.flags |= immediate(op.mode ? 3 : 4) ? transposeB : 0;
    op.handler = issue;
    break;
  }
  default:
    break;
  }
}

} // namespace moe::ptxsim
