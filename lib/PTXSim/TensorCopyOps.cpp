// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async.bulk.tensor and its reductions: boxes of tensors that tensor maps
// describe. Between reading and writing a box is a dense array of elements.
#include "BulkCopy.h"
#include "Lanes.h"
#include "Mbarrier.h"

#include <algorithm>

namespace moe::ptxsim {

using ptx::Modifier;
using ptx::Opcode;
using ptx::Type;

namespace {

constexpr uint32_t alignmentOfTile = 128, alignmentOfMap = 64;

/// Of CUtensorMapDataType.
enum : uint8_t {
  uint8Type,
  uint16Type,
  uint32Type,
  int32Type,
  uint64Type,
  int64Type,
  float16Type,
  float32Type,
  float64Type,
  bfloat16Type,
  float32FtzType,
  tfloat32Type,
  tfloat32FtzType
};

/// Elements of the box along a dimension. Along the first one the ISA knows no
/// stride but with interleaving.
uint32_t countOf(const TensorMap &map, unsigned dimension) {
  uint32_t stride = dimension ? map.elementStrides[dimension] : 1;
  return (map.box[dimension] + stride - 1) / stride;
}

/// Calls `row(place, address, first, last)` for each row of the box: its place
/// in the dense box, the address that its element 0 has or would have, and the
/// elements that are in the tensor.
template <class F>
void forEachRow(const AsyncRecord &record, F row) {
  const TensorMap &map = record.map;
  uint64_t bytes = TensorMap::elementBytes(map.dataType);
  uint32_t index[5] = {};
  auto extent = [&](unsigned i) {
    return map.dims[i] ? int64_t(map.dims[i]) : int64_t(1) << 32;
  };
  int64_t start = record.coordinates[0], width = countOf(map, 0);
  int64_t first = std::clamp<int64_t>(-start, 0, width);
  int64_t last = std::clamp<int64_t>(extent(0) - start, first, width);
  for (uint64_t place = 0;; place += uint64_t(width) * bytes) {
    Address address = map.globalAddress + uint64_t(start) * bytes;
    bool inside = true;
    for (unsigned i = 1; i < map.rank; ++i) {
      int64_t at =
          record.coordinates[i] + int64_t(index[i]) * map.elementStrides[i];
      inside &= at >= 0 && at < extent(i);
      address += uint64_t(at) * map.strides[i - 1];
    }
    row(place, address, uint64_t(first), uint64_t(inside ? last : first));
    unsigned i = 1;
    while (i < map.rank && ++index[i] == countOf(map, i))
      index[i++] = 0;
    if (i >= map.rank)
      return;
  }
}

/// Where a byte of the dense box lies: the swizzle exchanges 16-byte parts of
/// 128-byte lines by bits of the address in shared memory.
uint32_t swizzled(const TensorMap &map, uint32_t offset) {
  uint32_t bits = map.swizzle ? (1u << map.swizzle) - 1 : 0;
  return offset ^ (offset >> 7 & bits) << 4;
}

template <class F>
void forEachPart(const AsyncRecord &record, const SharedPlace &tile, F part) {
  for (uint64_t i = 0; i < record.bytes; i += 16)
    part(i,
         tile.block->sharedBase +
             swizzled(record.map, tile.offset + uint32_t(i)),
         std::min<uint64_t>(16, record.bytes - i));
}

/// What stands for elements outside of the tensor.
void fillOutside(const TensorMap &map, std::vector<std::byte> &data) {
  if (!map.oobFill)
    return;
  unsigned bytes = TensorMap::elementBytes(map.dataType);
  uint64_t nan = map.dataType == float64Type ? 0x7fffffffffffffff
                 : bytes == 2                ? 0x7fff
                                             : 0x7fffffff;
  for (size_t i = 0; i < data.size(); i += bytes)
    std::memcpy(&data[i], &nan, bytes);
}

void convertLoaded(const TensorMap &map, std::byte *values, uint64_t count) {
  if (map.dataType < float32FtzType)
    return;
  for (uint64_t i = 0; i < count; ++i) {
    float value;
    std::memcpy(&value, values + 4 * i, 4);
    if (map.dataType != tfloat32Type)
      value = flushSubnormal(value);
    if (map.dataType != float32FtzType)
      value = bitCast<float>(encodeTF32(value, Rounding::NearestEven));
    std::memcpy(values + 4 * i, &value, 4);
  }
}

/// The type that a reduction of the tensor's elements has; None: it has none.
Type reductionType(uint8_t dataType, Modifier operation) {
  bool bitwise = operation == Modifier::And || operation == Modifier::Or ||
                 operation == Modifier::Xor;
  switch (dataType) {
  case uint32Type:
    return bitwise ? Type::B32 : Type::U32;
  case int32Type:
    return bitwise ? Type::B32 : Type::S32;
  case uint64Type:
    return bitwise ? Type::B64 : Type::U64;
  case int64Type:
    return bitwise ? Type::B64 : Type::S64;
  case float16Type:
    return Type::F16;
  case bfloat16Type:
    return Type::BF16;
  case float32Type:
  case float32FtzType:
    return Type::F32;
  default:
    return Type::None;
  }
}

enum class Copy : uint8_t { Load, Store, Reduce };

/// Of Code::extras: tile, mbarrier and tensor map, then these rows.
enum : unsigned { tileAddress, barrierAddress = wordsOfAddress };
enum : unsigned { mapAddress = 2 * wordsOfAddress };
enum : unsigned { maskRow = 3 * wordsOfAddress, coordinateRows };

/// mode: Copy; width: coordinates.
void issueTensor(const Op &op, Warp &warp, uint32_t mask) {
  const uint32_t *words = warp.extras(op);
  Copy copy = Copy(op.mode);
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    AsyncRecord record;
    record.op = &op;
    record.warp = &warp;
    record.lane = lane;
    record.global = addressOf(warp, words + mapAddress, lane);
    record.map = readTensorMap(op, warp, lane, record.global);
    if (record.map.rank != op.width)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "the tensor map has " + std::to_string(record.map.rank) +
                  " dimensions");
    for (unsigned i = 0; i < op.width; ++i)
      record.coordinates[i] =
          warp.row<int32_t>(words[coordinateRows + i])[lane];
    record.bytes = boxBytes(record.map);
    // A swizzle stays in as many bytes as it exchanges.
    uint64_t span = uint64_t(16) << record.map.swizzle;
    uint64_t bytes = (record.bytes + span - 1) / span * span;
    SharedPlace tile = sharedPlace(
        op, warp, lane, copy == Copy::Load ? Window::Cluster : Window::Shared,
        addressOf(warp, words + tileAddress, lane), bytes, alignmentOfTile);
    if (copy != Copy::Load) {
      Modifier operation = op.source->modifier(ptx::ModifierClass::Operation);
      Type type = reductionType(record.map.dataType, operation);
      if (copy == Copy::Reduce &&
          (type == Type::None ||
           !reductionOf(type, operation, /*isShared=*/false)))
        faultOf(op, ErrorKind::IllegalInstruction, lane,
                "tensors of data type " + std::to_string(record.map.dataType) +
                    " have no such reduction");
      record.from = tile;
      record.read = readTile;
      record.write = copy == Copy::Store ? writeTensor : reduceTensor;
      addToGroup(record);
      warp.block->cluster->issue(std::move(record));
      continue;
    }
    record.to = tile;
    record.read = readTensor;
    record.write = writeTile;
    record.barrier = sharedPlace(op, warp, lane, Window::Cluster,
                                 addressOf(warp, words + barrierAddress, lane),
                                 mbarrierBytes, mbarrierBytes);
    if (words[maskRow] != noRow) {
      issueMulticast(std::move(record),
                     warp.row<uint16_t>(words[maskRow])[lane]);
      continue;
    }
    if (record.barrier.block != record.to.block)
      faultOf(op, ErrorKind::IllegalInstruction, lane,
              "the mbarrier at " + describe(record.barrier) +
                  " is not in the block of the destination, " +
                  describe(record.to));
    warp.block->cluster->issue(std::move(record));
  }
}

} // namespace

void forEachGlobalRange(const AsyncRecord &record,
                        const std::function<void(Address, uint64_t)> &range) {
  if (!record.map.rank)
    return range(record.global, record.bytes);
  // Rows that follow each other are one range.
  uint64_t bytes = TensorMap::elementBytes(record.map.dataType);
  Address begin = 0, end = 0;
  forEachRow(record,
             [&](uint64_t, Address address, uint64_t first, uint64_t last) {
               if (first == last)
                 return;
               if (address + first * bytes != end) {
                 if (begin != end)
                   range(begin, end - begin);
                 begin = address + first * bytes;
               }
               end = address + last * bytes;
             });
  if (begin != end)
    range(begin, end - begin);
}

uint64_t boxBytes(const TensorMap &map) {
  uint64_t bytes = TensorMap::elementBytes(map.dataType);
  for (unsigned i = 0; i < map.rank; ++i)
    bytes *= countOf(map, i);
  return bytes;
}

TensorMap readTensorMap(const Op &op, const Warp &warp, unsigned lane,
                        Address address) {
  checkGlobal(op, warp, lane, address, sizeof(TensorMap), false);
  if (address % alignmentOfMap)
    faultOf(op, ErrorKind::Misaligned, lane,
            "a tensor map that is not aligned to 64 bytes");
  TensorMap map;
  std::memcpy(&map, reinterpret_cast<const void *>(address), sizeof map);
  if (warp.block->grid->device->options.async != AsyncOrder::Early)
    map = warp.block->cluster->seenMaps.try_emplace(address, map).first->second;
  if (map.magic != TensorMap::magicNumber)
    faultOf(op, ErrorKind::IllegalInstruction, lane, "this is no tensor map");
  std::string broken = map.validate();
  if (!broken.empty())
    faultOf(op, ErrorKind::IllegalInstruction, lane, "tensor map: " + broken);
  if (map.interleave)
    faultOf(op, ErrorKind::Unsupported, lane,
            "interleaved tensors are not supported");
  if (map.swizzle > 3)
    faultOf(op, ErrorKind::Unsupported, lane,
            "the swizzle " + std::to_string(map.swizzle) + " came with sm_100");
  return map;
}

void readTensor(AsyncRecord &record) {
  uint64_t bytes = TensorMap::elementBytes(record.map.dataType);
  record.data.assign(record.bytes, std::byte(0));
  fillOutside(record.map, record.data);
  forEachRow(record, [&](uint64_t place, Address address, uint64_t first,
                         uint64_t last) {
    uint64_t size = (last - first) * bytes;
    if (!size)
      return;
    Address begin = address + first * bytes;
    checkGlobal(*record.op, *record.warp, record.lane, begin, size, false);
    std::byte *to = &record.data[place + first * bytes];
    std::memcpy(to, reinterpret_cast<const void *>(begin), size);
    convertLoaded(record.map, to, last - first);
  });
}

void writeTile(AsyncRecord &record) {
  forEachPart(record, record.to,
              [&](uint64_t at, std::byte *to, uint64_t bytes) {
                std::memcpy(to, &record.data[at], bytes);
              });
  tellMbarrier(record);
}

void readTile(AsyncRecord &record) {
  record.data.resize(record.bytes);
  forEachPart(record, record.from,
              [&](uint64_t at, const std::byte *from, uint64_t bytes) {
                std::memcpy(&record.data[at], from, bytes);
              });
}

void writeTensor(AsyncRecord &record) {
  uint64_t bytes = TensorMap::elementBytes(record.map.dataType);
  forEachRow(record, [&](uint64_t place, Address address, uint64_t first,
                         uint64_t last) {
    uint64_t size = (last - first) * bytes;
    if (!size)
      return;
    Address begin = address + first * bytes;
    checkGlobal(*record.op, *record.warp, record.lane, begin, size, true);
    std::memcpy(reinterpret_cast<void *>(begin),
                &record.data[place + first * bytes], size);
  });
}

void reduceTensor(AsyncRecord &record) {
  uint64_t bytes = TensorMap::elementBytes(record.map.dataType);
  Modifier operation =
      record.op->source->modifier(ptx::ModifierClass::Operation);
  Reduction reduce =
      reductionOf(reductionType(record.map.dataType, operation), operation,
                  /*isShared=*/false);
  forEachRow(record, [&](uint64_t place, Address address, uint64_t first,
                         uint64_t last) {
    checkGlobal(*record.op, *record.warp, record.lane, address + first * bytes,
                (last - first) * bytes, true);
    for (uint64_t i = first; i < last; ++i)
      reduce(reinterpret_cast<std::byte *>(address + i * bytes),
             &record.data[place + i * bytes]);
  });
}

void decodeTensorCopy(Decoder &decoder, const ptx::Instruction &instruction,
                      Op &op) {
  Modifier how = instruction.modifier(ptx::ModifierClass::LoadMode);
  if (how != Modifier::None && how != Modifier::Tile)
    return decoder.unsupported("only tiles, not im2col");
  if (instruction.opcode == Opcode::CpAsyncBulkPrefetchTensor) {
    op.handler = [](const Op &, Warp &, uint32_t) {}; // a hint
    return;
  }
  const auto &operands = instruction.operands;
  bool reduces = instruction.opcode == Opcode::CpReduceAsyncBulkTensor;
  bool stores = reduces || instruction.space(0) == ptx::Space::Global;
  const ptx::Operand &tensor = operands[stores ? 0 : 1];
  op.mode = uint8_t(reduces ? Copy::Reduce : stores ? Copy::Store : Copy::Load);
  op.width = uint8_t(tensor.coordinates()->elements.size());
  addAddress(decoder, op, operands[stores ? 1 : 0]);
  addAddress(decoder, op, operands[stores ? 1 : 2]);
  addAddress(decoder, op, tensor);
  decoder.extra(op, instruction.has(Modifier::MulticastCluster)
                        ? decoder.row(operands[3], Type::U16)
                        : noRow);
  for (const ptx::Operand &coordinate : tensor.coordinates()->elements)
    decoder.extra(op, decoder.row(coordinate, Type::S32));
  op.handler = issueTensor;
}

} // namespace moe::ptxsim
