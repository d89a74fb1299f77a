// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weights of a model: which there are, checked against the checkpoint and
// declared in the module.
#ifndef MOE_LIB_IMPORT_WEIGHTTABLE_H
#define MOE_LIB_IMPORT_WEIGHTTABLE_H

#include "mlir/IR/Builders.h"
#include "moe/Import/Checkpoint.h"
#include "moe/Import/Config.h"
#include "moe/Import/ImportOptions.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::moe {

/// `model.layers.3`.
std::string getLayerName(int64_t layer);

/// Emits one `moe.weight` per weight where the builder stands. Symbols are the
/// checkpoint's keys; stacked experts take theirs without the expert's number
/// (`model.layers.0.mlp.experts.up_proj.weight`). Matrices are stored as the
/// options say; vectors and routers, which are small and decide much, in f32.
class WeightTable {
public:
  WeightTable(OpBuilder &b, const ModelConfig &config,
              const Checkpoint &checkpoint, llvm::StringRef directory,
              ImportOptions::DType dtype);

  /// Declares every weight of the model; fails on a tensor that is missing,
  /// misshapen, of a type that weights cannot have, or that no part of the
  /// model reads.
  llvm::Error declareAll();

private:
  void declareLayer(int64_t layer);
  void declareAttention(const std::string &prefix);
  void declareExperts(const std::string &prefix);

  void vector(const std::string &key, int64_t size);
  void matrix(const std::string &key, int64_t rows, int64_t columns);
  void linear(const std::string &name, int64_t rows, int64_t columns,
              bool bias);
  void expertStack(const std::string &prefix, llvm::StringRef projection,
                   int64_t rows, int64_t columns);
  void rotaryFrequencies();
  void plain(const std::string &key, llvm::ArrayRef<int64_t> shape,
             Type elementType);
  void declare(llvm::StringRef symbol, llvm::ArrayRef<std::string> keys,
               llvm::ArrayRef<int64_t> shape, Type elementType);

  void check(llvm::StringRef key, llvm::ArrayRef<int64_t> shape);
  void checkUnused();
  void checkTiedHead();
  void fail(llvm::Error next);

  OpBuilder &b;
  const ModelConfig &config;
  const Checkpoint &checkpoint;
  llvm::StringRef directory;
  Type f32, storage;
  llvm::StringSet<> used;
  llvm::Error error = llvm::Error::success();
};

} // namespace mlir::moe

#endif // MOE_LIB_IMPORT_WEIGHTTABLE_H
