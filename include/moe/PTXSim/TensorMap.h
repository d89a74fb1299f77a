// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The 128 opaque bytes of a tensor map. Silicon keeps its layout secret, so
// encoder (driver), tensormap.replace and copies agree on this one.
#ifndef MOE_PTXSIM_TENSORMAP_H
#define MOE_PTXSIM_TENSORMAP_H

#include <cstdint>
#include <string>

namespace moe::ptxsim {

/// Values of the enumerations are those of CUtensorMap*.
struct alignas(64) TensorMap {
  static constexpr uint32_t magicNumber = 0x4d544b31;

  uint32_t magic = magicNumber;
  uint8_t rank = 0;       ///< 1 to 5
  uint8_t dataType = 0;   ///< CUtensorMapDataType
  uint8_t interleave = 0; ///< 0: none, 1: 16 bytes, 2: 32 bytes
  uint8_t swizzle = 0;    ///< 0: none, 1: 32, 2: 64, 3: 128 bytes, 4…: atoms
  uint8_t l2Promotion = 0;
  uint8_t oobFill = 0; ///< 0: zeros, 1: NaN
  uint8_t im2col = 0;
  uint8_t reserved0 = 0;
  uint32_t reserved1 = 0;
  uint64_t globalAddress = 0;
  uint64_t strides[4] = {}; ///< bytes; of dimensions 1 to 4
  uint32_t dims[5] = {};    ///< elements, dimension 0 is the contiguous one
  uint16_t box[5] = {};
  uint8_t elementStrides[5] = {};
  uint8_t reserved2[37] = {};

  /// Bytes of an element; 0 of an unknown type.
  static unsigned elementBytes(uint8_t dataType);
  /// The rules of cuTensorMapEncodeTiled; empty: it keeps them, else which one
  /// is broken.
  std::string validate() const;
};
static_assert(sizeof(TensorMap) == 128, "a tensor map has 128 bytes");

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_TENSORMAP_H
