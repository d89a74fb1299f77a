// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Runtime/Artefact.h"

#include "moe/Runtime/Error.h"
#include "moe/Runtime/HostFeatures.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/stat.h>

using namespace moe::rt;

namespace {

constexpr int64_t mostManifestBytes = 64 << 20;
/// Above this, hashing the weights would dominate the time to load.
constexpr int64_t mostWeightsHashed = int64_t{1} << 30;

/// Maps `directory`/`name` and checks it against the manifest.
MappedFile openChecked(const std::string &directory, const std::string &name,
                       const FileSpec &spec, Verify verify) {
  std::string path = directory + "/" + name;
  MappedFile file = MappedFile::open(path);
  if (file.size() != static_cast<uint64_t>(spec.bytes))
    throw Error::mismatch(path, "size", std::to_string(spec.bytes) + " bytes",
                          std::to_string(file.size()));
  bool hashed = verify == Verify::full ||
                (verify == Verify::automatic &&
                 (name != "weights.bin" || spec.bytes <= mostWeightsHashed));
  if (name == "weights.bin")
    file.adviseWillNeed();
  if (!hashed)
    return file;
  if (uint64_t hash = hashBytes(file.data(), file.size()); hash != spec.hash)
    throw Error::mismatch(path, "xxh3", formatHash(spec.hash),
                          formatHash(hash));
  return file;
}

bool needsTiles(const Manifest &manifest) {
  return std::any_of(
      manifest.features.begin(), manifest.features.end(),
      [](const std::string &feature) { return feature.rfind("amx-", 0) == 0; });
}

/// dlopen takes a name without a slash for one to search for.
std::string absolutePath(const std::string &path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) ? resolved : path;
}

} // namespace

bool moe::rt::isArtefact(const std::string &directory) {
  struct stat status;
  return ::stat((directory + "/manifest.json").c_str(), &status) == 0;
}

Manifest Artefact::readManifest(const std::string &directory) {
  std::string path = directory + "/manifest.json";
  MappedFile file = MappedFile::open(path);
  if (file.size() > mostManifestBytes)
    throw Error::mismatch(path, "size", "at most 64 MiB",
                          std::to_string(file.size()));
  MappedFile hashFile = MappedFile::open(path + ".xxh3");
  std::string expected = formatHash(hashBytes(file.data(), file.size()));
  if (hashFile.text() != expected + "\n") {
    std::string got(hashFile.text().substr(0, expected.size()));
    bool readable = parseHash(got).has_value() && got != expected;
    throw Error::mismatch(path + ".xxh3", "",
                          expected + " (the hash of manifest.json)",
                          readable ? got : "something else");
  }
  return Manifest::parse(file.text(), path);
}

Artefact Artefact::open(const std::string &directory, Verify verify) {
  Artefact artefact;
  artefact.directory = directory;
  artefact.contents = readManifest(directory);
  artefact.checkHost();
  for (const auto &[name, spec] : artefact.contents.files) {
    MappedFile file = openChecked(directory, name, spec, verify);
    if (name == "weights.bin")
      artefact.weightsFile = std::move(file);
    else if (name.rfind("kernels/", 0) == 0)
      artefact.kernelFiles[name] = std::move(file);
  }
  artefact.loadCode();
  return artefact;
}

const MappedFile *Artefact::kernels(const std::string &file) const {
  auto found = kernelFiles.find(file);
  return found == kernelFiles.end() ? nullptr : &found->second;
}

void Artefact::requireTarget(bool gpu) const {
  if (contents.gpu.has_value() != gpu)
    throw Error::mismatch(path("manifest.json"), "target.kind",
                          gpu ? "cuda" : "cpu", gpu ? "cpu" : "cuda",
                          ExitCode::unsupported);
}

void Artefact::checkHost() const {
  std::string manifestPath = path("manifest.json");
#if defined(__x86_64__)
  constexpr const char *architecture = "x86_64";
#elif defined(__aarch64__)
  constexpr const char *architecture = "aarch64";
#else
  constexpr const char *architecture = "unknown";
#endif
  if (contents.triple.rfind(std::string(architecture) + "-", 0) != 0)
    throw Error::mismatch(manifestPath, "target.triple",
                          std::string(architecture) + "-…, as this machine is",
                          contents.triple, ExitCode::unsupported);
  for (const std::string &feature : contents.features)
    if (!hostSupports(feature))
      throw Error::mismatch(
          manifestPath, "target.features", "a processor with " + feature,
          "one without it; compile for this machine", ExitCode::unsupported);
  if (needsTiles(contents) && !requestAmxPermission())
    throw Error::mismatch(manifestPath, "target.features",
                          "permission to use AMX tiles",
                          "a refusal from the kernel", ExitCode::unsupported);
}

void Artefact::loadCode() {
  std::string path = this->path("code.so");
  library.reset(::dlopen(absolutePath(path).c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!library)
    throw Error::mismatch(path, "", "a loadable shared object", ::dlerror());
  auto find = [&](const std::string &symbol) {
    void *address = ::dlsym(library.get(), symbol.c_str());
    if (!address)
      throw Error::mismatch(path, symbol, "an exported symbol", "nothing");
    return address;
  };
  int32_t version = *static_cast<const int32_t *>(find("moe_abi_version"));
  if (version != MOE_ABI_VERSION)
    throw Error::mismatch(path, "moe_abi_version",
                          std::to_string(MOE_ABI_VERSION),
                          std::to_string(version), ExitCode::unsupported);
  for (const EntrySpec &entry : contents.entries)
    functions.push_back(reinterpret_cast<moe_entry_fn>(find(entry.symbol)));
  failureText = reinterpret_cast<moe_device_failure_fn>(
      ::dlsym(library.get(), "moe_device_failure"));
}

void Artefact::CloseLibrary::operator()(void *library) const {
  ::dlclose(library);
}
