// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory that comes from the kernel by the page: read-only files and zeroed
// buffers.
#ifndef MOE_RUNTIME_MAPPEDFILE_H
#define MOE_RUNTIME_MAPPEDFILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace moe::rt {

/// A regular file, mapped read-only. Movable; the mapping lives as long as the
/// object.
class MappedFile {
public:
  MappedFile() = default;
  /// Throws Error (inputWrong) naming `path` when it is missing, unreadable or
  /// not a regular file.
  static MappedFile open(const std::string &path);
  MappedFile(MappedFile &&other) noexcept { swap(other); }
  MappedFile &operator=(MappedFile &&other) noexcept {
    swap(other);
    return *this;
  }
  ~MappedFile();

  const std::byte *data() const { return bytes; }
  size_t size() const { return length; }
  std::string_view text() const {
    return {reinterpret_cast<const char *>(bytes), length};
  }

  /// Asks for read-ahead of the whole file, and huge pages where the file
  /// system has them.
  void adviseWillNeed() const;

private:
  void swap(MappedFile &other) noexcept;

  const std::byte *bytes = nullptr;
  size_t length = 0;
};

/// Zero-initialised, page-aligned private memory, in huge pages where the
/// kernel grants them. Pages cost nothing until they are touched.
class ZeroedMemory {
public:
  ZeroedMemory() = default;
  /// Throws Error (memory) naming `purpose` when `size` bytes cannot be had.
  ZeroedMemory(size_t size, const std::string &purpose);
  ZeroedMemory(ZeroedMemory &&other) noexcept { swap(other); }
  ZeroedMemory &operator=(ZeroedMemory &&other) noexcept {
    swap(other);
    return *this;
  }
  ~ZeroedMemory();

  void *data() const { return bytes; }
  size_t size() const { return length; }

  /// Makes all bytes zero again by handing the pages back.
  void clear();

private:
  void swap(ZeroedMemory &other) noexcept;

  void *bytes = nullptr;
  size_t length = 0;
};

/// Bytes this process may still ask for: what the machine and the control group
/// leave.
uint64_t availableMemory();

/// Throws Error (memory) naming `purpose` when `size` bytes are more than that:
/// pages come on first touch, where running out kills the process.
void requireMemory(uint64_t size, const std::string &purpose);

/// The largest resident size of this process so far, in bytes.
uint64_t peakResidentBytes();

} // namespace moe::rt

#endif // MOE_RUNTIME_MAPPEDFILE_H
