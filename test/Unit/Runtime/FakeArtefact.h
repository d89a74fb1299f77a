// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes artefacts of the fake model, whole or damaged.
#ifndef MOE_TEST_UNIT_RUNTIME_FAKEARTEFACT_H
#define MOE_TEST_UNIT_RUNTIME_FAKEARTEFACT_H

#include "FakeModel.h"
#include "moe/Runtime/Error.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

namespace moe::rt {

std::string readBytes(const std::string &path);
void writeBytes(const std::string &path, const std::string &bytes);

/// A manifest that describes the fake model, but for the "files" key.
nlohmann::json fakeManifest();
/// The same for a GPU.
nlohmann::json fakeDeviceManifest();

/// An artefact in a directory of its own, removed at the end.
class FakeArtefact {
public:
  /// Uses the code in `code` and lays out `manifest` with the files' hashes; of
  /// a GPU's, with the fake model's PTX.
  explicit FakeArtefact(const std::string &code = FAKE_CODE,
                        nlohmann::json manifest = fakeManifest());
  FakeArtefact(FakeArtefact &&other) noexcept {
    directory.swap(other.directory);
  }
  ~FakeArtefact();

  const std::string &path() const { return directory; }
  std::string path(const std::string &file) const {
    return directory + "/" + file;
  }

  nlohmann::json manifest() const;
  /// Writes a file and its entry in the manifest.
  void addFile(const std::string &file, const std::string &bytes);
  /// Writes manifest.json and its hash.
  void writeManifest(const std::string &text);
  void writeManifest(const nlohmann::json &value) {
    writeManifest(value.dump(1));
  }
  void flipByte(const std::string &file, size_t offset);

private:
  std::string directory;
};

/// Runs `action`, which must throw an Error with this code whose message
/// contains `text`.
template <typename Action>
void expectError(ExitCode code, const std::string &text, Action action) {
  try {
    action();
    ADD_FAILURE() << "no error; expected one with: " << text;
  } catch (const Error &error) {
    EXPECT_EQ(error.exitCode(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
        << error.what() << "\n  does not contain: " << text;
  }
}

} // namespace moe::rt

#endif // MOE_TEST_UNIT_RUNTIME_FAKEARTEFACT_H
