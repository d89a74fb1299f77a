// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "moe/Import/Family.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mlir::moe {
namespace {

constexpr ConfigKey commonKeys[] = {
    {"vocab_size", "", &ModelConfig::vocabSize},
    {"hidden_size", "", &ModelConfig::hiddenSize},
    {"num_hidden_layers", "", &ModelConfig::numLayers},
    {"max_position_embeddings", "", &ModelConfig::maxPositions},
    {"rms_norm_eps", "", &ModelConfig::rmsNormEps},
    {"tie_word_embeddings", "", &ModelConfig::tieWordEmbeddings},
    {"num_attention_heads", "", &ModelConfig::numHeads},
    {"num_experts", "num_local_experts", &ModelConfig::numExperts},
    {"num_experts_per_tok", "", &ModelConfig::topK},
};

constexpr ConfigKey mixtralKeys[] = {
    {"intermediate_size", "", &ModelConfig::expertSize},
    {"sliding_window", "", &ModelConfig::slidingWindow},
};

constexpr ConfigKey olmoeKeys[] = {
    {"intermediate_size", "", &ModelConfig::expertSize},
    {"norm_topk_prob", "", &ModelConfig::normTopK},
    {"attention_bias", "", &ModelConfig::attentionBias},
    {"clip_qkv", "", &ModelConfig::clipQKV},
};

constexpr ConfigKey qwen3Keys[] = {
    {"intermediate_size", "", &ModelConfig::denseSize},
    {"moe_intermediate_size", "", &ModelConfig::expertSize},
    {"norm_topk_prob", "", &ModelConfig::normTopK},
    {"attention_bias", "", &ModelConfig::attentionBias},
    {"decoder_sparse_step", "", &ModelConfig::sparseStep},
    {"sliding_window", "", &ModelConfig::slidingWindow},
};

constexpr StringLiteral mixtralUnset[] = {"attention_bias"};
constexpr StringLiteral olmoeUnset[] = {"sliding_window", "use_sliding_window"};

const Family families[] = {
    {"mixtral", "MixtralForCausalLM", mixtralKeys, mixtralUnset,
     /*kvHeadsOptional=*/true, /*windowHasSwitch=*/false,
     /*picksSparseLayers=*/false, QKNorm::None, "block_sparse_moe", "w1", "w3",
     "w2"},
    {"olmoe", "OlmoeForCausalLM", olmoeKeys, olmoeUnset,
     /*kvHeadsOptional=*/true, /*windowHasSwitch=*/false,
     /*picksSparseLayers=*/false, QKNorm::WholeProjection, "mlp", "gate_proj",
     "up_proj", "down_proj"},
    {"qwen3_moe",
     "Qwen3MoeForCausalLM",
     qwen3Keys,
     {},
     /*kvHeadsOptional=*/false,
     /*windowHasSwitch=*/true,
     /*picksSparseLayers=*/true,
     QKNorm::PerHead,
     "mlp",
     "gate_proj",
     "up_proj",
     "down_proj"},
};

/// Keys that transformers writes or reads and that cannot change what a forward
/// pass computes.
constexpr StringLiteral irrelevantKeys[] = {
    // Training: initial weights, dropout, noise, losses.
    "initializer_range",
    "attention_dropout",
    "embd_dropout",
    "hidden_dropout",
    "resid_dropout",
    "router_jitter_noise",
    "router_aux_loss_coef",
    "problem_type",
    "id2label",
    "label2id",
    "num_labels",
    // What a call returns or keeps, not its values.
    "use_cache",
    "output_router_logits",
    "output_attentions",
    "output_hidden_states",
    "return_dict",
    "chunk_size_feed_forward",
    // Padding is masked; nothing here pads.
    "pad_token_id",
    // How the files were made.
    "transformers_version",
    "_name_or_path",
    "name_or_path",
    "_commit_hash",
};

} // namespace

const Family *lookupFamily(StringRef modelType) {
  const Family *it = find_if(families, [&](const Family &family) {
    return family.modelType == modelType;
  });
  return it == std::end(families) ? nullptr : it;
}

std::string listFamilies() {
  std::string text;
  for (const Family &family : families)
    text += (text.empty() ? "" : ", ") + family.modelType.str();
  return text;
}

ArrayRef<ConfigKey> getCommonKeys() { return commonKeys; }

bool isIrrelevantKey(StringRef key) {
  return is_contained(irrelevantKeys, key);
}

} // namespace mlir::moe
