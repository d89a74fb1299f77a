// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/PTXSim/Memory.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace moe::ptxsim {

namespace {

constexpr uint64_t redZone = 512;
/// Where the range goes if it is free, so that addresses of a program are the
/// same in every run.
constexpr uint64_t preferredBase = 0x200000000000;

uint64_t roundUp(uint64_t value, uint64_t to) {
  return (value + to - 1) / to * to;
}

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

} // namespace

Memory::Memory(uint64_t capacity) : capacityBytes(capacity) {
  // Twice the capacity: freed addresses are not used again at once.
  reserved = sharedWindowBytes + localWindowBytes + 2 * capacity;
  void *range =
      mmap(reinterpret_cast<void *>(preferredBase), reserved, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) {
    reserved = 0;
    capacityBytes = 0;
    return;
  }
  base = reinterpret_cast<Address>(range);
}

Memory::~Memory() {
  if (reserved)
    munmap(reinterpret_cast<void *>(base), reserved);
}

Address Memory::allocate(uint64_t bytes, uint64_t alignment,
                         AllocationKind kind, bool readOnly) {
  if (!bytes || bytes > capacityBytes - usedBytes)
    return 0;
  if (alignment < 256)
    alignment = 256;
  // Behind the last allocation first; then in the first hole.
  Address end = base + reserved;
  auto fits = [&](Address from, Address to) -> Address {
    Address at = roundUp(from + redZone, alignment);
    return at + bytes + redZone <= to && at >= from ? at : 0;
  };
  Address last = arena();
  for (auto it = live.rbegin(); it != live.rend(); ++it)
    if (it->first >= arena() && it->first < end) {
      last = it->first + it->second.bytes;
      break;
    }
  if (!freed.empty()) {
    const Allocation &dead = freed.rbegin()->second;
    last = std::max(last, dead.address + dead.bytes);
  }
  Address at = fits(last, end);
  if (!at) {
    Address from = arena();
    for (auto it = live.lower_bound(arena()); !at; ++it) {
      bool over = it == live.end() || it->first >= end;
      at = fits(from, over ? end : it->first);
      if (over)
        break;
      from = it->first + it->second.bytes;
    }
  }
  if (!at)
    return 0;
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  Address first = at / page * page;
  if (mprotect(reinterpret_cast<void *>(first),
               roundUp(at + bytes, page) - first, PROT_READ | PROT_WRITE))
    return 0;
  // Freed ranges that this one covers are no longer "freed".
  for (auto it = freed.begin(); it != freed.end();)
    it = it->first < at + bytes && at < it->first + it->second.bytes
             ? freed.erase(it)
             : std::next(it);
  live[at] = {at, bytes, kind, readOnly};
  if (tracking && kind == AllocationKind::Device)
    defined[at].resize((bytes + 63) / 64);
  usedBytes += bytes;
  return at;
}

Error Memory::free(Address address) {
  auto it = live.find(address);
  if (it == live.end() || it->second.kind == AllocationKind::Registered)
    return Error::make(ErrorKind::InvalidValue,
                       "free of " + hex(address) + ": " + describe(address, 1));
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  Address first = roundUp(address, page);
  Address last = (address + it->second.bytes) / page * page;
  if (last > first)
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
  usedBytes -= it->second.bytes;
  if (freed.size() >= 4096)
    freed.erase(freed.begin());
  freed[address] = it->second;
  defined.erase(address);
  live.erase(it);
  return {};
}

Error Memory::registerHost(void *pointer, uint64_t bytes) {
  Address address = reinterpret_cast<Address>(pointer);
  auto next = live.lower_bound(address);
  bool overlaps =
      (next != live.end() && next->first < address + bytes) || find(address);
  if (!pointer || !bytes || overlaps)
    return Error::make(ErrorKind::InvalidValue,
                       "the range at " + hex(address) + " of " +
                           std::to_string(bytes) +
                           " bytes is empty or already known");
  live[address] = {address, bytes, AllocationKind::Registered, false};
  return {};
}

Error Memory::unregisterHost(void *pointer) {
  auto it = live.find(reinterpret_cast<Address>(pointer));
  if (it == live.end() || it->second.kind != AllocationKind::Registered)
    return Error::make(ErrorKind::InvalidValue,
                       "the memory at " +
                           hex(reinterpret_cast<Address>(pointer)) +
                           " is not registered");
  live.erase(it);
  return {};
}

const Allocation *Memory::find(Address address) const {
  auto it = live.upper_bound(address);
  if (it == live.begin())
    return nullptr;
  const Allocation &allocation = std::prev(it)->second;
  return address - allocation.address < allocation.bytes ? &allocation
                                                         : nullptr;
}

std::string Memory::describe(Address address, uint64_t bytes) const {
  auto of = [&](const Allocation &a) {
    return "the allocation of " + std::to_string(a.bytes) + " bytes at " +
           hex(a.address);
  };
  if (address < 4096)
    return "a null pointer";
  if (const Allocation *allocation = find(address))
    return std::to_string(address + bytes - allocation->address -
                          allocation->bytes) +
           " bytes past the end of " + of(*allocation);
  auto dead = freed.upper_bound(address);
  if (dead != freed.begin()) {
    const Allocation &a = std::prev(dead)->second;
    if (address - a.address < a.bytes)
      return "freed memory: in " + of(a);
  }
  auto next = live.upper_bound(address);
  if (next != live.begin()) {
    const Allocation &a = std::prev(next)->second;
    if (address - a.address - a.bytes < (1 << 20))
      return std::to_string(address - a.address - a.bytes) +
             " bytes behind the end of " + of(a);
  }
  if (next != live.end() && next->first - address < (1 << 20))
    return std::to_string(next->first - address) + " bytes before " +
           of(next->second);
  return "no allocation is near";
}

Error Memory::check(Address address, uint64_t bytes) const {
  const Allocation *allocation = find(address);
  if (!bytes || (allocation &&
                 bytes <= allocation->bytes - (address - allocation->address)))
    return {};
  return Error::make(ErrorKind::InvalidValue,
                     std::to_string(bytes) + " bytes at " + hex(address) +
                         ": " + describe(address, bytes));
}

uint64_t *Memory::definedBits(Address allocation) const {
  auto it = defined.find(allocation);
  return it == defined.end() ? nullptr : it->second.data();
}

void Memory::define(Address to, uint64_t bytes, Address from) {
  if (!tracking || !bytes)
    return;
  Address base = find(to)->address;
  uint64_t *bits = definedBits(base);
  if (!bits)
    return;
  Address sourceBase = from ? find(from)->address : 0;
  const uint64_t *source = from ? definedBits(sourceBase) : nullptr;
  std::vector<bool> moved; // the ranges may overlap
  for (uint64_t i = 0; source && i < bytes; ++i) {
    uint64_t at = from - sourceBase + i;
    moved.push_back(source[at / 64] >> at % 64 & 1);
  }
  for (uint64_t i = 0; i < bytes;) {
    uint64_t at = to - base + i;
    if (!source && at % 64 == 0 && bytes - i >= 64) {
      bits[at / 64] = ~uint64_t(0);
      i += 64;
      continue;
    }
    uint64_t one = uint64_t(1) << at % 64;
    if (!source || moved[i])
      bits[at / 64] |= one;
    else
      bits[at / 64] &= ~one;
    ++i;
  }
}

Error Memory::read(Address from, void *to, uint64_t bytes) const {
  if (Error error = check(from, bytes))
    return error;
  std::memcpy(to, reinterpret_cast<const void *>(from), bytes);
  return {};
}

Error Memory::write(Address to, const void *from, uint64_t bytes) {
  if (Error error = check(to, bytes))
    return error;
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  define(to, bytes);
  return {};
}

Error Memory::copy(Address to, Address from, uint64_t bytes) {
  if (Error error = check(to, bytes))
    return error;
  if (Error error = check(from, bytes))
    return error;
  std::memmove(reinterpret_cast<void *>(to),
               reinterpret_cast<const void *>(from), bytes);
  define(to, bytes, from);
  return {};
}

Error Memory::fill(Address to, uint32_t value, unsigned width, uint64_t count) {
  if ((width != 1 && width != 2 && width != 4) || to % width)
    return Error::make(ErrorKind::InvalidValue, "a fill of elements of " +
                                                    std::to_string(width) +
                                                    " bytes at " + hex(to));
  if (Error error = check(to, count * width))
    return error;
  define(to, count * width);
  if (width == 1) {
    std::memset(reinterpret_cast<void *>(to), int(value & 0xff), count);
    return {};
  }
  for (uint64_t i = 0; i < count; ++i)
    std::memcpy(reinterpret_cast<void *>(to + i * width), &value, width);
  return {};
}

} // namespace moe::ptxsim
