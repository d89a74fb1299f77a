// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Config.h"

#include "KeyReader.h"
#include "moe/Import/Error.h"
#include "moe/Import/Family.h"
#include "moe/Import/StrictJson.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace mlir::moe {
namespace {

/// Reads one config.json; each method takes the keys of one concern.
class ConfigBuilder {
public:
  ConfigBuilder(const json::Object &object, StringRef file)
      : reader(object, file), file(file) {
    config.file = file.str();
  }

  Expected<ModelConfig> build() {
    readArchitecture();
    if (!reader.failed()) {
      readTable(getCommonKeys());
      readTable(config.family->keys);
      readActivation();
      readHeads();
      readRope();
      readWindow();
      readSparseLayers();
      readTokens();
      readDType();
      readUnset();
      rejectUnknown();
    }
    if (Error error = reader.takeError())
      return std::move(error);
    return std::move(config);
  }

private:
  void readArchitecture();
  void readTable(ArrayRef<ConfigKey> keys);
  void readActivation();
  void readHeads();
  void readRope();
  void readWindow();
  void readSparseLayers();
  void readTokens();
  void readDType();
  void readUnset();
  void rejectUnknown();

  void requireUnset(StringRef key);

  KeyReader reader;
  StringRef file;
  ModelConfig config;
};

void ConfigBuilder::readArchitecture() {
  StringRef modelType = reader.requireString("model_type");
  if (reader.failed())
    return;
  config.family = lookupFamily(modelType);
  if (!config.family)
    return reader.failNotSupported(
        "model_type", "expected one of " + listFamilies() + ", got " +
                          describe(json::Value(modelType)));
  const json::Value *value = reader.take("architectures");
  if (!value)
    return;
  const json::Array *list = value->getAsArray();
  if (!list || list->size() != 1 ||
      (*list)[0].getAsString() != config.family->architecture)
    reader.failNotSupported("architectures",
                            "expected [\"" + config.family->architecture +
                                "\"], got " + describe(*value));
}

void ConfigBuilder::readTable(ArrayRef<ConfigKey> keys) {
  for (const ConfigKey &key : keys) {
    if (auto *member = std::get_if<int64_t ModelConfig::*>(&key.member))
      config.**member = reader.requireInteger(key.name, key.otherName, 1);
    else if (auto *member = std::get_if<double ModelConfig::*>(&key.member))
      config.**member = reader.requireNumber(key.name, key.otherName);
    else if (auto *member = std::get_if<bool ModelConfig::*>(&key.member))
      config.**member = reader.requireBool(key.name, key.otherName);
    else if (auto *member = std::get_if<std::optional<int64_t> ModelConfig::*>(
                 &key.member))
      config.**member = reader.optionalInteger(key.name, key.otherName, 1);
    else
      config.*std::get<std::optional<double> ModelConfig::*>(key.member) =
          reader.optionalNumber(key.name, key.otherName);
  }
  if (!reader.failed() && config.topK > config.numExperts)
    reader.failMismatch("num_experts_per_tok",
                        "at most num_experts (" + Twine(config.numExperts) +
                            ")",
                        Twine(config.topK));
}

void ConfigBuilder::readActivation() {
  StringRef name = reader.requireString("hidden_act");
  std::optional<Activation> activation =
      StringSwitch<std::optional<Activation>>(name)
          .Cases({"silu", "swish"}, Activation::SiLU)
          .Case("gelu", Activation::GELU)
          .Cases({"gelu_new", "gelu_pytorch_tanh"}, Activation::GELUTanh)
          .Case("relu", Activation::ReLU)
          .Default(std::nullopt);
  if (!reader.failed() && !activation)
    reader.failNotSupported("hidden_act",
                            "expected one of silu, swish, gelu, gelu_new, "
                            "gelu_pytorch_tanh, relu, got " +
                                describe(json::Value(name)));
  config.activation = activation.value_or(Activation::SiLU);
}

void ConfigBuilder::readHeads() {
  if (config.family->kvHeadsOptional)
    config.numKVHeads = reader.optionalInteger("num_key_value_heads", "", 1)
                            .value_or(config.numHeads);
  else
    config.numKVHeads = reader.requireInteger("num_key_value_heads", "", 1);
  std::optional<int64_t> headDim = reader.optionalInteger("head_dim", "", 1);
  if (reader.failed())
    return;
  if (config.numHeads % config.numKVHeads)
    reader.failMismatch("num_key_value_heads",
                        "a divisor of num_attention_heads (" +
                            Twine(config.numHeads) + ")",
                        Twine(config.numKVHeads));
  config.headDim = headDim.value_or(config.hiddenSize / config.numHeads);
  StringRef key = headDim ? "head_dim" : "hidden_size";
  if (config.headDim == 0 || config.headDim % 2)
    reader.failMismatch(
        key, "an even size per head, which the rotary embedding needs",
        Twine(config.headDim));
  // This norm has one weight per element of the projection, and the family
  // sizes it by hidden_size.
  if (config.family->qkNorm == QKNorm::WholeProjection &&
      config.headDim * config.numHeads != config.hiddenSize)
    reader.failMismatch(key,
                        "num_attention_heads x head size = hidden_size (" +
                            Twine(config.hiddenSize) + ")",
                        Twine(config.numHeads) + " x " + Twine(config.headDim));
}

void ConfigBuilder::readRope() {
  // One rotation in three spellings: a theta of its own with an optional
  // rope_scaling, or rope_parameters with both.
  std::optional<double> theta = reader.optionalNumber("rope_theta");
  const json::Value *nested = reader.take("rope_parameters", "rope_scaling");
  if (nested && !reader.failed()) {
    const json::Object *object = nested->getAsObject();
    if (!object)
      return reader.failMismatch("rope_parameters", "an object",
                                 describe(*nested));
    KeyReader rope(*object, file, "rope_parameters.");
    const json::Value *type = rope.take("rope_type", "type");
    if (type && *type != json::Value("default"))
      rope.failNotSupported("rope_type",
                            "expected \"default\", got " + describe(*type));
    std::optional<double> nestedTheta = rope.optionalNumber("rope_theta");
    if (std::optional<double> factor =
            rope.optionalNumber("partial_rotary_factor");
        factor && *factor != 1)
      rope.failNotSupported("partial_rotary_factor",
                            "expected 1, got " +
                                describe(json::Value(*factor)));
    for (StringRef key : rope.unread())
      rope.failNotSupported(key, "unknown key");
    if (theta && nestedTheta && *theta != *nestedTheta)
      rope.failMismatch("rope_theta",
                        "the same as rope_theta outside (" +
                            describe(json::Value(*theta)) + ")",
                        describe(json::Value(*nestedTheta)));
    theta = nestedTheta ? nestedTheta : theta;
    if (Error error = rope.takeError())
      return reader.fail(std::move(error));
  }
  if (std::optional<double> factor =
          reader.optionalNumber("partial_rotary_factor");
      factor && *factor != 1)
    reader.failNotSupported("partial_rotary_factor",
                            "expected 1, got " +
                                describe(json::Value(*factor)));
  if (!theta)
    reader.failMismatch("rope_theta", "a number here or in rope_parameters",
                        "no such key");
  config.ropeTheta = theta.value_or(0);
}

void ConfigBuilder::readWindow() {
  if (config.family->windowHasSwitch) {
    bool enabled = reader.requireBool("use_sliding_window");
    if (!reader.failed() && enabled && !config.slidingWindow)
      reader.failMismatch("sliding_window",
                          "an integer, as use_sliding_window is true",
                          "null or no such key");
    if (!enabled)
      config.slidingWindow.reset();
    // Releases of transformers before 5 left the first layers without the
    // window; the present ones read this key and do not use it, and they
    // decide.
    reader.optionalInteger("max_window_layers", "", 0);
  }
  const json::Value *types = reader.take("layer_types");
  if (!types)
    return;
  const json::Array *list = types->getAsArray();
  StringRef expected =
      config.slidingWindow ? "sliding_attention" : "full_attention";
  if (!list || list->size() != static_cast<size_t>(config.numLayers) ||
      !all_of(*list, [&](const json::Value &type) {
        return type.getAsString() == expected;
      }))
    reader.failNotSupported("layer_types",
                            "expected \"" + expected +
                                "\" for each of num_hidden_layers, got " +
                                describe(*types));
}

void ConfigBuilder::readSparseLayers() {
  if (!config.family->picksSparseLayers)
    return;
  config.denseLayers = reader.integers("mlp_only_layers", /*scalar=*/false);
  for (int64_t layer : config.denseLayers)
    if (layer >= config.numLayers)
      reader.failMismatch("mlp_only_layers",
                          "layers below num_hidden_layers (" +
                              Twine(config.numLayers) + ")",
                          Twine(layer));
}

void ConfigBuilder::readTokens() {
  // Not compared with vocab_size: an id outside of it is never generated, and
  // small test models keep the defaults of large ones.
  config.bosTokenId = reader.optionalInteger("bos_token_id", "", 0);
  config.eosTokenIds = reader.integers("eos_token_id", /*scalar=*/true);
}

void ConfigBuilder::readDType() {
  // The type of each tensor is in the checkpoint; this key only says what most
  // of them are.
  const json::Value *value = reader.take("dtype", "torch_dtype");
  if (value && !is_contained({"float32", "float16", "bfloat16"},
                             value->getAsString().value_or("")))
    reader.failNotSupported("dtype",
                            "expected one of float32, float16, bfloat16, got " +
                                describe(*value));
}

void ConfigBuilder::requireUnset(StringRef key) {
  const json::Value *value = reader.take(key);
  if (value && value->getAsBoolean() != false && value->getAsNumber() != 0.0)
    reader.failNotSupported(key, "expected null, false or no such key for " +
                                     config.family->modelType + ", got " +
                                     describe(*value));
}

void ConfigBuilder::readUnset() {
  for (StringRef key : config.family->unsetKeys)
    requireUnset(key);
  for (StringRef key : {"quantization_config", "is_encoder_decoder",
                        "per_layer_config", "tie_last_hidden_states"})
    requireUnset(key);
}

void ConfigBuilder::rejectUnknown() {
  for (StringRef key : reader.unread())
    if (!isIrrelevantKey(key))
      reader.failNotSupported(key,
                              "unknown key for " + config.family->modelType);
}

} // namespace

bool ModelConfig::isSparseLayer(int64_t layer) const {
  return (layer + 1) % sparseStep == 0 && !is_contained(denseLayers, layer);
}

Expected<ModelConfig> ModelConfig::parse(const json::Object &object,
                                         StringRef file) {
  return ConfigBuilder(object, file).build();
}

Error ModelConfig::applyGenerationConfig(const json::Object &object,
                                         StringRef file) {
  KeyReader reader(object, file);
  if (std::optional<int64_t> bos =
          reader.optionalInteger("bos_token_id", "", 0))
    bosTokenId = bos;
  SmallVector<int64_t> eos = reader.integers("eos_token_id", /*scalar=*/true);
  if (!eos.empty())
    eosTokenIds = eos;
  return reader.takeError();
}

Expected<ModelConfig> ModelConfig::read(StringRef directory) {
  SmallString<128> path(directory), generation(directory);
  sys::path::append(path, "config.json");
  sys::path::append(generation, "generation_config.json");
  Expected<json::Object> object = readStrictJsonObject(path);
  if (!object)
    return object.takeError();
  Expected<ModelConfig> config = parse(*object, path);
  if (!config || !sys::fs::exists(generation))
    return config;
  Expected<json::Object> generationObject = readStrictJsonObject(generation);
  if (!generationObject)
    return generationObject.takeError();
  if (Error error =
          config->applyGenerationConfig(*generationObject, generation))
    return std::move(error);
  return config;
}

} // namespace mlir::moe
