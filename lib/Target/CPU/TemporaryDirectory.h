// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_TARGET_CPU_TEMPORARYDIRECTORY_H
#define MOE_LIB_TARGET_CPU_TEMPORARYDIRECTORY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <system_error>

namespace mlir::moe {

/// A directory that goes with the object, and with the process if a signal
/// (an interrupt, a crash) ends it. One at a time.
class TemporaryDirectory {
public:
  /// `names` are all the files that will ever be in it, some of them in
  /// `folder`.
  TemporaryDirectory(llvm::StringRef path,
                     llvm::ArrayRef<llvm::StringRef> names,
                     llvm::StringRef folder);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

  std::error_code create();
  llvm::StringRef getPath() const { return path; }
  std::string getFile(llvm::StringRef name) const;
  /// Makes the folder in it.
  std::error_code makeFolder(llvm::StringRef name) const;
  /// Trades places with what is at `target`, at once where the file system
  /// can; what was there goes with this object.
  std::error_code moveTo(llvm::StringRef target);

private:
  std::string path;
  llvm::ArrayRef<llvm::StringRef> names;
  llvm::StringRef folder;
};

} // namespace mlir::moe

#endif // MOE_LIB_TARGET_CPU_TEMPORARYDIRECTORY_H
