// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011): a counter-based generator, so draw n of a seed is the
// same on every machine and needs no draw before it.
#ifndef MOE_RUNTIME_RANDOM_H
#define MOE_RUNTIME_RANDOM_H

#include <array>
#include <cstdint>

namespace moe::rt {

/// Ten rounds of Philox on a 128-bit counter with a 64-bit key.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                                         std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Draw `index` of `seed`: uniform in [0, 1), 53 bits.
constexpr double uniform(uint64_t seed, uint64_t index) {
  std::array<uint32_t, 4> words = philox(
      {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), 0, 0},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t bits = uint64_t{words[0]} << 32 | words[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

} // namespace moe::rt

#endif // MOE_RUNTIME_RANDOM_H
