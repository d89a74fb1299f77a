// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "WeightTable.h"

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Import/Error.h"
#include "moe/Import/Family.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace mlir::moe {

std::string getLayerName(int64_t layer) {
  return ("model.layers." + Twine(layer)).str();
}

WeightTable::WeightTable(OpBuilder &b, const ModelConfig &config,
                         const Checkpoint &checkpoint, StringRef directory,
                         ImportOptions::DType dtype)
    : b(b), config(config), checkpoint(checkpoint), directory(directory),
      f32(b.getF32Type()),
      storage(dtype == ImportOptions::DType::F32 ? Type(f32)
                                                 : b.getBF16Type()) {}

void WeightTable::fail(Error next) {
  if (error)
    consumeError(std::move(next));
  else
    error = std::move(next);
}

Error WeightTable::declareAll() {
  matrix("model.embed_tokens.weight", config.vocabSize, config.hiddenSize);
  rotaryFrequencies();
  for (int64_t layer = 0; layer < config.numLayers && !error; ++layer)
    declareLayer(layer);
  vector("model.norm.weight", config.hiddenSize);
  if (!config.tieWordEmbeddings)
    matrix("lm_head.weight", config.vocabSize, config.hiddenSize);
  else
    checkTiedHead();
  checkUnused();
  return std::move(error);
}

void WeightTable::declareLayer(int64_t layer) {
  std::string prefix = getLayerName(layer);
  vector(prefix + ".input_layernorm.weight", config.hiddenSize);
  declareAttention(prefix + ".self_attn");
  vector(prefix + ".post_attention_layernorm.weight", config.hiddenSize);
  if (config.isSparseLayer(layer))
    return declareExperts(prefix + "." + config.family->moeBlock.str());
  linear(prefix + ".mlp.gate_proj", config.denseSize, config.hiddenSize,
         /*bias=*/false);
  linear(prefix + ".mlp.up_proj", config.denseSize, config.hiddenSize,
         /*bias=*/false);
  linear(prefix + ".mlp.down_proj", config.hiddenSize, config.denseSize,
         /*bias=*/false);
}

void WeightTable::declareAttention(const std::string &prefix) {
  int64_t queries = config.numHeads * config.headDim,
          keys = config.numKVHeads * config.headDim;
  linear(prefix + ".q_proj", queries, config.hiddenSize, config.attentionBias);
  linear(prefix + ".k_proj", keys, config.hiddenSize, config.attentionBias);
  linear(prefix + ".v_proj", keys, config.hiddenSize, config.attentionBias);
  linear(prefix + ".o_proj", config.hiddenSize, queries, config.attentionBias);
  QKNorm norm = config.family->qkNorm;
  if (norm == QKNorm::None)
    return;
  bool perHead = norm == QKNorm::PerHead;
  vector(prefix + ".q_norm.weight", perHead ? config.headDim : queries);
  vector(prefix + ".k_norm.weight", perHead ? config.headDim : keys);
}

void WeightTable::declareExperts(const std::string &prefix) {
  plain(prefix + ".gate.weight", {config.numExperts, config.hiddenSize}, f32);
  expertStack(prefix, config.family->gate, config.expertSize,
              config.hiddenSize);
  expertStack(prefix, config.family->up, config.expertSize, config.hiddenSize);
  expertStack(prefix, config.family->down, config.hiddenSize,
              config.expertSize);
}

void WeightTable::vector(const std::string &key, int64_t size) {
  plain(key, size, f32);
}

void WeightTable::matrix(const std::string &key, int64_t rows,
                         int64_t columns) {
  plain(key, {rows, columns}, storage);
}

void WeightTable::plain(const std::string &key, ArrayRef<int64_t> shape,
                        Type elementType) {
  check(key, shape);
  declare(key, key, shape, elementType);
}

void WeightTable::linear(const std::string &name, int64_t rows, int64_t columns,
                         bool bias) {
  matrix(name + ".weight", rows, columns);
  if (bias)
    vector(name + ".bias", rows);
}

void WeightTable::expertStack(const std::string &prefix, StringRef projection,
                              int64_t rows, int64_t columns) {
  std::string tail = ("." + projection + ".weight").str();
  std::vector<std::string> keys;
  // One at a time: a lying expert count must end at the first missing tensor,
  // not in a list of all names.
  for (int64_t expert = 0; expert < config.numExperts && !error; ++expert) {
    keys.push_back(prefix + ".experts." + std::to_string(expert) + tail);
    check(keys.back(), {rows, columns});
  }
  declare(prefix + ".experts" + tail, keys, {config.numExperts, rows, columns},
          storage);
}

void WeightTable::rotaryFrequencies() {
  // 1 / theta^(2j/d), each step rounded to f32 as transformers has it.
  SmallVector<float> frequencies;
  for (int64_t j = 0; j < config.headDim / 2; ++j) {
    float exponent =
        static_cast<float>(2 * j) / static_cast<float>(config.headDim);
    frequencies.push_back(
        1.0f / static_cast<float>(
                   std::pow(config.ropeTheta, static_cast<double>(exponent))));
  }
  auto type = RankedTensorType::get(config.headDim / 2, f32);
  WeightOp::create(b, b.getUnknownLoc(), "rope.inv_freq", type,
                   DenseElementsAttr::get(type, ArrayRef(frequencies)),
                   /*transposed=*/false, PanelLayoutAttr(), IntegerAttr());
}

void WeightTable::declare(StringRef symbol, ArrayRef<std::string> keys,
                          ArrayRef<int64_t> shape, Type elementType) {
  if (error)
    return;
  SmallVector<Attribute> names;
  for (const std::string &key : keys)
    names.push_back(b.getStringAttr(key));
  auto source =
      CheckpointAttr::get(b.getContext(), directory, b.getArrayAttr(names));
  WeightOp::create(b, b.getUnknownLoc(), symbol,
                   RankedTensorType::get(shape, elementType), source,
                   /*transposed=*/false, PanelLayoutAttr(), IntegerAttr());
}

void WeightTable::check(StringRef key, ArrayRef<int64_t> shape) {
  if (error)
    return;
  used.insert(key);
  std::optional<CheckpointTensor> tensor = checkpoint.lookup(key);
  if (!tensor)
    return fail(expectedGot(checkpoint.getIndexPath(), key,
                            "a tensor of shape " + formatShape(shape),
                            "none of that name"));
  if (tensor->view.shape != shape)
    return fail(expectedGot(tensor->file, key, "shape " + formatShape(shape),
                            formatShape(tensor->view.shape)));
  if (!isWeightType(tensor->view.dtype))
    fail(expectedGot(tensor->file, key, "dtype F32, F16 or BF16",
                     getName(tensor->view.dtype)));
}

void WeightTable::checkTiedHead() {
  // Some writers store the tied head as well. It may be there so long as it
  // says the same.
  std::optional<CheckpointTensor> head = checkpoint.lookup("lm_head.weight");
  std::optional<CheckpointTensor> table =
      checkpoint.lookup("model.embed_tokens.weight");
  if (error || !head || !table)
    return;
  used.insert("lm_head.weight");
  if (head->view.dtype != table->view.dtype ||
      head->view.shape != table->view.shape ||
      head->view.bytes != table->view.bytes)
    fail(expectedGot(head->file, "lm_head.weight",
                     "the values of model.embed_tokens.weight, as "
                     "tie_word_embeddings is true",
                     "others"));
}

void WeightTable::checkUnused() {
  if (error)
    return;
  for (const std::string &key : checkpoint.getKeys()) {
    // Old checkpoints hold the rotary frequencies, which follow from
    // rope_theta.
    if (used.contains(key) || StringRef(key).ends_with(".rotary_emb.inv_freq"))
      continue;
    std::optional<CheckpointTensor> tensor = checkpoint.lookup(key);
    return fail(
        expectedGot(tensor->file, key,
                    "only tensors of a " + config.family->modelType + " model",
                    "this one, of shape " + formatShape(tensor->view.shape)));
  }
}

} // namespace mlir::moe
