// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Image.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <string_view>

#ifdef MOE_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef MOE_HAVE_ZSTD
#include <zstd.h>
#endif

namespace moe::driver {

using namespace moe::cuda;

namespace {
constexpr uint32_t fatbinMagic = 0xba55ed50, wrapperMagic = 0x466243b1;

/// What nvcc puts around a fat binary in a host program.
struct Wrapper {
  uint32_t magic, version;
  const void *data, *file;
};

struct FatHeader {
  uint32_t magic;
  uint16_t version, headerBytes;
  uint64_t bytes; // of all entries, without this header
};

struct FatEntry {
  uint16_t kind, version;
  uint32_t headerBytes;
  uint64_t bytes; // with padding
  uint32_t compressedBytes, options;
  uint16_t minor, major;
  uint32_t arch, nameOffset, nameBytes;
  uint64_t flags, reserved, plainBytes;
};
static_assert(sizeof(FatEntry) == 64);

constexpr uint16_t kindPtx = 1;
constexpr uint64_t flagLz4 = 0x2000, flagZstd = 0x8000;

Image failed(CUresult result, std::string message) {
  return {result, "", std::move(message)};
}

/// Bytes whose number may be unknown: then it is unknownBytes, and what they
/// say of themselves is believed.
struct Bytes {
  const char *data;
  uint64_t size;

  bool has(uint64_t at, uint64_t bytes) const {
    return at <= size && bytes <= size - at;
  }
  /// Those from `at` on, `bytes` of them if there are so many.
  Bytes from(uint64_t at, uint64_t bytes = unknownBytes) const {
    at = std::min(at, size);
    return {data + at, std::min(bytes, size - at)};
  }
  template <typename T>
  bool load(uint64_t at, T &value) const {
    if (!has(at, sizeof value))
      return false;
    std::memcpy(&value, data + at, sizeof value);
    return true;
  }
  /// Text without what pads it.
  std::string text() const { return std::string(data, strnlen(data, size)); }
  bool startsWith(const void *magic, size_t bytes) const {
    // Byte by byte: a text may be shorter than any magic number.
    for (size_t i = 0; i < bytes; ++i)
      if (i >= size || data[i] != static_cast<const char *>(magic)[i])
        return false;
    return true;
  }
};

/// How many bytes `packed` gave; less than zero: it is damaged or, with
/// `isBuiltIn` false, of a kind that this library was built without.
int64_t unpack([[maybe_unused]] const FatEntry &entry,
               [[maybe_unused]] Bytes packed, [[maybe_unused]] std::string &to,
               bool &isBuiltIn) {
  isBuiltIn = true;
#ifdef MOE_HAVE_LZ4
  if (entry.flags & flagLz4)
    return LZ4_decompress_safe(packed.data, to.data(), int(packed.size),
                               int(to.size()));
#endif
#ifdef MOE_HAVE_ZSTD
  if (entry.flags & flagZstd) {
    size_t bytes =
        ZSTD_decompress(to.data(), to.size(), packed.data, packed.size);
    return ZSTD_isError(bytes) ? -1 : int64_t(bytes);
  }
#endif
  isBuiltIn = false;
  return -1;
}

Image textOf(const FatEntry &entry, Bytes content) {
  constexpr uint64_t longest = uint64_t(1) << 28; // of a text, generously
  if (!(entry.flags & (flagLz4 | flagZstd)))
    return {CUDA_SUCCESS, content.text(), ""};
  if (entry.compressedBytes > content.size || entry.compressedBytes > longest ||
      entry.plainBytes > longest)
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "fat binary: the sizes of an entry are wrong");
  std::string text(entry.plainBytes, '\0');
  bool isBuiltIn;
  int64_t bytes =
      unpack(entry, content.from(0, entry.compressedBytes), text, isBuiltIn);
  if (!isBuiltIn)
    return failed(CUDA_ERROR_NOT_SUPPORTED,
                  "fat binary: built without the library that unpacks it; "
                  "compile with nvcc --no-compress");
  if (bytes != int64_t(entry.plainBytes))
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "fat binary: an entry does not unpack");
  text.resize(strnlen(text.data(), text.size()));
  return {CUDA_SUCCESS, std::move(text), ""};
}

Image fromFatbin(Bytes image, unsigned sm) {
  FatHeader header;
  if (!image.load(0, header) || header.headerBytes < sizeof(FatHeader) ||
      !image.has(header.headerBytes, header.bytes))
    return failed(CUDA_ERROR_INVALID_IMAGE, "fat binary: the header is wrong");
  Bytes left = image.from(header.headerBytes, header.bytes), best{};
  FatEntry entry, bestEntry{};
  bool any = false;
  while (left.load(0, entry)) {
    if (entry.headerBytes < sizeof(FatEntry) ||
        !left.has(entry.headerBytes, entry.bytes))
      return failed(CUDA_ERROR_INVALID_IMAGE,
                    "fat binary: an entry reaches past its end");
    any |= entry.kind == kindPtx;
    if (entry.kind == kindPtx && entry.arch <= sm &&
        (!best.data || entry.arch > bestEntry.arch)) {
      best = left.from(entry.headerBytes, entry.bytes);
      bestEntry = entry;
    }
    left = left.from(entry.headerBytes + entry.bytes);
  }
  if (best.data)
    return textOf(bestEntry, best);
  return failed(
      CUDA_ERROR_NO_BINARY_FOR_GPU,
      any ? "fat binary: its PTX is for newer GPUs than sm_" +
                std::to_string(sm)
          : "fat binary: only machine code, which cannot be simulated; compile "
            "to PTX too "
            "(nvcc -gencode arch=compute_80,code=[sm_80,compute_80])");
}

Image fromElf(Bytes image, unsigned sm) {
  Elf64_Ehdr header;
  auto section = [&](unsigned i, Elf64_Shdr &to) {
    return header.e_shoff < unknownBytes / 2 &&
           image.load(header.e_shoff + i * sizeof(Elf64_Shdr), to);
  };
  Elf64_Shdr names, found;
  if (!image.load(0, header) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shstrndx >= header.e_shnum || !section(header.e_shstrndx, names))
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "cubin: not a 64-bit ELF file with sections");
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    if (!section(i, found) || !image.has(names.sh_offset, names.sh_size) ||
        (found.sh_type != SHT_NOBITS &&
         !image.has(found.sh_offset, found.sh_size)))
      return failed(CUDA_ERROR_INVALID_IMAGE,
                    "cubin: a section reaches past its end");
    std::string name =
        image.from(names.sh_offset, names.sh_size).from(found.sh_name).text();
    Bytes content = image.from(found.sh_offset, found.sh_size);
    if (name == ".nv_fatbin")
      return fromFatbin(content, sm);
    if (name == ".nv.ptx")
      return {CUDA_SUCCESS, content.text(), ""};
  }
  return failed(CUDA_ERROR_NO_BINARY_FOR_GPU,
                "cubin: only machine code, which cannot be simulated; load "
                "PTX, or run under moe-sim run");
}
} // namespace

Image findPtx(const void *data, uint64_t size, unsigned sm) {
  Bytes image{static_cast<const char *>(data), size};
  if (image.startsWith(ELFMAG, SELFMAG))
    return fromElf(image, sm);
  if (image.startsWith(&fatbinMagic, sizeof fatbinMagic))
    return fromFatbin(image, sm);
  if (image.startsWith(&wrapperMagic, sizeof wrapperMagic)) {
    Wrapper wrapper;
    if (size != unknownBytes || !image.load(0, wrapper))
      return failed(CUDA_ERROR_INVALID_IMAGE,
                    "fat binary: a wrapper is of a program, not of a file");
    return fromFatbin({static_cast<const char *>(wrapper.data), unknownBytes},
                      sm);
  }
  std::string text = image.text();
  if (text.empty())
    return failed(CUDA_ERROR_INVALID_IMAGE, "an empty image");
  return {CUDA_SUCCESS, std::move(text), ""};
}

} // namespace moe::driver
