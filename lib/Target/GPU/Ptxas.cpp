// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/GPU/CodeGen.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::moe;

std::string moe::findPtxas() {
  if (std::optional<std::string> named =
          llvm::sys::Process::GetEnv("MOE_PTXAS"))
    return *named;
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  std::vector<std::string> homes = {"/usr/local/cuda"};
  if (std::optional<std::string> home = llvm::sys::Process::GetEnv("CUDA_HOME"))
    homes.insert(homes.begin(), *home);
  for (const std::string &home : homes) {
    SmallString<128> path(home);
    llvm::sys::path::append(path, "bin", "ptxas");
    if (llvm::sys::fs::can_execute(path))
      return std::string(path);
  }
  return "";
}

/// The number before `unit` in a line of ptxas.
static std::optional<int64_t> findNumber(StringRef line, StringRef unit) {
  size_t at = line.find(unit);
  if (at == StringRef::npos)
    return std::nullopt;
  StringRef before = line.take_front(at).rtrim();
  int64_t number;
  if (before
          .take_back(before.size() - before.find_last_not_of("0123456789") - 1)
          .getAsInteger(10, number))
    return std::nullopt;
  return number;
}

/// Reads what `ptxas -v` says of each kernel: "Compiling entry function 'k' for
/// 'sm_80'", then lines of figures.
static void readFigures(StringRef log, std::vector<DeviceKernel> &kernels) {
  DeviceKernel *kernel = nullptr;
  for (StringRef line : llvm::split(log, '\n')) {
    if (line.contains("Compiling entry function")) {
      StringRef name = line.split('\'').second.split('\'').first;
      auto it = llvm::find_if(
          kernels, [&](const DeviceKernel &k) { return k.name == name; });
      kernel = it == kernels.end() ? nullptr : &*it;
    }
    if (!kernel)
      continue;
    auto stores = findNumber(line, " bytes spill stores");
    auto loads = findNumber(line, " bytes spill loads");
    if (stores && loads)
      kernel->spillBytes = *stores + *loads;
    if (auto stack = findNumber(line, " bytes stack frame"))
      kernel->stackBytes = stack;
    if (auto registers = findNumber(line, " registers"))
      kernel->registers = registers;
  }
}

static llvm::Error describeFailure(const llvm::Twine &what,
                                   std::error_code error) {
  return llvm::createStringError(error, what + ": " + error.message());
}

llvm::Error moe::assemble(DeviceCode &code, StringRef ptxas) {
  SmallString<128> folder;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("moe-ptxas", folder))
    return describeFailure("cannot make a temporary directory", error);
  llvm::scope_exit remove([&] { llvm::sys::fs::remove_directories(folder); });
  auto inside = [&](StringRef name) {
    SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return std::string(path);
  };
  std::string ptx = inside("model.ptx"), cubin = inside("model.cubin"),
              log = inside("log");
  {
    std::error_code error;
    llvm::raw_fd_ostream os(ptx, error);
    if (!error) {
      os << code.ptx;
      os.close();
      error = os.error();
      os.clear_error();
    }
    if (error)
      return describeFailure("cannot write " + ptx, error);
  }
  std::string arch = "-arch=" + code.chip;
  StringRef arguments[] = {ptxas, arch, "-v", ptx, "-o", cubin};
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::string message;
  int exit = llvm::sys::ExecuteAndWait(
      ptxas, arguments, std::nullopt, redirects,
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  auto said = llvm::MemoryBuffer::getFile(log);
  if (said)
    message += (*said)->getBuffer();
  if (exit != 0)
    return llvm::createStringError(ptxas +
                                   " failed: " + StringRef(message).trim());
  auto made = llvm::MemoryBuffer::getFile(cubin, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!made)
    return describeFailure("cannot read what " + ptxas + " made",
                           made.getError());
  code.cubin = (*made)->getBuffer().str();
  readFigures(message, code.kernels);
  return llvm::Error::success();
}

std::string moe::describeKernels(const DeviceCode &code) {
  llvm::json::Array kernels;
  for (const DeviceKernel &kernel : code.kernels) {
    llvm::json::Object object{{"name", kernel.name},
                              {"num_warps", (kernel.blockSize + 31) / 32},
                              {"shared", kernel.sharedBytes}};
    if (kernel.registers)
      object["n_regs"] = *kernel.registers;
    if (kernel.spillBytes)
      object["n_spills"] = *kernel.spillBytes;
    if (kernel.stackBytes)
      object["stack_bytes"] = *kernel.stackBytes;
    kernels.push_back(std::move(object));
  }
  unsigned arch = 0;
  StringRef(code.chip).drop_front(3).consumeInteger(10, arch);
  return llvm::formatv("{0:2}\n",
                       llvm::json::Value(llvm::json::Object{
                           {"target", llvm::json::Object{{"backend", "cuda"},
                                                         {"arch", arch},
                                                         {"chip", code.chip},
                                                         {"warp_size", 32}}},
                           {"ptx_version", code.ptxVersion},
                           {"kernels", std::move(kernels)}}))
      .str();
}
