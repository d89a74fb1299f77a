// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Config.h"

#include "TestFiles.h"
#include "moe/Import/Error.h"
#include "moe/Import/Family.h"
#include "moe/Import/StrictJson.h"

#include <gtest/gtest.h>

using namespace mlir::moe;
using namespace mlir::moe::test;
namespace json = llvm::json;

namespace {

constexpr llvm::StringLiteral mixtral = R"({
  "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
  "hidden_act": "silu", "hidden_size": 48, "initializer_range": 0.02, "intermediate_size": 40,
  "max_position_embeddings": 512, "model_type": "mixtral", "num_attention_heads": 4, "num_experts_per_tok": 2,
  "num_hidden_layers": 3, "num_key_value_heads": 2, "num_local_experts": 5, "output_router_logits": false,
  "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "router_jitter_noise": 0.1,
  "sliding_window": 16, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "transformers_version": "4.36.0.dev0", "use_cache": true, "vocab_size": 97})";

constexpr llvm::StringLiteral olmoe = R"({
  "architectures": ["OlmoeForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "clip_qkv": null,
  "eos_token_id": [50279, 3], "hidden_act": "silu", "hidden_size": 48, "intermediate_size": 40,
  "max_position_embeddings": 512, "model_type": "olmoe", "norm_topk_prob": false, "num_attention_heads": 4,
  "num_experts": 7, "num_experts_per_tok": 2, "num_hidden_layers": 3, "num_key_value_heads": null,
  "pad_token_id": 1, "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0,
  "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 97})";

constexpr llvm::StringLiteral qwen3 = R"({
  "architectures": ["Qwen3MoeForCausalLM"], "attention_bias": true, "bos_token_id": null,
  "decoder_sparse_step": 1, "dtype": "float32", "eos_token_id": null, "head_dim": 16, "hidden_act": "silu",
  "hidden_size": 48, "intermediate_size": 40, "max_position_embeddings": 512, "mlp_only_layers": [0],
  "model_type": "qwen3_moe", "moe_intermediate_size": 24, "norm_topk_prob": true, "num_attention_heads": 4,
  "num_experts_per_tok": 2, "num_hidden_layers": 3, "num_key_value_heads": 2, "num_local_experts": 11,
  "rms_norm_eps": 1e-06, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
  "sliding_window": null, "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 97})";

/// A config with some keys set ("" erases one).
json::Object
edit(llvm::StringRef base,
     std::initializer_list<std::pair<llvm::StringRef, llvm::StringRef>>
         changes) {
  json::Object object =
      std::move(*llvm::cantFail(json::parse(base)).getAsObject());
  for (auto [key, text] : changes) {
    object.erase(key);
    if (!text.empty())
      object[key] = llvm::cantFail(json::parse(text));
  }
  return object;
}

std::string
errorOf(llvm::StringRef base,
        std::initializer_list<std::pair<llvm::StringRef, llvm::StringRef>>
            changes) {
  return messageOf(ModelConfig::parse(edit(base, changes), "c"));
}

ModelConfig
read(llvm::StringRef base,
     std::initializer_list<std::pair<llvm::StringRef, llvm::StringRef>>
         changes = {}) {
  auto config = ModelConfig::parse(edit(base, changes), "c");
  if (config)
    return *config;
  ADD_FAILURE() << llvm::toString(config.takeError());
  return {};
}

TEST(Config, ReadsMixtral) {
  ModelConfig config = read(mixtral);
  EXPECT_EQ(config.family->modelType, "mixtral");
  EXPECT_EQ(config.vocabSize, 97);
  EXPECT_EQ(config.numExperts, 5);
  EXPECT_EQ(config.topK, 2);
  EXPECT_EQ(config.expertSize, 40);
  EXPECT_EQ(config.headDim, 12);
  EXPECT_EQ(config.numKVHeads, 2);
  EXPECT_EQ(config.slidingWindow, 16);
  EXPECT_EQ(config.ropeTheta, 1e6);
  EXPECT_TRUE(config.normTopK);
  EXPECT_FALSE(config.attentionBias);
  EXPECT_TRUE(config.isSparseLayer(0));
  EXPECT_EQ(config.bosTokenId, 1);
  EXPECT_EQ(config.eosTokenIds, (llvm::SmallVector<int64_t>{2}));
  EXPECT_EQ(read(mixtral, {{"sliding_window", "null"}}).slidingWindow,
            std::nullopt);
  EXPECT_EQ(read(mixtral, {{"sliding_window", ""}}).slidingWindow,
            std::nullopt);
}

TEST(Config, ReadsOlmoe) {
  ModelConfig config = read(olmoe);
  EXPECT_EQ(config.numKVHeads, 4);
  EXPECT_FALSE(config.normTopK);
  EXPECT_EQ(config.clipQKV, std::nullopt);
  EXPECT_EQ(config.family->qkNorm, QKNorm::WholeProjection);
  EXPECT_EQ(config.eosTokenIds, (llvm::SmallVector<int64_t>{50279, 3}));
  EXPECT_EQ(read(olmoe, {{"clip_qkv", "8"}}).clipQKV, 8.0);
}

TEST(Config, ReadsQwen3) {
  ModelConfig config = read(qwen3);
  EXPECT_EQ(config.headDim, 16);
  EXPECT_EQ(config.numExperts, 11);
  EXPECT_EQ(config.expertSize, 24);
  EXPECT_EQ(config.denseSize, 40);
  EXPECT_TRUE(config.attentionBias);
  EXPECT_TRUE(config.tieWordEmbeddings);
  EXPECT_FALSE(config.isSparseLayer(0));
  EXPECT_TRUE(config.isSparseLayer(1));
  EXPECT_EQ(config.bosTokenId, std::nullopt);
  EXPECT_TRUE(config.eosTokenIds.empty());
  ModelConfig every2 =
      read(qwen3, {{"decoder_sparse_step", "2"}, {"mlp_only_layers", "null"}});
  EXPECT_FALSE(every2.isSparseLayer(0));
  EXPECT_TRUE(every2.isSparseLayer(1));
}

TEST(Config, TakesBothSpellings) {
  EXPECT_EQ(read(mixtral, {{"num_local_experts", ""}, {"num_experts", "5"}})
                .numExperts,
            5);
  EXPECT_EQ(read(mixtral, {{"num_experts", "5"}}).numExperts, 5);
  EXPECT_EQ(
      read(mixtral, {{"torch_dtype", ""}, {"dtype", "\"float16\""}}).numExperts,
      5);
  EXPECT_EQ(
      read(qwen3, {{"rope_parameters", ""}, {"rope_theta", "5000"}}).ropeTheta,
      5000);
  EXPECT_EQ(read(qwen3, {{"rope_parameters", ""},
                         {"rope_theta", "5000"},
                         {"rope_scaling", R"({"type": "default"})"}})
                .ropeTheta,
            5000);
  EXPECT_EQ(read(qwen3, {{"rope_theta", "10000"}}).ropeTheta, 10000);
}

TEST(Config, RejectsConflictingSpellings) {
  EXPECT_EQ(
      errorOf(mixtral, {{"num_experts", "6"}}),
      "c: num_experts: expected the same as num_local_experts (5), got 6");
  EXPECT_EQ(errorOf(mixtral, {{"dtype", "\"float32\""}}),
            "c: dtype: expected the same as torch_dtype (\"bfloat16\"), "
            "got \"float32\"");
  EXPECT_EQ(errorOf(qwen3, {{"rope_theta", "5000"}}),
            "c: rope_parameters.rope_theta: expected the same as rope_theta "
            "outside (5000), got 10000");
}

TEST(Config, RejectsMissingKeys) {
  for (llvm::StringRef base : {mixtral, olmoe, qwen3})
    for (llvm::StringRef key :
         {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
          "model_type", "max_position_embeddings", "rms_norm_eps",
          "tie_word_embeddings", "num_attention_heads", "num_experts_per_tok",
          "hidden_act"}) {
      std::string message = errorOf(base, {{key, ""}});
      EXPECT_EQ(message.find(("c: " + key + ": expected ").str()), 0u)
          << message;
      EXPECT_NE(message.find("got no such key"), std::string::npos) << message;
    }
  EXPECT_EQ(errorOf(mixtral, {{"num_local_experts", ""}}),
            "c: num_experts: expected an integer here or in num_local_experts, "
            "got no such key");
  EXPECT_EQ(errorOf(mixtral, {{"rope_theta", ""}}),
            "c: rope_theta: expected a number here or in rope_parameters, got "
            "no such key");
  for (llvm::StringRef key :
       {"norm_topk_prob", "decoder_sparse_step", "moe_intermediate_size",
        "attention_bias", "use_sliding_window", "num_key_value_heads"})
    EXPECT_NE(errorOf(qwen3, {{key, ""}}), "") << key.str();
  EXPECT_EQ(errorOf(qwen3, {{"norm_topk_prob", "null"}}),
            "c: norm_topk_prob: expected true or false, got null");
}

TEST(Config, RejectsUnknownKeys) {
  EXPECT_EQ(errorOf(mixtral, {{"attention_sinks", "4"}}),
            "c: attention_sinks: unknown key for mixtral");
  EXPECT_EQ(errorOf(mixtral, {{"moe_intermediate_size", "4"}}),
            "c: moe_intermediate_size: unknown key for mixtral");
  EXPECT_EQ(errorOf(qwen3, {{"rope_parameters",
                             R"({"rope_theta": 1.0, "factor": 2})"}}),
            "c: rope_parameters.factor: unknown key");
}

TEST(Config, RejectsWrongTypes) {
  EXPECT_EQ(errorOf(mixtral, {{"vocab_size", "\"97\""}}),
            "c: vocab_size: expected an integer from 1 to 2147483647, got "
            "\"97\"");
  EXPECT_NE(errorOf(mixtral, {{"vocab_size", "97.5"}}), "");
  EXPECT_NE(errorOf(mixtral, {{"vocab_size", "-1"}}), "");
  EXPECT_NE(errorOf(mixtral, {{"num_local_experts", "0"}}), "");
  EXPECT_NE(errorOf(mixtral, {{"vocab_size", "9223372036854775808"}}), "");
  EXPECT_EQ(errorOf(mixtral, {{"rms_norm_eps", "true"}}),
            "c: rms_norm_eps: expected a positive number, got true");
  EXPECT_EQ(errorOf(mixtral, {{"tie_word_embeddings", "0"}}),
            "c: tie_word_embeddings: expected true or false, got 0");
  EXPECT_EQ(errorOf(mixtral, {{"hidden_act", "1"}}),
            "c: hidden_act: expected a string, got 1");
  EXPECT_EQ(errorOf(qwen3, {{"rope_parameters", "1"}}),
            "c: rope_parameters: expected an object, got 1");
  EXPECT_EQ(errorOf(qwen3, {{"mlp_only_layers", "0"}}),
            "c: mlp_only_layers: expected a list of integers, got 0");
  EXPECT_NE(errorOf(mixtral, {{"eos_token_id", "-1"}}), "");
}

TEST(Config, RejectsImpossibleSizes) {
  EXPECT_EQ(errorOf(mixtral, {{"num_experts_per_tok", "6"}}),
            "c: num_experts_per_tok: expected at most num_experts (5), got 6");
  EXPECT_EQ(errorOf(mixtral, {{"num_key_value_heads", "3"}}),
            "c: num_key_value_heads: expected a divisor of num_attention_heads "
            "(4), got 3");
  EXPECT_EQ(errorOf(mixtral, {{"head_dim", "15"}}),
            "c: head_dim: expected an even size per head, which the rotary "
            "embedding needs, got 15");
  EXPECT_EQ(errorOf(olmoe, {{"head_dim", "16"}}),
            "c: head_dim: expected num_attention_heads x head size = "
            "hidden_size (48), got 4 x 16");
  EXPECT_EQ(
      errorOf(qwen3, {{"mlp_only_layers", "[3]"}}),
      "c: mlp_only_layers: expected layers below num_hidden_layers (3), got 3");
}

TEST(Config, NamesWhatIsNotSupported) {
  EXPECT_EQ(errorOf(mixtral, {{"model_type", "\"gpt2\""}}),
            "c: model_type: expected one of mixtral, olmoe, qwen3_moe, got "
            "\"gpt2\"");
  EXPECT_NE(errorOf(mixtral, {{"architectures",
                               "[\"MixtralForSequenceClassification\"]"}}),
            "");
  EXPECT_NE(errorOf(mixtral, {{"hidden_act", "\"quick_gelu\""}}), "");
  EXPECT_NE(errorOf(mixtral, {{"dtype", "\"float8\""}, {"torch_dtype", ""}}),
            "");
  EXPECT_NE(errorOf(mixtral, {{"attention_bias", "true"}}), "");
  EXPECT_NE(errorOf(mixtral, {{"quantization_config", "{}"}}), "");
  EXPECT_NE(errorOf(olmoe, {{"sliding_window", "8"}}), "");
  EXPECT_EQ(errorOf(qwen3, {{"rope_parameters",
                             R"({"rope_theta": 1.0, "rope_type": "yarn"})"}}),
            "c: rope_parameters.rope_type: expected \"default\", got \"yarn\"");
  EXPECT_NE(errorOf(qwen3, {{"partial_rotary_factor", "0.5"}}), "");
  auto config =
      ModelConfig::parse(edit(mixtral, {{"hidden_act", "\"mish\""}}), "c");
  ASSERT_FALSE(static_cast<bool>(config));
  llvm::handleAllErrors(config.takeError(), [](const ImportError &error) {
    EXPECT_EQ(error.getKind(), ImportErrorKind::NotSupported);
  });
}

TEST(Config, SlidingWindowOfQwen3HasASwitch) {
  EXPECT_EQ(read(qwen3, {{"sliding_window", "8"}}).slidingWindow, std::nullopt);
  EXPECT_EQ(read(qwen3, {{"sliding_window", "8"}, {"max_window_layers", "48"}})
                .slidingWindow,
            std::nullopt);
  EXPECT_EQ(
      read(qwen3, {{"sliding_window", "8"}, {"use_sliding_window", "true"}})
          .slidingWindow,
      8);
  EXPECT_EQ(errorOf(qwen3, {{"use_sliding_window", "true"}}),
            "c: sliding_window: expected an integer, as use_sliding_window is "
            "true, got null or no such key");
  EXPECT_EQ(read(qwen3, {{"sliding_window", "8"},
                         {"use_sliding_window", "true"},
                         {"max_window_layers", "1"}})
                .slidingWindow,
            8);
}

TEST(Config, LayerTypesMustAgreeWithTheWindow) {
  constexpr llvm::StringLiteral full =
      R"(["full_attention", "full_attention", "full_attention"])";
  read(qwen3, {{"layer_types", full}});
  EXPECT_NE(errorOf(mixtral, {{"layer_types", full}}), "");
  EXPECT_NE(errorOf(qwen3, {{"layer_types", R"(["full_attention"])"}}), "");
}

TEST(Config, GenerationConfigDecidesTokens) {
  TemporaryDirectory dir;
  EXPECT_EQ(messageOf(ModelConfig::read(dir.str())),
            dir.file("config.json") +
                ": cannot be read: No such file or directory");
  dir.write("config.json", mixtral);
  dir.write(
      "generation_config.json",
      R"({"bos_token_id": 5, "eos_token_id": [6, 7], "temperature": 0.7})");
  auto config = ModelConfig::read(dir.str());
  ASSERT_TRUE(static_cast<bool>(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->bosTokenId, 5);
  EXPECT_EQ(config->eosTokenIds, (llvm::SmallVector<int64_t>{6, 7}));
  dir.write("generation_config.json", R"({"eos_token_id": "x"})");
  EXPECT_EQ(messageOf(ModelConfig::read(dir.str())),
            dir.file("generation_config.json") +
                ": eos_token_id: expected an integer from 0 to 2147483647, got "
                "\"x\"");
}

} // namespace
