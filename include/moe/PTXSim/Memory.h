// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memory of a virtual GPU: one reserved range of addresses with red zones
// between allocations. A device address is also a host address, so managed and
// page-locked memory need nothing of their own.
#ifndef MOE_PTXSIM_MEMORY_H
#define MOE_PTXSIM_MEMORY_H

#include "moe/PTXSim/Error.h"

#include <cstddef>
#include <map>
#include <vector>

namespace moe::ptxsim {

using Address = uint64_t;

enum class AllocationKind : uint8_t {
  Device,
  Managed,
  Host,       ///< page-locked, made by allocate()
  Registered, ///< memory of the process, see registerHost()
  Variable,   ///< a module-scope variable or a block of parameters
};

struct Allocation {
  Address address = 0;
  uint64_t bytes = 0;
  AllocationKind kind = AllocationKind::Device;
  bool readOnly = false; ///< constants: kernels must not write
};

class Memory {
public:
  explicit Memory(uint64_t capacity);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// At least `bytes` (> 0) at an address that `alignment` (a power of two)
  /// divides; what it holds is undefined. 0 when no memory is left.
  Address allocate(uint64_t bytes, uint64_t alignment = 256,
                   AllocationKind kind = AllocationKind::Device,
                   bool readOnly = false);
  /// Frees what allocate() returned.
  Error free(Address address);

  /// Makes memory of the process reachable for kernels.
  Error registerHost(void *pointer, uint64_t bytes);
  Error unregisterHost(void *pointer);

  /// Checked accesses of the host: the whole range lies in one allocation.
  Error read(Address from, void *to, uint64_t bytes) const;
  Error write(Address to, const void *from, uint64_t bytes);
  Error copy(Address to, Address from, uint64_t bytes);
  /// Writes `count` times the `width` (1, 2, 4) low bytes of `value`.
  Error fill(Address to, uint32_t value, unsigned width, uint64_t count);

  /// The allocation that holds the address, or null.
  const Allocation *find(Address address) const;
  /// Says why [address, address + bytes) is not in one allocation:
  /// "12 bytes past the end of the allocation of 64 bytes at 0x…".
  std::string describe(Address address, uint64_t bytes) const;
  Error check(Address address, uint64_t bytes) const;

  /// From now on remembers which bytes of Device allocations were written; the
  /// host writes the others as it likes.
  void trackDefined() { tracking = true; }
  /// A bit a byte of the allocation at that address; null: all are defined.
  uint64_t *definedBits(Address allocation) const;

  uint64_t capacity() const { return capacityBytes; }
  uint64_t used() const { return usedBytes; }
  const std::map<Address, Allocation> &allocations() const { return live; }

  /// Generic addresses of the shared windows: block `rank` of a cluster has its
  /// shared memory at sharedWindow() + (rank << sharedRankShift).
  static constexpr unsigned sharedRankShift = 24;
  static constexpr uint64_t sharedWindowBytes = 16ull << sharedRankShift;
  static constexpr uint64_t localWindowBytes = 1ull << 28;
  Address sharedWindow() const { return base; }
  Address localWindow() const { return base + sharedWindowBytes; }
  bool inSharedWindow(Address a) const {
    return a - sharedWindow() < sharedWindowBytes;
  }
  bool inLocalWindow(Address a) const {
    return a - localWindow() < localWindowBytes;
  }

private:
  /// Marks bytes as written, or as much so as others are.
  void define(Address to, uint64_t bytes, Address from = 0);
  Address arena() const { return localWindow() + localWindowBytes; }

  Address base = 0;
  uint64_t reserved = 0;
  uint64_t capacityBytes, usedBytes = 0;
  std::map<Address, Allocation> live;
  /// Freed ranges, for "use after free"; holes are found from `live`.
  std::map<Address, Allocation> freed;
  bool tracking = false;
  mutable std::map<Address, std::vector<uint64_t>> defined;
};

} // namespace moe::ptxsim

#endif // MOE_PTXSIM_MEMORY_H
