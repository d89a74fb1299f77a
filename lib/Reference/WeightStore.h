// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The data of weights, read when first used and kept.
#ifndef MOE_LIB_REFERENCE_WEIGHTSTORE_H
#define MOE_LIB_REFERENCE_WEIGHTSTORE_H

#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Import/Checkpoint.h"
#include "moe/Reference/Tensor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe::reference {

class WeightStore {
public:
  /// Relative directories of checkpoints start at `baseDirectory`.
  explicit WeightStore(StringRef baseDirectory)
      : baseDirectory(baseDirectory) {}

  /// The weight in its stored shape, packed where it has a layout. Errors are
  /// diagnostics at `op`.
  FailureOr<Tensor> get(WeightOp op);

private:
  /// The data of a source that is to have `type`.
  FailureOr<Tensor> load(WeightOp op, Attribute source, RankedTensorType type);
  FailureOr<Tensor> loadCheckpoint(WeightOp op, CheckpointAttr source,
                                   RankedTensorType type);
  FailureOr<Tensor> loadStack(WeightOp op, StackAttr source,
                              RankedTensorType type);
  FailureOr<Tensor> loadSlice(WeightOp op, SliceAttr source,
                              RankedTensorType type);

  std::string baseDirectory;
  DenseMap<Operation *, Tensor> loaded;
  llvm::StringMap<Checkpoint> checkpoints;
};

/// The tensor `[.., N, K]` in the panel layout.
Tensor packPanels(const Tensor &tensor, PanelLayoutAttr layout);

/// Where element [.., n, k] of a matrix stands in its packed form `[panels,
/// ..]` of `columns` columns.
int64_t getPanelOffset(PanelLayoutAttr layout, int64_t columns, int64_t n,
                       int64_t k);

/// The generator that #moe.random and #moe.route_noise name.
uint64_t splitmix64(uint64_t x);

} // namespace mlir::moe::reference

#endif // MOE_LIB_REFERENCE_WEIGHTSTORE_H
