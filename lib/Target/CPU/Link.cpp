// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/CPU/CodeGen.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;

/// LLVM's own linker first, then any of that name.
static llvm::Expected<std::string> findLinker() {
  for (StringRef name : {"ld.lld-22", "ld.lld"}) {
    if (auto path = llvm::sys::findProgramByName(name, {MOE_LLVM_BIN_DIR}))
      return *path;
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  }
  return llvm::createStringError(
      "cannot find the linker ld.lld (Debian package lld-22)");
}

llvm::Error moe::linkSharedObject(llvm::ArrayRef<char> object, StringRef path) {
  llvm::Expected<std::string> linker = findLinker();
  if (!linker)
    return linker.takeError();

  SmallString<128> objectPath, messagePath;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile(
          "moe", "o", descriptor, objectPath))
    return llvm::createStringError(
        error, "cannot write a temporary object file: " + error.message());
  llvm::scope_exit removeObject([&] { llvm::sys::fs::remove(objectPath); });
  {
    llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
    os.write(object.data(), object.size());
    os.close();
    if (os.has_error()) {
      std::error_code error = os.error();
      os.clear_error();
      return llvm::createStringError(error, "cannot write " + objectPath +
                                                ": " + error.message());
    }
  }
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("moe", "log", messagePath))
    return llvm::createStringError(error, "cannot write a temporary file: " +
                                              error.message());
  llvm::scope_exit removeLog([&] { llvm::sys::fs::remove(messagePath); });

  // Mathematical functions of the C library are resolved when the runtime,
  // which links it, loads the object. Without mapping, a full disk is an error
  // that the linker can report, and no file but the output's is ever made.
  StringRef arguments[] = {*linker,
                           "-shared",
                           "--build-id=none",
                           "--hash-style=gnu",
                           "-z",
                           "now",
                           "-z",
                           "relro",
                           "--no-rosegment",
                           "-s",
                           "--no-mmap-output-file",
                           "-o",
                           path,
                           objectPath};
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(messagePath),
                                          StringRef(messagePath)};
  std::string error;
  int code =
      llvm::sys::ExecuteAndWait(*linker, arguments, std::nullopt, redirects,
                                /*SecondsToWait=*/0, /*MemoryLimit=*/0, &error);
  if (code == 0)
    return llvm::Error::success();
  if (auto log = llvm::MemoryBuffer::getFile(messagePath))
    error += (*log)->getBuffer();
  return llvm::createStringError("linking " + path + " failed: " + error);
}
