// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/MappedFile.h"

#include "moe/Runtime/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace moe::rt;

MappedFile MappedFile::open(const std::string &path) {
  auto fail = [&](const char *got) {
    return Error::mismatch(path, "", "a readable file", got);
  };
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw fail(std::strerror(errno));
  struct stat status;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw fail("something that is not a regular file");
  }
  MappedFile file;
  file.length = static_cast<size_t>(status.st_size);
  // An empty mapping is an error to mmap, not to us.
  if (file.length != 0) {
    void *address =
        ::mmap(nullptr, file.length, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED) {
      int code = errno;
      ::close(descriptor);
      throw Error(code == ENOMEM ? ExitCode::memory : ExitCode::inputWrong,
                  path + ": cannot map " + std::to_string(file.length) +
                      " bytes: " + std::strerror(code));
    }
    file.bytes = static_cast<const std::byte *>(address);
  }
  ::close(descriptor);
  return file;
}

MappedFile::~MappedFile() {
  if (bytes)
    ::munmap(const_cast<std::byte *>(bytes), length);
}

void MappedFile::adviseWillNeed() const {
  if (!bytes)
    return;
  // Hints: a kernel that refuses one still runs the program.
  void *address = const_cast<std::byte *>(bytes);
  (void)::madvise(address, length, MADV_HUGEPAGE);
  (void)::madvise(address, length, MADV_WILLNEED);
}

void MappedFile::swap(MappedFile &other) noexcept {
  std::swap(bytes, other.bytes);
  std::swap(length, other.length);
}
