// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DescriptionReader.h"
#include "GpuTargetReader.h"

#include <algorithm>
#include <cstdio>
#include <xxhash.h>

using namespace moe::rt;

namespace {

FileSpec readFile(const JsonReader &reader) {
  JsonReader digits = reader["xxh3"];
  std::optional<uint64_t> hash = parseHash(digits.string());
  if (!hash)
    throw digits.mismatch("16 lower-case hexadecimal digits");
  return {reader["bytes"].integer(), *hash};
}

/// Which files there are is the format's business, not the manifest's: a name
/// with a slash must not lead out of the artefact.
void readFiles(const JsonReader &reader, Manifest &result) {
  std::vector<std::string> required = {"code.so", "weights.bin"};
  std::vector<std::string> optional = {"tokenizer.json"};
  if (result.gpu)
    for (const std::string &module : result.gpu->modules) {
      required.push_back(module + ".ptx");
      optional.push_back(module + ".cubin");
      optional.push_back(module + ".json");
    }
  std::string known;
  for (const std::string &name : required) {
    result.files[name] = readFile(reader[name.c_str()]);
    known += name + ", ";
  }
  for (const std::string &name : optional)
    known += name + (name == optional.back() ? "" : ", ");
  reader.forEachMember([&](const std::string &name, const JsonReader &file) {
    if (std::find(optional.begin(), optional.end(), name) != optional.end())
      result.files[name] = readFile(file);
    else if (!result.files.count(name))
      throw file.mismatch("only " + known, name);
  });
  if (result.files["weights.bin"].bytes != result.memory.weightsBytes)
    throw reader["weights.bin"]["bytes"].mismatch(
        "memory.weights_bytes = " + std::to_string(result.memory.weightsBytes));
}

void readTarget(const JsonReader &root, Manifest &result) {
  JsonReader reader = root["target"];
  JsonReader kind = reader["kind"];
  if (kind.string() == "cuda")
    result.gpu = readGpuTarget(root);
  else if (kind.string() != "cpu")
    throw kind.mismatch("cpu or cuda", ExitCode::unsupported);
  else if (auto kernels = root.find("kernels"))
    throw kernels->mismatch("nothing, as target.kind is cpu");
  result.triple = reader["triple"].string();
  result.vectorBits = reader["vector_bits"].integer(0, 1 << 16);
  reader["features"].forEachElement([&](const JsonReader &feature) {
    result.features.push_back(feature.string());
  });
}

} // namespace

Manifest Manifest::parse(std::string_view json, const std::string &file) {
  nlohmann::json document = parseJson(json, file);
  JsonReader root(document, file);
  // What makes the rest unreadable comes first.
  JsonReader format = root["format"];
  if (format.string() != "moe-artefact")
    throw format.mismatch("moe-artefact");
  JsonReader version = root["version"];
  if (version.integer() != supportedVersion)
    throw version.mismatch(std::to_string(supportedVersion),
                           ExitCode::unsupported);
  Manifest result;
  result.compiler = root["compiler"].string();
  readTarget(root, result);
  readDescription(root, result);
  readFiles(root["files"], result);
  return result;
}

std::string moe::rt::formatHash(uint64_t hash) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(hash));
  return digits;
}

std::optional<uint64_t> moe::rt::parseHash(std::string_view digits) {
  if (digits.size() != 16)
    return std::nullopt;
  uint64_t hash = 0;
  for (char digit : digits) {
    if ('0' <= digit && digit <= '9')
      hash = hash << 4 | uint64_t(digit - '0');
    else if ('a' <= digit && digit <= 'f')
      hash = hash << 4 | uint64_t(digit - 'a' + 10);
    else
      return std::nullopt;
  }
  return hash;
}

uint64_t moe::rt::hashBytes(const void *data, size_t size) {
  return XXH3_64bits(data, size);
}
