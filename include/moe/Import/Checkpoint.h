// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tensors of a model directory, whether in one file or in shards.
#ifndef MOE_IMPORT_CHECKPOINT_H
#define MOE_IMPORT_CHECKPOINT_H

#include "moe/Import/Safetensors.h"

namespace mlir::moe {

/// Where a tensor lies: its bytes, and the file to name when something is wrong
/// with it.
struct CheckpointTensor {
  TensorView view;
  llvm::StringRef file;
};

/// The shape that each of `keys` tensors must have to make up a weight of
/// `shape`: one is the weight, several are stacked along its first dimension.
/// One tensor without that dimension is a stack of one, `rank` tells them
/// apart.
inline llvm::ArrayRef<int64_t> getKeyShape(llvm::ArrayRef<int64_t> shape,
                                           size_t keys, size_t rank) {
  bool stackOfOne = keys == 1 && rank + 1 == shape.size() && shape.front() == 1;
  return keys > 1 || stackOfOne ? shape.drop_front() : shape;
}

/// All tensors of a directory: `model.safetensors`, else the shards that
/// `model.safetensors.index.json` lists (the same preference as transformers).
/// With an index, its weight map and the shards must agree key by key.
class Checkpoint {
public:
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory);

  /// The file that says which tensors there are: the index, or the only shard.
  /// For messages.
  llvm::StringRef getIndexPath() const { return indexPath; }
  std::optional<CheckpointTensor> lookup(llvm::StringRef key) const;
  /// Every key, sorted.
  std::vector<std::string> getKeys() const;

private:
  Checkpoint() = default;
  llvm::Error openShards(llvm::StringRef directory);

  std::string indexPath;
  std::vector<SafetensorsFile> shards;
  /// Key to the shard that holds it.
  llvm::StringMap<unsigned> shardOf;
};

} // namespace mlir::moe

#endif // MOE_IMPORT_CHECKPOINT_H
