// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ld, st and what only hints at caches.
#include "Access.h"
#include "Lanes.h"

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// T in memory, R in a register, which may be wider.
template <class T, class R>
void load(const Op &op, Warp &warp, uint32_t mask) {
  std::byte *from[lanes];
  resolve(op, warp, mask, op.count * sizeof(T), from);
  const uint32_t *rows = warp.extras(op);
  for (unsigned k = 0; k < op.count; ++k)
    put(warp.row<R>(rows[k]), mask, [&](unsigned i) {
      T value;
      std::memcpy(&value, from[i] + k * sizeof(T), sizeof value);
      return value;
    });
}

template <class T, class R>
void store(const Op &op, Warp &warp, uint32_t mask) {
  std::byte *to[lanes];
  resolve(op, warp, mask, op.count * sizeof(T), to);
  const uint32_t *rows = warp.extras(op);
  for (unsigned k = 0; k < op.count; ++k) {
    const R *from = warp.row<R>(rows[k]);
    for (unsigned i = 0; i < lanes; ++i) {
      T value = T(from[i]);
      if (mask >> i & 1)
        std::memcpy(to[i] + k * sizeof(T), &value, sizeof value);
    }
  }
}

struct Wide {
  uint64_t low, high;
};
static_assert(sizeof(Wide) == 16, "b128");

template <class T>
Handler loadTo(unsigned width) {
  switch (width) {
  case 1:
    return load<T, uint8_t>;
  case 2:
    return load<T, uint16_t>;
  case 4:
    return load<T, uint32_t>;
  case 8:
    return load<T, uint64_t>;
  }
  return nullptr;
}

template <class T>
Handler storeFrom(unsigned width) {
  switch (width) {
  case 1:
    return store<T, uint8_t>;
  case 2:
    return store<T, uint16_t>;
  case 4:
    return store<T, uint32_t>;
  case 8:
    return store<T, uint64_t>;
  }
  return nullptr;
}

Handler loadHandler(Type type, unsigned width) {
  bool isSigned = ptx::isSigned(type);
  switch (ptx::byteSize(type)) {
  case 1:
    return isSigned ? loadTo<int8_t>(width) : loadTo<uint8_t>(width);
  case 2:
    return isSigned ? loadTo<int16_t>(width) : loadTo<uint16_t>(width);
  case 4:
    return isSigned ? loadTo<int32_t>(width) : loadTo<uint32_t>(width);
  case 8:
    return loadTo<uint64_t>(width);
  case 16:
    return load<Wide, Wide>;
  }
  return nullptr;
}

Handler storeHandler(Type type, unsigned width) {
  switch (ptx::byteSize(type)) {
  case 1:
    return storeFrom<uint8_t>(width);
  case 2:
    return storeFrom<uint16_t>(width);
  case 4:
    return storeFrom<uint32_t>(width);
  case 8:
    return storeFrom<uint64_t>(width);
  case 16:
    return store<Wide, Wide>;
  }
  return nullptr;
}

} // namespace

namespace {

/// Whether an access by the name of a parameter stays inside of it.
bool isInside(const ptx::Operand &where, uint64_t bytes) {
  if (!where.is(ptx::Operand::Kind::Address) ||
      !where.base().is(ptx::Operand::Kind::Variable))
    return true;
  uint64_t offset = uint64_t(where.offset + where.base().offset);
  uint64_t size = where.base().variable->size();
  return bytes <= size && offset <= size - bytes;
}

} // namespace

void decodeMemory(Decoder &decoder, const ptx::Instruction &instruction,
                  Op &op) {
  bool isStore = instruction.opcode == Opcode::St;
  switch (instruction.opcode) {
  case Opcode::Ld:
  case Opcode::Ldu:
  case Opcode::St:
    break;
  case Opcode::Prefetch:
  case Opcode::Prefetchu:
  case Opcode::Applypriority:
  case Opcode::Discard:
    op.handler = [](const Op &, Warp &, uint32_t) {}; // hints
    return;
  case Opcode::CreatepolicyFractional:
  case Opcode::CreatepolicyRange:
  case Opcode::CreatepolicyCvt:
    op.o[0] = decoder.row(instruction.operands[0], Type::B64);
    op.handler = [](const Op &op, Warp &warp, uint32_t mask) {
      put(warp.row<uint64_t>(op.o[0]), mask, [](unsigned) { return 0; });
    };
    return;
  default:
    return;
  }
  const auto &operands = instruction.operands;
  const ptx::Operand &where = operands[isStore ? 0 : 1];
  const ptx::Operand &value = operands[isStore ? 1 : 0];
  if (!decodeAddress(decoder, where, instruction.space(), op))
    return;
  op.flags |= isStore ? writes : 0;
  Type type = instruction.type();
  unsigned width = 0;
  auto one = [&](const ptx::Operand &element) {
    if (!element.is(ptx::Operand::Kind::Sink))
      width = decoder.width(element, type);
    return 0;
  };
  if (value.is(ptx::Operand::Kind::Vector))
    for (const ptx::Operand &element : value.elements)
      one(element);
  else
    one(value);
  Type rowType = width == 8   ? Type::B64
                 : width == 4 ? Type::B32
                 : width == 2 ? Type::B16
                              : type;
  // Immediates are as wide as the widest register beside them.
  if (ptx::isFloat(type))
    rowType = type;
  if (value.is(ptx::Operand::Kind::Vector))
    for (const ptx::Operand &element : value.elements)
      decoder.extra(op, decoder.row(element, rowType));
  else
    decoder.extra(op, decoder.row(value, rowType));
  bool isParam =
      window(op) == Window::KernelParam || window(op) == Window::ParamArea;
  if (isParam && !isInside(where, uint64_t(ptx::byteSize(type)) * op.count))
    return decoder.unsupported("it reaches past the parameter");
  op.handler = isStore ? storeHandler(type, width) : loadHandler(type, width);
}

} // namespace moe::ptxsim
