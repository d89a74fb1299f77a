// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/TensorMap.h"

#include <iterator>

namespace moe::ptxsim {

namespace {
enum : uint8_t { interleaveNone, interleave16, interleave32 };
enum : uint8_t {
  swizzleNone,
  swizzle32,
  swizzle64,
  swizzle128,
  swizzleLast = 6
};

/// UINT8 to TFLOAT32_FTZ, in the order of CUtensorMapDataType.
constexpr uint8_t bytesOfType[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
constexpr uint8_t firstFloat = 6;

std::string number(uint64_t value) { return std::to_string(value); }

/// Bytes that a swizzle permutes: no row of the box may be longer.
unsigned swizzleSpan(uint8_t swizzle) {
  switch (swizzle) {
  case swizzle32:
    return 32;
  case swizzle64:
    return 64;
  default:
    return 128;
  }
}
} // namespace

unsigned TensorMap::elementBytes(uint8_t dataType) {
  return dataType < std::size(bytesOfType) ? bytesOfType[dataType] : 0;
}

std::string TensorMap::validate() const {
  unsigned bytes = elementBytes(dataType);
  if (bytes == 0)
    return "data type " + number(dataType) + " is not supported";
  if (rank < 1 || rank > 5)
    return "rank must be 1 to 5, got " + number(rank);
  if (interleave > interleave32 || swizzle > swizzleLast || oobFill > 1)
    return "interleave " + number(interleave) + ", swizzle " + number(swizzle) +
           " or fill " + number(oobFill) + " is unknown";
  if (im2col)
    return "im2col is not supported";
  unsigned alignment = interleave == interleave32 ? 32 : 16;
  if (globalAddress % alignment != 0)
    return "global address must be a multiple of " + number(alignment) +
           ", got " + number(globalAddress);
  for (unsigned i = 0; i + 1 < rank; ++i)
    if (strides[i] % alignment != 0 || strides[i] >= (uint64_t(1) << 40))
      return "stride " + number(i) + " must be a multiple of " +
             number(alignment) + " below 2^40, got " + number(strides[i]);
  for (unsigned i = 0; i < rank; ++i) {
    if (box[i] < 1 || box[i] > 256)
      return "box dimension " + number(i) + " must be 1 to 256, got " +
             number(box[i]);
    if (elementStrides[i] < 1 || elementStrides[i] > 8)
      return "element stride " + number(i) + " must be 1 to 8, got " +
             number(elementStrides[i]);
  }
  if (interleave != interleaveNone && rank < 3)
    return "interleaving needs a rank of at least 3, got " + number(rank);
  if (interleave == interleave32 && swizzle != swizzle32)
    return "interleaving by 32 bytes needs the swizzle of 32 bytes";
  unsigned row = box[0] * bytes;
  if (interleave == interleaveNone && row % 16 != 0)
    return "a row of the box must be a multiple of 16 bytes, got " +
           number(row);
  if (interleave == interleaveNone && swizzle != swizzleNone &&
      row > swizzleSpan(swizzle))
    return "a row of the box must have at most " +
           number(swizzleSpan(swizzle)) + " bytes with this swizzle, got " +
           number(row);
  if (oobFill == 1 && dataType < firstFloat)
    return "NaN as fill needs a type of floating point";
  return "";
}

} // namespace moe::ptxsim
