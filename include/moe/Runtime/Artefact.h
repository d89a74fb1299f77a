// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled model on disk, checked before any of it is used.
#ifndef MOE_RUNTIME_ARTEFACT_H
#define MOE_RUNTIME_ARTEFACT_H

#include "moe/Runtime/ABI.h"
#include "moe/Runtime/Manifest.h"
#include "moe/Runtime/MappedFile.h"

#include <map>
#include <memory>
#include <string>

namespace moe::rt {

/// How much of an artefact is hashed when it is opened. Sizes, versions and
/// processor features are always checked.
enum class Verify {
  automatic, ///< Everything but weights above 1 GiB.
  full,
  none,
};

class Artefact {
public:
  /// Reads and checks manifest.json alone: its hash, version and contents.
  static Manifest readManifest(const std::string &directory);

  /// Opens the artefact in `directory`: checks the manifest, the processor,
  /// each file's size and hash, and only then loads the code. Throws Error,
  /// naming file and key.
  static Artefact open(const std::string &directory,
                       Verify verify = Verify::automatic);

  const Manifest &manifest() const { return contents; }
  const std::string &path() const { return directory; }
  std::string path(const std::string &file) const {
    return directory + "/" + file;
  }
  const MappedFile &weights() const { return weightsFile; }
  /// Hands the weights over to who needs them only once.
  MappedFile takeWeights() { return std::move(weightsFile); }
  /// PTX or machine code of a module of kernels, or null if there is none.
  const MappedFile *kernels(const std::string &file) const;
  /// Throws Error (unsupported) unless the target is a GPU, or the CPU.
  void requireTarget(bool gpu) const;
  /// The function of `manifest().entries[index]`.
  moe_entry_fn entry(size_t index) const { return functions[index]; }
  /// What formats failed checks of kernels, or null.
  moe_device_failure_fn deviceFailure() const { return failureText; }

private:
  void checkHost() const;
  void loadCode();

  struct CloseLibrary {
    void operator()(void *library) const;
  };

  std::string directory;
  Manifest contents;
  MappedFile weightsFile;
  std::map<std::string, MappedFile> kernelFiles;
  std::unique_ptr<void, CloseLibrary> library;
  std::vector<moe_entry_fn> functions;
  moe_device_failure_fn failureText = nullptr;
};

/// Whether `directory` looks like an artefact (it has a manifest.json).
bool isArtefact(const std::string &directory);

} // namespace moe::rt

#endif // MOE_RUNTIME_ARTEFACT_H
