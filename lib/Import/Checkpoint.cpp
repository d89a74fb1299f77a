// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Checkpoint.h"

#include "moe/Import/Error.h"
#include "moe/Import/StrictJson.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <map>

using namespace llvm;

namespace mlir::moe {
namespace {

constexpr StringLiteral singleName = "model.safetensors";
constexpr StringLiteral indexName = "model.safetensors.index.json";

std::string join(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

/// An index comes with the model and may not point out of its directory.
bool isPlainShardName(StringRef name) {
  return name.ends_with(".safetensors") &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos &&
         !name.starts_with(".");
}

/// Shard file name to the keys that the index places there; both in sorted
/// order.
using WeightMap = std::map<std::string, std::vector<std::string>>;

Expected<WeightMap> readIndex(StringRef path) {
  Expected<json::Object> index = readStrictJsonObject(path);
  if (!index)
    return index.takeError();
  for (const auto &[key, value] : *index)
    if (!is_contained({"metadata", "weight_map"}, StringRef(key)))
      return expectedGot(path, key, "only metadata and weight_map", "this key");
  const json::Object *map = index->getObject("weight_map");
  if (!map)
    return expectedGot(
        path, "weight_map", "an object from tensor name to shard",
        index->get("weight_map") ? describe(*index->get("weight_map"))
                                 : "none");
  WeightMap result;
  for (const auto &[key, value] : *map) {
    std::optional<StringRef> name = value.getAsString();
    if (!name || !isPlainShardName(*name))
      return expectedGot(
          path, "weight_map." + StringRef(key).str(),
          "the name of a .safetensors file in the same directory",
          describe(value));
    result[name->str()].push_back(StringRef(key).str());
  }
  for (auto &[name, keys] : result)
    sort(keys);
  return result;
}

} // namespace

Expected<Checkpoint> Checkpoint::open(StringRef directory) {
  if (!sys::fs::is_directory(directory))
    return expectedGot(directory, "", "a model directory",
                       sys::fs::exists(directory) ? "a file"
                                                  : "nothing at this path");
  Checkpoint checkpoint;
  std::string single = join(directory, singleName),
              index = join(directory, indexName);
  if (sys::fs::exists(single)) {
    Expected<SafetensorsFile> file = SafetensorsFile::open(single);
    if (!file)
      return file.takeError();
    checkpoint.indexPath = single;
    checkpoint.shards.push_back(std::move(*file));
    for (const std::string &key : checkpoint.shards.front().getKeys())
      checkpoint.shardOf[key] = 0;
    return checkpoint;
  }
  if (!sys::fs::exists(index))
    return expectedGot(directory, "", singleName + " or " + indexName,
                       "neither");
  checkpoint.indexPath = index;
  if (Error error = checkpoint.openShards(directory))
    return std::move(error);
  return checkpoint;
}

Error Checkpoint::openShards(StringRef directory) {
  Expected<WeightMap> weightMap = readIndex(indexPath);
  if (!weightMap)
    return weightMap.takeError();
  for (const auto &[name, keys] : *weightMap) {
    std::string path = join(directory, name);
    if (!sys::fs::exists(path))
      return expectedGot(path, "", "a shard, as " + indexName + " lists it",
                         "no such file");
    Expected<SafetensorsFile> shard = SafetensorsFile::open(path);
    if (!shard)
      return shard.takeError();
    for (const std::string &key : keys)
      if (!shard->lookup(key))
        return expectedGot(path, key, "this tensor, as " + indexName + " says",
                           "none of that name");
    for (const std::string &key : shard->getKeys()) {
      auto [it, inserted] = shardOf.try_emplace(key, shards.size());
      if (!inserted)
        return expectedGot(path, key, "each tensor in one shard",
                           "it in " + shards[it->second].getPath() + " too");
    }
    shards.push_back(std::move(*shard));
    if (shards.back().getKeys().size() != keys.size())
      for (const std::string &key : shards.back().getKeys())
        if (!std::binary_search(keys.begin(), keys.end(), key))
          return expectedGot(path, key,
                             "only tensors that " + indexName + " places here",
                             "this one");
  }
  return Error::success();
}

std::optional<CheckpointTensor> Checkpoint::lookup(StringRef key) const {
  auto it = shardOf.find(key);
  if (it == shardOf.end())
    return std::nullopt;
  const SafetensorsFile &shard = shards[it->second];
  return CheckpointTensor{*shard.lookup(key), shard.getPath()};
}

std::vector<std::string> Checkpoint::getKeys() const {
  std::vector<std::string> keys;
  for (StringRef key : shardOf.keys())
    keys.push_back(key.str());
  sort(keys);
  return keys;
}

} // namespace mlir::moe
