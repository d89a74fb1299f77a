// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DescriptionReader.h"

#include <algorithm>

using namespace moe::rt;

int64_t moe::rt::byteSize(DType dtype) {
  switch (dtype) {
  case DType::f32:
  case DType::i32:
    return 4;
  case DType::bf16:
    return 2;
  case DType::i64:
    return 8;
  }
  __builtin_unreachable();
}

const char *moe::rt::name(DType dtype) {
  switch (dtype) {
  case DType::f32:
    return "f32";
  case DType::bf16:
    return "bf16";
  case DType::i32:
    return "i32";
  case DType::i64:
    return "i64";
  }
  __builtin_unreachable();
}

int64_t TensorSpec::maxElements() const {
  int64_t product = 1;
  for (int64_t extent : maxShape)
    product *= extent;
  return product;
}

const EntrySpec *Description::findEntry(std::string_view name) const {
  for (const EntrySpec &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

namespace {

/// Bytes that no plan reaches; sums and products below it cannot overflow.
constexpr int64_t mostBytes = int64_t{1} << 56;
constexpr int64_t mostTokens = int64_t{1} << 31;
constexpr int64_t alignment = 64;

DType readDType(const JsonReader &reader) {
  std::string text = reader.string();
  for (DType dtype : {DType::f32, DType::bf16, DType::i32, DType::i64})
    if (text == name(dtype))
      return dtype;
  throw reader.mismatch("one of f32, bf16, i32, i64");
}

DType readFloatDType(const JsonReader &reader) {
  DType dtype = readDType(reader);
  if (dtype != DType::f32 && dtype != DType::bf16)
    throw reader.mismatch("f32 or bf16");
  return dtype;
}

/// The product of `factors`, or an error at `where` above `mostBytes`.
int64_t checkedProduct(const std::vector<int64_t> &factors,
                       const JsonReader &where) {
  int64_t product = 1;
  for (int64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product) ||
        product > mostBytes)
      throw where.mismatch("a size of at most 2^56 bytes");
  return product;
}

std::vector<int64_t> readShape(const JsonReader &reader, int64_t least) {
  std::vector<int64_t> shape;
  reader.forEachElement([&](const JsonReader &extent) {
    shape.push_back(extent.integer(least, mostBytes));
  });
  if (shape.size() > MOE_MAX_RANK)
    throw reader.mismatch("at most " + std::to_string(MOE_MAX_RANK) +
                          " dimensions");
  return shape;
}

TensorSpec readTensor(const JsonReader &reader) {
  TensorSpec tensor;
  tensor.name = reader["name"].string();
  tensor.dtype = readDType(reader["dtype"]);
  tensor.shape = readShape(reader["shape"], -1);
  JsonReader maxShape = reader["max_shape"];
  tensor.maxShape = readShape(maxShape, 0);
  bool agree = tensor.shape.size() == tensor.maxShape.size() &&
               std::equal(tensor.shape.begin(), tensor.shape.end(),
                          tensor.maxShape.begin(), [](int64_t n, int64_t most) {
                            return n == -1 || n == most;
                          });
  if (!agree)
    throw maxShape.mismatch("the static dimensions of shape");
  std::vector<int64_t> factors = tensor.maxShape;
  factors.push_back(byteSize(tensor.dtype));
  checkedProduct(factors, maxShape);
  return tensor;
}

std::vector<TensorSpec> readTensors(const JsonReader &reader) {
  std::vector<TensorSpec> tensors;
  reader.forEachElement(
      [&](const JsonReader &tensor) { tensors.push_back(readTensor(tensor)); });
  return tensors;
}

std::vector<EntrySpec> readEntries(const JsonReader &reader) {
  std::vector<EntrySpec> entries;
  reader.forEachMember([&](const std::string &name, const JsonReader &entry) {
    entries.push_back({name, entry["symbol"].string(),
                       readTensors(entry["args"]),
                       readTensors(entry["results"])});
  });
  if (entries.empty())
    throw reader.mismatch("at least one entry");
  return entries;
}

MemorySpec readMemory(const JsonReader &reader) {
  return {reader["weights_bytes"].integer(0, mostBytes),
          reader["kv_bytes"].integer(0, mostBytes),
          reader["arena_bytes"].integer(0, mostBytes)};
}

ModelSpec readModel(const JsonReader &reader) {
  ModelSpec model;
  model.family = reader["family"].string();
  model.vocabSize = reader["vocab_size"].integer(1, mostTokens - 1);
  model.maxLength = reader["max_len"].integer(1, mostTokens - 1);
  model.batch = reader["batch"].integer(1, mostTokens - 1);
  model.prefillChunk = reader["prefill_chunk"].integer(1, mostTokens - 1);
  auto readId = [&](const JsonReader &id) {
    return static_cast<int32_t>(id.integer(0, model.vocabSize - 1));
  };
  if (auto bos = reader.find("bos_token_id"))
    model.bosToken = readId(*bos);
  reader["eos_token_ids"].forEachElement(
      [&](const JsonReader &id) { model.eosTokens.push_back(readId(id)); });
  return model;
}

KvLayerSpec readKvLayer(const JsonReader &reader, int64_t batch,
                        int64_t kvBytes) {
  KvLayerSpec layer;
  JsonReader policy = reader["policy"];
  layer.policy = policy.string();
  if (layer.policy != "static" && layer.policy != "sliding_window")
    throw policy.mismatch("static or sliding_window", ExitCode::unsupported);
  layer.length = reader["length"].integer(1, mostBytes);
  layer.capacity = reader["capacity"].integer(1, mostBytes);
  layer.heads = reader["heads"].integer(1, mostBytes);
  layer.keyDim = reader["key_dim"].integer(1, mostBytes);
  layer.valueDim = reader["value_dim"].integer(1, mostBytes);
  layer.dtype = readFloatDType(reader["dtype"]);
  JsonReader offset = reader["offset"];
  layer.offset = offset.integer(0, kvBytes);
  if (layer.offset % alignment != 0)
    throw offset.mismatch("a multiple of " + std::to_string(alignment));
  JsonReader bytes = reader["bytes"];
  layer.bytes = bytes.integer(0, kvBytes - layer.offset);
  int64_t needed =
      checkedProduct({batch, layer.heads, layer.capacity,
                      layer.keyDim + layer.valueDim, byteSize(layer.dtype)},
                     reader);
  if (layer.bytes < needed)
    throw bytes.mismatch("at least " + std::to_string(needed) +
                         " (batch x heads x capacity x dims)");
  return layer;
}

KvSpec readKv(const JsonReader &reader, int64_t batch, int64_t kvBytes) {
  KvSpec kv;
  kv.policy = reader["policy"].string();
  JsonReader layers = reader["layers"];
  int64_t end = 0;
  layers.forEachElement([&](const JsonReader &element) {
    KvLayerSpec layer = readKvLayer(element, batch, kvBytes);
    if (layer.offset < end)
      throw element["offset"].mismatch("at least " + std::to_string(end) +
                                       ", where the layer before ends");
    end = layer.offset + layer.bytes;
    kv.layers.push_back(layer);
  });
  return kv;
}

} // namespace

void moe::rt::readDescription(const JsonReader &root, Description &result) {
  result.dtype = readFloatDType(root["dtype"]);
  result.memory = readMemory(root["memory"]);
  result.entries = readEntries(root["entries"]);
  if (auto model = root.find("model"))
    result.model = readModel(*model);
  if (auto kv = root.find("kv"))
    result.kv = readKv(*kv, result.model ? result.model->batch : 1,
                       result.memory.kvBytes);
  if (result.model)
    checkLanguageModel(root["entries"], result);
}

Description Description::parse(std::string_view json, const std::string &file) {
  nlohmann::json document = parseJson(json, file);
  Description result;
  readDescription(JsonReader(document, file), result);
  return result;
}
