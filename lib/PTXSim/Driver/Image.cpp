// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Image.h"

#include <cstring>
#include <elf.h>
#include <string_view>
#include <vector>

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

template <typename T>
T load(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

/// Text as it stands, without what pads it.
std::string textOf(const char *data, size_t bytes) {
  return std::string(data, strnlen(data, bytes));
}

/// A block of LZ4: literals and copies of what came before.
bool unpackLz4(const char *data, size_t bytes, std::string &out, size_t plain) {
  size_t at = 0;
  auto length = [&](size_t first) {
    size_t sum = first;
    for (unsigned char next = 255; first == 15 && next == 255 && at < bytes;
         sum += next)
      next = data[at++];
    return sum;
  };
  while (at < bytes) {
    unsigned char token = data[at++];
    size_t literals = length(token >> 4);
    if (literals > bytes - at || literals > plain - out.size())
      return false;
    out.append(data + at, literals);
    at += literals;
    if (at == bytes)
      break;
    if (bytes - at < 2)
      return false;
    size_t distance = load<uint16_t>(data + at);
    at += 2;
    size_t copied = length(token & 15) + 4;
    if (distance == 0 || distance > out.size() || copied > plain - out.size())
      return false;
    for (size_t i = 0; i < copied; ++i)
      out.push_back(out[out.size() - distance]);
  }
  return out.size() == plain;
}

Image unpack(const FatEntry &entry, const char *data) {
  constexpr uint64_t longest = uint64_t(1) << 30;
  if (!(entry.flags & (flagLz4 | flagZstd)))
    return {CUDA_SUCCESS, textOf(data, entry.bytes), ""};
  if (entry.compressedBytes > entry.bytes || entry.plainBytes > longest)
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "fat binary: the sizes of an entry are wrong");
  std::string text;
  bool done = false;
  if (entry.flags & flagLz4) {
    done = unpackLz4(data, entry.compressedBytes, text, entry.plainBytes);
  } else {
#ifdef MOE_HAVE_ZSTD
    text.resize(entry.plainBytes);
    done = ZSTD_decompress(text.data(), text.size(), data,
                           entry.compressedBytes) == entry.plainBytes;
#else
    return failed(
        CUDA_ERROR_NOT_SUPPORTED,
        "fat binary: built without zstd; compile with nvcc --no-compress");
#endif
  }
  if (!done)
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "fat binary: an entry does not unpack");
  text.resize(strnlen(text.data(), text.size()));
  return {CUDA_SUCCESS, std::move(text), ""};
}

Image fromFatbin(const char *data, unsigned sm) {
  FatHeader header = load<FatHeader>(data);
  if (header.headerBytes < sizeof(FatHeader))
    return failed(CUDA_ERROR_INVALID_IMAGE, "fat binary: the header is wrong");
  const char *at = data + header.headerBytes;
  uint64_t left = header.bytes;
  const char *best = nullptr;
  FatEntry bestEntry{};
  bool any = false;
  while (left >= sizeof(FatEntry)) {
    FatEntry entry = load<FatEntry>(at);
    if (entry.headerBytes < sizeof(FatEntry) || entry.headerBytes > left ||
        entry.bytes > left - entry.headerBytes)
      return failed(CUDA_ERROR_INVALID_IMAGE,
                    "fat binary: an entry reaches past its end");
    any |= entry.kind == kindPtx;
    if (entry.kind == kindPtx && entry.arch <= sm &&
        (!best || entry.arch > bestEntry.arch)) {
      best = at + entry.headerBytes;
      bestEntry = entry;
    }
    at += entry.headerBytes + entry.bytes;
    left -= entry.headerBytes + entry.bytes;
  }
  if (best)
    return unpack(bestEntry, best);
  return failed(
      CUDA_ERROR_NO_BINARY_FOR_GPU,
      any ? "fat binary: its PTX is for newer GPUs than sm_" +
                std::to_string(sm)
          : "fat binary: only machine code, which cannot be simulated; compile "
            "to PTX too "
            "(nvcc -gencode arch=compute_80,code=[sm_80,compute_80])");
}

Image fromElf(const char *data, unsigned sm) {
  Elf64_Ehdr header = load<Elf64_Ehdr>(data);
  auto section = [&](unsigned i) {
    return load<Elf64_Shdr>(data + header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shstrndx >= header.e_shnum)
    return failed(CUDA_ERROR_INVALID_IMAGE,
                  "cubin: not a 64-bit ELF file with sections");
  const char *names = data + section(header.e_shstrndx).sh_offset;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr found = section(i);
    std::string_view name = names + found.sh_name;
    if (name == ".nv_fatbin" && found.sh_size >= sizeof(FatHeader))
      return fromFatbin(data + found.sh_offset, sm);
    if (name == ".nv.ptx")
      return {CUDA_SUCCESS, textOf(data + found.sh_offset, found.sh_size), ""};
  }
  return failed(CUDA_ERROR_NO_BINARY_FOR_GPU,
                "cubin: only machine code, which cannot be simulated; load "
                "PTX, or run under moe-sim run");
}
} // namespace

Image findPtx(const void *image, unsigned sm) {
  const char *data = static_cast<const char *>(image);
  // Byte by byte: a text may be shorter than any magic number.
  if (data[0] == 0x7f && data[1] == 'E' && data[2] == 'L' && data[3] == 'F')
    return fromElf(data, sm);
  if (data[0] == char(0xb1) && data[1] == char(0x43) &&
      load<uint32_t>(data) == wrapperMagic)
    return fromFatbin(static_cast<const char *>(load<Wrapper>(data).data), sm);
  if (data[0] == char(0x50) && data[1] == char(0xed) &&
      load<uint32_t>(data) == fatbinMagic)
    return fromFatbin(data, sm);
  if (data[0] == 0)
    return failed(CUDA_ERROR_INVALID_IMAGE, "an empty image");
  return {CUDA_SUCCESS, data, ""};
}

} // namespace moe::driver
