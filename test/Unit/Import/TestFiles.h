// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files for the importer's tests: safetensors images built in memory, and a
// directory that removes itself.
#ifndef MOE_TEST_UNIT_IMPORT_TESTFILES_H
#define MOE_TEST_UNIT_IMPORT_TESTFILES_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace mlir::moe::test {

/// The image of a file: header length, header, `dataBytes` of rising data.
inline std::string makeSafetensors(llvm::StringRef header, size_t dataBytes) {
  std::string image(8, '\0');
  llvm::support::endian::write64le(image.data(), header.size());
  image += header;
  for (size_t i = 0; i < dataBytes; ++i)
    image += static_cast<char>(i);
  return image;
}

/// The text of an error, or "" for success.
template <typename T>
std::string messageOf(llvm::Expected<T> result) {
  return result ? "" : llvm::toString(result.takeError());
}

class TemporaryDirectory {
public:
  TemporaryDirectory() {
    if (llvm::sys::fs::createUniqueDirectory("moe-import-test", path))
      llvm::report_fatal_error("no temporary directory");
  }
  ~TemporaryDirectory() { llvm::sys::fs::remove_directories(path); }

  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  void write(llvm::StringRef name, llvm::StringRef content) const {
    std::error_code error;
    llvm::raw_fd_ostream(file(name), error) << content;
    if (error)
      llvm::report_fatal_error("cannot write a test file");
  }
  llvm::StringRef str() const { return path; }

private:
  llvm::SmallString<128> path;
};

} // namespace mlir::moe::test

#endif // MOE_TEST_UNIT_IMPORT_TESTFILES_H
