// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TemporaryDirectory.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

using namespace llvm;
using namespace mlir::moe;

/// What a signal handler removes: a handler may not touch the heap, so the
/// paths have places of their own.
static char signalPath[4096], signalFolder[4096];
static std::atomic<bool> hasSignalPath = false;

/// Runs after LLVM's own handler, which has removed the files.
static void removeOnCrash(void *) {
  if (!hasSignalPath)
    return;
  ::rmdir(signalFolder);
  ::rmdir(signalPath);
}

static void removeOnInterrupt() {
  removeOnCrash(nullptr);
  // End as an interrupted process does, also where that was to be ignored.
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
}

TemporaryDirectory::TemporaryDirectory(StringRef path,
                                       ArrayRef<StringRef> names,
                                       StringRef folder)
    : path(path.str()), names(names), folder(folder) {}

std::error_code TemporaryDirectory::create() {
  std::string inner = getFile(folder);
  if (inner.size() >= sizeof(signalFolder))
    return std::make_error_code(std::errc::filename_too_long);
  // Readable by whom the umask allows, like any other output.
  constexpr auto perms = sys::fs::perms::all_all;
  StringRef parent = sys::path::parent_path(path);
  std::error_code error;
  if (!parent.empty())
    error = sys::fs::create_directories(parent, /*IgnoreExisting=*/true, perms);
  if (!error)
    error = sys::fs::create_directory(path, /*IgnoreExisting=*/false, perms);
  if (error)
    return error;
  std::copy_n(path.c_str(), path.size() + 1, signalPath);
  std::copy_n(inner.c_str(), inner.size() + 1, signalFolder);
  static bool isRegistered = false;
  if (!isRegistered)
    sys::AddSignalHandler(removeOnCrash, nullptr);
  isRegistered = true;
  sys::SetInterruptFunction(removeOnInterrupt);
  for (StringRef name : names)
    sys::RemoveFileOnSignal(getFile(name));
  hasSignalPath = true;
  return {};
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!hasSignalPath)
    return;
  sys::fs::remove_directories(path);
  hasSignalPath = false;
  sys::SetInterruptFunction(nullptr);
  for (StringRef name : names)
    sys::DontRemoveFileOnSignal(getFile(name));
}

std::string TemporaryDirectory::getFile(StringRef name) const {
  SmallString<128> file(path);
  sys::path::append(file, name);
  return std::string(file);
}

std::error_code TemporaryDirectory::makeFolder(StringRef name) const {
  return sys::fs::create_directory(getFile(name), /*IgnoreExisting=*/false,
                                   sys::fs::perms::all_all);
}

std::error_code TemporaryDirectory::moveTo(StringRef target) {
  std::string to = target.str();
  if (!sys::fs::exists(to))
    return sys::fs::rename(path, to);
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, to.c_str(),
                  RENAME_EXCHANGE) == 0)
    return {};
  // Some file systems cannot exchange.
  std::string old = path + ".old";
  if (std::error_code error = sys::fs::rename(to, old))
    return error;
  if (std::error_code error = sys::fs::rename(path, to)) {
    sys::fs::rename(old, to);
    return error;
  }
  sys::fs::remove_directories(old);
  return {};
}
