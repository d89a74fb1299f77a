// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled model on disk, checked before any of it is used.
#ifndef MOE_RUNTIME_ARTEFACT_H
#define MOE_RUNTIME_ARTEFACT_H

#include "moe/Runtime/ABI.h"
#include "moe/Runtime/Manifest.h"
#include "moe/Runtime/MappedFile.h"

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
  const MappedFile &weights() const { return weightsFile; }
  /// The function of `manifest().entries[index]`.
  moe_entry_fn entry(size_t index) const { return functions[index]; }

private:
  void checkHost(const std::string &manifestPath) const;
  void loadCode(const std::string &path);

  struct CloseLibrary {
    void operator()(void *library) const;
  };

  Manifest contents;
  MappedFile weightsFile;
  std::unique_ptr<void, CloseLibrary> library;
  std::vector<moe_entry_fn> functions;
};

/// Whether `directory` looks like an artefact (it has a manifest.json).
bool isArtefact(const std::string &directory);

} // namespace moe::rt

#endif // MOE_RUNTIME_ARTEFACT_H
