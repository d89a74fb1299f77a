// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor maps that kernels make: tensormap.replace, tensormap.cp_fenceproxy,
// fence.proxy.tensormap.
#include "BulkCopy.h"
#include "Lanes.h"

#include <algorithm>
#include <iterator>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

/// The data type of CUtensorMapDataType that .elemtype stands for.
constexpr uint8_t dataTypes[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 8, 9, 11, 12};

void replaceField(const Op &op, unsigned lane, TensorMap &map, uint64_t value) {
  uint32_t which = op.width;
  auto atMost = [&](uint64_t most) {
    if (value > most)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "a value of " + std::to_string(value) + "; at most " +
                  std::to_string(most) + " is possible");
  };
  switch (Modifier(op.imm)) {
  case Modifier::GlobalAddress:
    map.globalAddress = value;
    break;
  case Modifier::Rank: // one less than there are dimensions
    atMost(4);
    map.rank = uint8_t(value + 1);
    break;
  case Modifier::BoxDim:
    atMost(256);
    map.box[which] = uint16_t(value);
    break;
  case Modifier::GlobalDim:
    map.dims[which] = uint32_t(value);
    break;
  case Modifier::ElementStride:
    atMost(8);
    map.elementStrides[which] = uint8_t(value);
    break;
  case Modifier::GlobalStride:
    map.strides[which] = value;
    break;
  case Modifier::Elemtype:
    map.dataType = dataTypes[value];
    break;
  case Modifier::InterleaveLayout:
    map.interleave = uint8_t(value);
    break;
  case Modifier::SwizzleMode:
    map.swizzle = uint8_t(value);
    break;
  default:
    map.oobFill = uint8_t(value);
  }
}

/// Extras: the address. o[3]: the row of the new value, mode: the bytes of
/// each; imm: which field, width: which dimension.
void replace(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *words = warp.extras(op);
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint64_t address = addressOf(warp, words, lane);
    const Memory &memory = *warp.block->grid->memory;
    bool shared =
        window(op) == Window::Shared ||
        (window(op) == Window::Generic && memory.inSharedWindow(address));
    std::byte *at = reinterpret_cast<std::byte *>(address);
    if (shared)
      at = sharedPlace(op, warp, lane, window(op), address, sizeof(TensorMap),
                       alignof(TensorMap))
               .pointer();
    else
      checkGlobal(op, warp, lane, address, sizeof(TensorMap), true);
    if (address % alignof(TensorMap))
      faultOf(op, ErrorKind::Misaligned, lane,
              "a tensor map that is not aligned to 64 bytes");
    TensorMap map;
    std::memcpy(&map, at, sizeof map);
    // Kernels make maps out of zeros or out of those of the host.
    auto *bytes = reinterpret_cast<const std::byte *>(&map);
    bool empty = std::all_of(bytes, bytes + sizeof map,
                             [](std::byte b) { return b == std::byte(0); });
    if (map.magic != TensorMap::magicNumber && !empty)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "this is neither a tensor map nor zeros");
    map.magic = TensorMap::magicNumber;
    uint64_t value = op.mode == 8 ? warp.row<uint64_t>(op.o[3])[lane]
                                  : warp.row<uint32_t>(op.o[3])[lane];
    replaceField(op, lane, map, value);
    std::memcpy(at, &map, sizeof map);
  }
}

/// Extras: destination, source. All lanes name the same.
void copyMap(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *words = warp.extras(op);
  unsigned lane = firstLane(mask);
  Address to = addressOf(warp, words, lane);
  SharedPlace from = sharedPlace(op, warp, lane, Window::Shared,
                                 addressOf(warp, words + wordsOfAddress, lane),
                                 sizeof(TensorMap), 128);
  checkGlobal(op, warp, lane, to, sizeof(TensorMap), true);
  if (to % 128)
    faultOf(op, ErrorKind::Misaligned, lane,
            "a destination that is not aligned to 128 bytes");
  std::memcpy(reinterpret_cast<void *>(to), from.pointer(), sizeof(TensorMap));
}

/// Extras: the address of a map that copies have to look at again.
void forgetMap(const Op &op, Warp &warp, uint32_t mask) {
  for (unsigned lane = 0; lane < lanes; ++lane)
    if (mask >> lane & 1)
      warp.block->cluster->seenMaps.erase(
          addressOf(warp, warp.extras(op), lane));
}

} // namespace

void decodeTensorMapFence(Decoder &decoder, const ptx::Instruction &instruction,
                          Op &op) {
  addAddress(decoder, op, instruction.operands[0]);
  op.handler = forgetMap;
}

void decodeTensorMap(Decoder &decoder, const ptx::Instruction &instruction,
                     Op &op) {
  const auto &operands = instruction.operands;
  addAddress(decoder, op, operands[0]);
  if (instruction.opcode == Opcode::TensormapCpFenceproxy) {
    addAddress(decoder, op, operands[1]);
    op.flow = Flow::Sync;
    op.handler = copyMap;
    return;
  }
  Op address;
  if (!decodeAddress(decoder, operands[0], instruction.space(), address))
    return;
  op.flags = address.flags;
  Modifier field = instruction.modifier(ptx::ModifierClass::TensorField);
  op.imm = int64_t(field);
  op.width = uint8_t(operands.size() > 2 ? operands[1].integer : 0);
  Type type = instruction.type(1);
  op.mode = uint8_t(ptx::byteSize(type));
  op.o[3] = decoder.row(operands.back(), type);
  int64_t most = field == Modifier::Elemtype           ? 12
                 : field == Modifier::InterleaveLayout ? 2
                 : field == Modifier::SwizzleMode      ? 3
                 : field == Modifier::FillMode         ? 1
                                                       : -1;
  if (field == Modifier::SwizzleAtomicity ||
      (most >= 0 && operands.back().integer > most))
    return decoder.unsupported("a value of this field");
  op.handler = replace;
}

} // namespace moe::ptxsim
