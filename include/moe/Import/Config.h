// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// config.json of a Hugging Face model directory, read strictly.
#ifndef MOE_IMPORT_CONFIG_H
#define MOE_IMPORT_CONFIG_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <cstdint>
#include <optional>
#include <string>

namespace mlir::moe {

struct Family;

/// The activations that config.json may name in `hidden_act`.
enum class Activation { SiLU, GELU, GELUTanh, ReLU };

/// What defines a model, whatever the family and the spelling of its keys.
/// Sizes are positive and fit 31 bits.
struct ModelConfig {
  const Family *family = nullptr;
  /// The file this was read from, for messages.
  std::string file;

  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t numLayers = 0;
  int64_t maxPositions = 0;
  double rmsNormEps = 0;
  Activation activation = Activation::SiLU;
  bool tieWordEmbeddings = false;

  int64_t numHeads = 0;
  int64_t numKVHeads = 0;
  int64_t headDim = 0;
  double ropeTheta = 0;
  /// Whether the q, k, v and o projections have a bias.
  bool attentionBias = false;
  /// q, k and v are clamped to [-clip, clip] after their norms.
  std::optional<double> clipQKV;
  /// A row attends to itself and the `slidingWindow - 1` positions before it;
  /// to all before it when absent.
  std::optional<int64_t> slidingWindow;

  int64_t numExperts = 0;
  int64_t topK = 0;
  /// Inner width of one expert, and of the feed-forward of a layer without
  /// experts (0 where the family has none).
  int64_t expertSize = 0;
  int64_t denseSize = 0;
  /// Whether the top-k weights are divided by their sum.
  bool normTopK = true;
  /// Layer i has experts when (i + 1) is a multiple of the step and i is not in
  /// the list.
  int64_t sparseStep = 1;
  llvm::SmallVector<int64_t> denseLayers;

  std::optional<int64_t> bosTokenId;
  llvm::SmallVector<int64_t> eosTokenIds;

  bool isSparseLayer(int64_t layer) const;

  /// Reads `<directory>/config.json` and, where there is one, the token ids of
  /// `generation_config.json`. Every key must be known, every key that defines
  /// the model present, of the right type and of a supported value; a key given
  /// in its old and its new spelling must say the same in both. Errors name the
  /// file and the key.
  static llvm::Expected<ModelConfig> read(llvm::StringRef directory);
  /// The same from a parsed config.json alone; `file` is for messages.
  static llvm::Expected<ModelConfig> parse(const llvm::json::Object &object,
                                           llvm::StringRef file);
  /// Takes bos_token_id and eos_token_id of a parsed generation_config.json,
  /// where they are set.
  llvm::Error applyGenerationConfig(const llvm::json::Object &object,
                                    llvm::StringRef file);
};

} // namespace mlir::moe

#endif // MOE_IMPORT_CONFIG_H
