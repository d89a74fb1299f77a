// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Error.h"
#include "moe/Runtime/MappedFile.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <utility>

using namespace moe::rt;

namespace {

/// The number after `key` in a "key   number kB" file of /proc, in bytes.
uint64_t readProcKilobytes(const char *path, const char *key,
                           uint64_t otherwise) {
  std::FILE *file = std::fopen(path, "re");
  if (!file)
    return otherwise;
  char line[256];
  uint64_t result = otherwise;
  while (std::fgets(line, sizeof line, file)) {
    unsigned long long kilobytes;
    if (std::strncmp(line, key, std::strlen(key)) == 0 &&
        std::sscanf(line + std::strlen(key), "%llu", &kilobytes) == 1) {
      result = uint64_t{kilobytes} * 1024;
      break;
    }
  }
  std::fclose(file);
  return result;
}

/// The limit of the control group, if it has one.
uint64_t controlGroupLimit() {
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  for (const char *path : {"/sys/fs/cgroup/memory.max",
                           "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::FILE *file = std::fopen(path, "re");
    if (!file)
      continue;
    unsigned long long value;
    if (std::fscanf(file, "%llu", &value) == 1)
      limit = std::min<uint64_t>(limit, value);
    std::fclose(file);
  }
  return limit;
}

} // namespace

uint64_t moe::rt::availableMemory() {
  constexpr uint64_t unknown = std::numeric_limits<uint64_t>::max();
  uint64_t machine =
      readProcKilobytes("/proc/meminfo", "MemAvailable:", unknown);
  if (machine != unknown)
    machine += readProcKilobytes("/proc/meminfo", "SwapFree:", 0);
  return std::min(machine, controlGroupLimit());
}

uint64_t moe::rt::peakResidentBytes() {
  // Not getrusage: its maximum outlives exec, so it may be the parent's.
  return readProcKilobytes("/proc/self/status", "VmHWM:", 0);
}

static Error outOfMemory(const std::string &purpose, uint64_t size,
                         const std::string &why) {
  return Error(ExitCode::memory, purpose + ": cannot allocate " +
                                     std::to_string(size) + " bytes: " + why);
}

void moe::rt::requireMemory(uint64_t size, const std::string &purpose) {
  if (uint64_t available = availableMemory(); size > available)
    throw outOfMemory(purpose, size,
                      std::to_string(available) + " bytes are available");
}

ZeroedMemory::ZeroedMemory(size_t size, const std::string &purpose) {
  if (size == 0)
    return;
  requireMemory(size, purpose);
  void *address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    throw outOfMemory(purpose, size, std::strerror(errno));
  bytes = address;
  length = size;
  (void)::madvise(bytes, length, MADV_HUGEPAGE);
}

ZeroedMemory::~ZeroedMemory() {
  if (bytes)
    ::munmap(bytes, length);
}

void ZeroedMemory::clear() {
  if (bytes && ::madvise(bytes, length, MADV_DONTNEED) != 0)
    std::memset(bytes, 0, length);
}

void ZeroedMemory::swap(ZeroedMemory &other) noexcept {
  std::swap(bytes, other.bytes);
  std::swap(length, other.length);
}
