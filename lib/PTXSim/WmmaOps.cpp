// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wmma.load, wmma.mma, wmma.store. How fragments hold a matrix is left open by
// the ISA. Here lane i has the elements from i * size / 32 on, A and C row by
// row, B column by column; fragments with more room repeat them.
#include "Access.h"
#include "Lanes.h"
#include "MatrixProduct.h"
#include "Observer.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

enum class Role : uint8_t { A, B, C };

struct Extent {
  unsigned rows, columns;
  unsigned each() const { return rows * columns / lanes; }
};

Extent extentOf(const ptx::Shape &shape, Role role) {
  return role == Role::A   ? Extent{shape.m, shape.k}
         : role == Role::B ? Extent{shape.k, shape.n}
                           : Extent{shape.m, shape.n};
}

struct Place {
  unsigned row, column;
};

Place placeOf(Extent extent, Role role, unsigned lane, unsigned element) {
  unsigned at = lane * extent.each() + element;
  return role == Role::B ? Place{at % extent.rows, at / extent.rows}
                         : Place{at / extent.columns, at % extent.columns};
}

/// The registers of one fragment.
struct Fragment {
  const uint32_t *rows;
  unsigned count, width;

  unsigned perRegister() const { return width < 32 ? 32 / width : 1; }
  uint64_t get(const Warp &warp, unsigned lane, unsigned element) const {
    unsigned per = perRegister();
    const std::byte *row = warp.r + rows[element / per];
    uint64_t bits = 0;
    if (width == 64)
      std::memcpy(&bits, row + lane * 8, 8);
    else
      std::memcpy(&bits, row + lane * 4, 4);
    return width < 32
               ? bits >> (element % per * width) & ((uint64_t(1) << width) - 1)
               : bits;
  }
  /// `element(i)` gives the bits of the lane's element i of `size`.
  template <class F>
  void set(Warp &warp, unsigned lane, unsigned size, F element) const {
    unsigned per = perRegister();
    for (unsigned r = 0; r < count; ++r) {
      uint64_t bits = 0;
      for (unsigned j = 0; j < per; ++j)
        bits |= element((r * per + j) % size) << (j * width % 64);
      if (width == 64)
        warp.row<uint64_t>(rows[r])[lane] = bits;
      else
        warp.row<uint32_t>(rows[r])[lane] = uint32_t(bits);
    }
  }
};

/// Calls access(pointers, first, count) with where the elements `first` … of
/// each lane lie side by side: bytes of the memory, more than one element only
/// if they are smaller than that. o[3]: the leading dimension; width: Role.
template <class F>
void eachElement(const Op &op, Warp &warp, uint32_t mask, F access) {
  const ptx::Instruction &wmma = *op.source;
  Role role = Role(op.width);
  Extent extent = extentOf(wmma.shape, role);
  bool columnsFirst = wmma.has(Modifier::Col);
  unsigned width = ptx::bitWidth(wmma.type());
  unsigned unit = width < 8 ? 32 / width : 1, bytes = width * unit / 8;
  const uint32_t *stride =
      op.o[3] == noRow ? nullptr : warp.row<uint32_t>(op.o[3]);
  uint64_t base[lanes], at[lanes];
  addresses(op, warp, base);
  for (unsigned first = 0; first < extent.each(); first += unit) {
    for (unsigned i = 0; i < lanes; ++i) {
      Place p = placeOf(extent, role, i, first);
      uint64_t leading = stride         ? stride[i]
                         : columnsFirst ? extent.rows
                                        : extent.columns;
      uint64_t element = columnsFirst ? p.column * leading + p.row
                                      : p.row * leading + p.column;
      at[i] = base[i] + element * width / 8;
    }
    if (Observer *observer = warp.block->grid->observer)
      observer->access(op, warp, mask, at, bytes,
                       wmma.opcode == Opcode::WmmaStoreD);
    resolveAddresses(op, warp, window(op), mask, bytes, at);
    access(at, first, bytes);
  }
}

void loadFragment(const Op &op, Warp &warp, uint32_t mask) {
  Extent extent = extentOf(op.source->shape, Role(op.width));
  unsigned width = ptx::bitWidth(op.source->type());
  // Of narrow elements whole words.
  uint64_t elements[lanes][16];
  unsigned unit = width < 8 ? 32 / width : 1;
  eachElement(
      op, warp, mask, [&](const uint64_t *at, unsigned first, unsigned bytes) {
        for (unsigned i = 0; i < lanes; ++i) {
          uint64_t bits = 0;
          if (mask >> i & 1)
            std::memcpy(&bits, reinterpret_cast<const void *>(at[i]), bytes);
          elements[i][first / unit] = bits;
        }
      });
  Fragment fragment{warp.extras(op), op.count, width};
  for (unsigned i = 0; i < lanes; ++i)
    if (mask >> i & 1)
      fragment.set(warp, i, extent.each(), [&](unsigned e) {
        return width < 8 ? elements[i][e / unit] >> (e % unit * width) &
                               ((uint64_t(1) << width) - 1)
                         : elements[i][e];
      });
}

void storeFragment(const Op &op, Warp &warp, uint32_t mask) {
  Fragment fragment{warp.extras(op), op.count,
                    ptx::bitWidth(op.source->type())};
  eachElement(op, warp, mask,
              [&](const uint64_t *at, unsigned first, unsigned bytes) {
                for (unsigned i = 0; i < lanes; ++i) {
                  uint64_t bits = fragment.get(warp, i, first);
                  if (mask >> i & 1)
                    std::memcpy(reinterpret_cast<void *>(at[i]), &bits, bytes);
                }
              });
}

unsigned countOf(const ptx::Operand &operand) {
  return operand.is(ptx::Operand::Kind::Vector)
             ? unsigned(operand.elements.size())
             : 1u;
}

/// d, a, b, c; floats of 16 bits are left out where they are all there is.
MatrixProduct::Types typesOf(const ptx::Instruction &wmma) {
  if (wmma.types.size() == 2)
    return {wmma.type(0), Type::F16, Type::F16, wmma.type(1)};
  return {wmma.type(0), wmma.type(1), wmma.type(2), wmma.type(3)};
}

void multiply(const Op &op, Warp &warp, uint32_t mask) {
  const ptx::Instruction &wmma = *op.source;
  MatrixProduct::Types types = typesOf(wmma);
  MatrixProduct product(wmma.shape, wmma.shape.k, types);
  product.saturates = wmma.has(Modifier::Satfinite);
  product.xors = wmma.has(Modifier::Xor);
  Fragment fragments[4];
  Type typeOf[4] = {types.d, types.a, types.b, types.c};
  const uint32_t *rows = warp.extras(op);
  for (unsigned i = 0; i < 4; ++i) {
    fragments[i] = {rows, countOf(wmma.operands[i]), ptx::bitWidth(typeOf[i])};
    rows += fragments[i].count;
  }
  auto each = [&](unsigned i, Role role, auto what) {
    Extent extent = extentOf(wmma.shape, role);
    for (unsigned lane = 0; lane < lanes; ++lane)
      for (unsigned e = 0; e < extent.each(); ++e) {
        Place p = placeOf(extent, role, lane, e);
        what(p.row, p.column, fragments[i].get(warp, lane, e));
      }
  };
  each(1, Role::A, [&](unsigned row, unsigned k, uint64_t bits) {
    product.setA(row, k, bits);
  });
  each(2, Role::B, [&](unsigned k, unsigned column, uint64_t bits) {
    product.setB(k, column, bits);
  });
  each(3, Role::C, [&](unsigned row, unsigned column, uint64_t bits) {
    product.setC(row, column, bits);
  });
  product.multiply(*warp.block->grid->device);
  Extent extent = extentOf(wmma.shape, Role::C);
  for (unsigned lane = 0; lane < lanes; ++lane)
    if (mask >> lane & 1)
      fragments[0].set(warp, lane, extent.each(), [&](unsigned e) {
        Place p = placeOf(extent, Role::C, lane, e);
        return product.d(p.row, p.column);
      });
}

} // namespace

void decodeWmma(Decoder &decoder, const ptx::Instruction &instruction, Op &op) {
  const auto &operands = instruction.operands;
  auto add = [&](const ptx::Operand &operand, Type type) {
    Type bits = ptx::bitWidth(type) == 64 ? Type::B64 : Type::B32;
    if (operand.is(ptx::Operand::Kind::Vector))
      for (const ptx::Operand &element : operand.elements)
        decoder.extra(op, decoder.row(element, bits));
    else
      decoder.extra(op, decoder.row(operand, bits));
  };
  op.flow = Flow::Sync;
  if (instruction.opcode == Opcode::WmmaMma) {
    MatrixProduct::Types types = typesOf(instruction);
    Type typeOf[] = {types.d, types.a, types.b, types.c};
    for (unsigned i = 0; i < 4; ++i)
      add(operands[i], typeOf[i]);
    op.handler = multiply;
    if (types.a == Type::F64)
      setRounding(instruction, op);
    return;
  }
  bool store = instruction.opcode == Opcode::WmmaStoreD;
  const ptx::Operand &where = operands[store ? 0 : 1];
  const ptx::Operand &values = operands[store ? 1 : 0];
  Role role = instruction.opcode == Opcode::WmmaLoadA   ? Role::A
              : instruction.opcode == Opcode::WmmaLoadB ? Role::B
                                                        : Role::C;
  // Narrow elements are loaded as words, which lie along A's rows and B's
  // columns.
  if (ptx::bitWidth(instruction.type()) < 8 &&
      instruction.has(Modifier::Col) != (role == Role::B))
    return decoder.unsupported("narrow elements in this layout");
  if (!decodeAddress(decoder, where, instruction.space(), op))
    return;
  op.width = uint8_t(role);
  if (operands.size() > 2)
    op.o[3] = decoder.row(operands[2], Type::U32);
  add(values, instruction.type());
  op.flags |= store ? writes : 0;
  op.handler = store ? storeFragment : loadFragment;
}

} // namespace moe::ptxsim
