// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What sets one model family apart from another, as data: a new family is a new
// row.
#ifndef MOE_IMPORT_FAMILY_H
#define MOE_IMPORT_FAMILY_H

#include "moe/Import/Config.h"

#include <variant>

namespace mlir::moe {

/// The norm on queries and keys before the rotation.
enum class QKNorm {
  None,
  /// Each head by itself; one weight of head_dim for all heads.
  PerHead,
  /// Over the projection's whole output; a weight of heads × head_dim.
  WholeProjection,
};

/// A key of config.json and the member it sets. Plain members are required;
/// optional ones may be null or absent.
struct ConfigKey {
  using Member =
      std::variant<int64_t ModelConfig::*, double ModelConfig::*,
                   bool ModelConfig::*, std::optional<int64_t> ModelConfig::*,
                   std::optional<double> ModelConfig::*>;
  llvm::StringLiteral name;
  /// The same key as other releases of transformers spell it; empty when it has
  /// one spelling.
  llvm::StringLiteral otherName;
  Member member;
};

struct Family {
  /// `model_type` and the only entry of `architectures`.
  llvm::StringLiteral modelType, architecture;

  /// Keys beyond those that every family has.
  llvm::ArrayRef<ConfigKey> keys;
  /// Keys that may be there so long as they are null, false or zero.
  llvm::ArrayRef<llvm::StringLiteral> unsetKeys;
  /// Whether num_key_value_heads may be null for one per query head.
  bool kvHeadsOptional;
  /// Whether a window applies only under `use_sliding_window`.
  bool windowHasSwitch;
  /// Whether decoder_sparse_step and mlp_only_layers pick the layers that have
  /// experts.
  bool picksSparseLayers;

  QKNorm qkNorm;
  /// Tensor names: `model.layers.<i>.<moeBlock>.experts.<e>.<gate>.weight`.
  llvm::StringLiteral moeBlock, gate, up, down;
};

/// The family of `model_type`, or null.
const Family *lookupFamily(llvm::StringRef modelType);
/// "mixtral, olmoe, qwen3_moe", for messages.
std::string listFamilies();

/// The keys that every family has.
llvm::ArrayRef<ConfigKey> getCommonKeys();
/// Whether a key has no effect on inference, in any family.
bool isIrrelevantKey(llvm::StringRef key);

} // namespace mlir::moe

#endif // MOE_IMPORT_FAMILY_H
