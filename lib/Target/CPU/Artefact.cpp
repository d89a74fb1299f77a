// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Target/CPU/Artefact.h"

#include "TemporaryDirectory.h"
#include "moe/Import/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mlir::moe;

static llvm::Error writeFailed(StringRef path, std::error_code error) {
  return invalidInput(path, "", "cannot be written: " + error.message());
}

/// Everything that an artefact may hold.
static constexpr StringRef kFiles[] = {
    "code.so",           "weights.bin",        "tokenizer.json",
    "kernels/model.ptx", "kernels/model.json", "kernels/model.cubin",
    "manifest.json",     "manifest.json.xxh3"};

/// A device's kernels.
static constexpr StringRef kFolder = "kernels";

/// Writes a file through `write`, whose errors count as the file's.
static llvm::Error
writeFile(StringRef path,
          llvm::function_ref<llvm::Error(llvm::raw_ostream &)> write) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code)
    return writeFailed(path, code);
  llvm::Error error = write(os);
  os.close();
  if (os.has_error()) {
    std::error_code code = os.error();
    os.clear_error();
    return llvm::joinErrors(std::move(error), writeFailed(path, code));
  }
  return error;
}

static std::string formatHash(StringRef bytes) {
  return llvm::formatv("{0:x-16}", llvm::xxh3_64bits(bytes)).str();
}

/// The manifest's entry for a file of the artefact.
static llvm::Expected<llvm::json::Object> describeFile(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return invalidInput(path, "",
                        "cannot be read back: " + file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  return llvm::json::Object{{"bytes", static_cast<int64_t>(bytes.size())},
                            {"xxh3", formatHash(bytes)}};
}

/// What is at `path` may be replaced: nothing, an empty directory, an artefact.
static llvm::Error checkReplaceable(StringRef path) {
  namespace fs = llvm::sys::fs;
  if (!fs::exists(path))
    return llvm::Error::success();
  if (!fs::is_directory(path))
    return invalidInput(path, "", "exists and is not a directory");
  SmallString<128> manifest(path);
  llvm::sys::path::append(manifest, "manifest.json");
  std::error_code code;
  bool isEmpty = fs::directory_iterator(path, code) == fs::directory_iterator();
  if (fs::exists(manifest) || isEmpty)
    return llvm::Error::success();
  return invalidInput(
      path, "", "exists and is not an artefact; it will not be overwritten");
}

static llvm::json::Object describeTarget(const CPUTarget &host,
                                         const DevicePart *device) {
  llvm::json::Object target{{"kind", device ? "cuda" : "cpu"},
                            {"triple", host.triple},
                            {"vector_bits", host.vectorBits},
                            {"features", llvm::json::Array(host.features)}};
  if (device) {
    target["arch"] = device->arch;
    target["ptx"] = device->ptxVersion;
  }
  return target;
}

/// Writes the device's files and adds their names to `names`.
static llvm::Error writeDevice(const DevicePart &device,
                               const TemporaryDirectory &directory,
                               SmallVectorImpl<StringRef> &names) {
  if (std::error_code code = directory.makeFolder(kFolder))
    return writeFailed(directory.getFile(kFolder), code);
  for (const auto &file : device.files) {
    if (llvm::Error error = writeFile(directory.getFile(file.first),
                                      [&](llvm::raw_ostream &os) {
                                        os << file.second;
                                        return llvm::Error::success();
                                      }))
      return error;
    names.push_back(file.first);
  }
  return llvm::Error::success();
}

static llvm::Error
fillDirectory(ArtefactPlan &plan, ModuleOp lowered, const CPUTarget &target,
              const DevicePart *device, const TemporaryDirectory &directory,
              StringRef baseDirectory, StringRef compilerVersion,
              ProgressFn progress) {
  auto inside = [&](StringRef name) { return directory.getFile(name); };
  auto object = emitObject(lowered, target);
  if (!object)
    return object.takeError();
  if (llvm::Error error = linkSharedObject(*object, inside("code.so")))
    return error;
  if (llvm::Error error =
          writeFile(inside("weights.bin"), [&](llvm::raw_ostream &os) {
            return writeWeights(os, plan, baseDirectory, progress);
          }))
    return error;
  SmallVector<StringRef> names = {"code.so", "weights.bin"};
  if (!plan.tokenizer.empty()) {
    if (std::error_code code =
            llvm::sys::fs::copy_file(plan.tokenizer, inside("tokenizer.json")))
      return invalidInput(plan.tokenizer, "",
                          "cannot be copied: " + code.message());
    names.push_back("tokenizer.json");
  }
  if (device)
    if (llvm::Error error = writeDevice(*device, directory, names))
      return error;

  llvm::json::Object files, manifest = std::move(plan.description);
  for (StringRef name : names) {
    auto file = describeFile(inside(name));
    if (!file)
      return file.takeError();
    files[name] = std::move(*file);
  }
  manifest["format"] = "moe-artefact";
  manifest["version"] = 1;
  manifest["compiler"] = compilerVersion;
  manifest["target"] = describeTarget(target, device);
  if (device)
    manifest["kernels"] =
        llvm::json::Object{{"modules", llvm::json::Array{"kernels/model"}},
                           {"list", llvm::json::Array(device->kernels)}};
  manifest["files"] = std::move(files);
  std::string text =
      llvm::formatv("{0:2}\n", llvm::json::Value(std::move(manifest)));
  if (llvm::Error error =
          writeFile(inside("manifest.json"), [&](llvm::raw_ostream &os) {
            os << text;
            return llvm::Error::success();
          }))
    return error;
  return writeFile(inside("manifest.json.xxh3"), [&](llvm::raw_ostream &os) {
    os << formatHash(text) << '\n';
    return llvm::Error::success();
  });
}

llvm::Error moe::writeArtefact(ArtefactPlan plan, ModuleOp lowered,
                               const CPUTarget &target,
                               const DevicePart *device, StringRef path,
                               StringRef baseDirectory,
                               StringRef compilerVersion, ProgressFn progress) {
  path = path.rtrim('/');
  if (llvm::Error error = checkReplaceable(path))
    return error;
  TemporaryDirectory temporary(
      llvm::formatv("{0}.tmp-{1}", path, llvm::sys::Process::getProcessId())
          .str(),
      kFiles, kFolder);
  if (std::error_code code = temporary.create())
    return writeFailed(path, code);
  if (llvm::Error error =
          fillDirectory(plan, lowered, target, device, temporary, baseDirectory,
                        compilerVersion, progress))
    return error;
  if (std::error_code code = temporary.moveTo(path))
    return writeFailed(path, code);
  return llvm::Error::success();
}
