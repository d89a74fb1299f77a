// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "LoadedModel.h"

#include "CompileOnUse.h"
#include "Device.h"
#include "Terminal.h"
#include "moe/Runtime/Error.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

using namespace moe::rt;
using namespace moe::run;
using namespace moe::tool;
namespace fs = std::filesystem;

namespace {

enum class Kind { artefact, source };

Kind classify(const std::string &path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw Error::mismatch(path, "",
                          "an artefact, model directory or .mlir file",
                          "nothing of that name");
  if (isArtefact(path))
    return Kind::artefact;
  if (fs::is_directory(path, error)
          ? fs::exists(fs::path(path) / "config.json", error)
          : fs::path(path).extension() == ".mlir")
    return Kind::source;
  throw Error::mismatch(
      path, "",
      "manifest.json (an artefact), config.json (a model) or a .mlir file",
      fs::is_directory(path, error) ? "a folder without" : "another file");
}

/// An artefact is what it is: options that say otherwise are a mistake.
void checkAgrees(const CompileOptions &options, const Manifest &artefact) {
  auto check = [](const char *option, const auto &wanted, const auto &is,
                  const auto &text) {
    if (wanted && *wanted != is)
      throw Error::mismatch(option, "",
                            text(is) + ", as the artefact was compiled",
                            text(*wanted), ExitCode::commandLine);
  };
  auto same = [](const std::string &text) { return text; };
  auto number = [](int64_t value) { return std::to_string(value); };
  check("--target", options.target, artefact.target(), same);
  check("--dtype", options.dtype, std::string(name(artefact.dtype)), same);
  if (artefact.kv && options.kv != "auto")
    check("--kv", options.kv, artefact.kv->policy, same);
  if (artefact.model) {
    check("--max-len", options.maxLength, artefact.model->maxLength, number);
    check("--batch", options.batch, artefact.model->batch, number);
  }
}

std::unique_ptr<Executable> openArtefact(const std::string &path,
                                         const Options &options) {
  return openOn(options.device, Artefact::open(path, options.verifyPolicy()),
                options.threads);
}

/// Compiled on first use, for what it is to run on.
std::string compileOnUse(const Options &options, bool again = false) {
  CompileOptions compile = options.compile;
  if (isGpu(options.device) && !compile.target)
    compile.target = gpuTarget;
  return compiledPath(options.model, compile, again);
}

std::string referencePlugin() {
  constexpr const char *file = "libmoe-reference.so";
  fs::path program = programFolder();
  for (const fs::path &path :
       {program / file, program.parent_path() / "lib" / file})
    if (fs::exists(path))
      return path;
  return file;
}

std::unique_ptr<Executable> openReference(const Options &options) {
  const CompileOptions &compile = options.compile;
  nlohmann::json json = nlohmann::json::object();
  auto add = [&](const char *key, const auto &value) {
    if (value)
      json[key] = *value;
  };
  add("dtype", compile.dtype);
  add("kv", compile.kv);
  add("max_len", compile.maxLength);
  add("batch", compile.batch);
  if (options.prefillChunk > 0)
    json["prefill_chunk"] = options.prefillChunk;
  return openReferenceModel(referencePlugin(), options.model, json.dump());
}

void requireSource(const Options &options) {
  if (classify(options.model) == Kind::artefact)
    throw Error::mismatch(options.model, "",
                          "a model directory or .mlir file, which is what "
                          "--device=reference evaluates",
                          "an artefact", ExitCode::commandLine);
}

} // namespace

const Tokenizer &LoadedModel::requireTokenizer(const char *why) const {
  if (!tokenizer)
    throw Error::mismatch(folder + "/tokenizer.json", "",
                          std::string("a tokenizer for ") + why, "nothing");
  return *tokenizer;
}

LoadedModel moe::run::load(const Options &options) {
  using Clock = std::chrono::steady_clock;
  LoadedModel model;
  Clock::time_point start = Clock::now();
  if (options.isReference()) {
    requireSource(options);
    model.folder = options.model;
    model.executable = openReference(options);
  } else if (classify(options.model) == Kind::artefact) {
    model.folder = options.model;
    checkAgrees(options.compile, Artefact::readManifest(model.folder));
    model.executable = openArtefact(model.folder, options);
  } else {
    model.folder = compileOnUse(options);
    start = Clock::now();
    try {
      model.executable = openArtefact(model.folder, options);
    } catch (const Error &error) {
      if (error.exitCode() != ExitCode::inputWrong)
        throw;
      // What is damaged here is our own copy.
      say(error.what());
      model.folder = compileOnUse(options, true);
      start = Clock::now();
      model.executable = openArtefact(model.folder, options);
    }
  }
  std::error_code error;
  if (std::string path = model.folder + "/tokenizer.json";
      fs::exists(path, error))
    model.tokenizer = Tokenizer::load(path);
  model.loadSeconds =
      std::chrono::duration<double>(Clock::now() - start).count();
  return model;
}

Description moe::run::describe(const Options &options) {
  if (options.isReference()) {
    requireSource(options);
    return openReference(options)->description();
  }
  if (classify(options.model) == Kind::source)
    return Artefact::readManifest(compileOnUse(options));
  Manifest manifest = Artefact::readManifest(options.model);
  checkAgrees(options.compile, manifest);
  return manifest;
}
