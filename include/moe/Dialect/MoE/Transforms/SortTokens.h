// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMS_SORTTOKENS_H
#define MOE_DIALECT_MOE_TRANSFORMS_SORTTOKENS_H

#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

namespace mlir::moe {

/// What became of a layer.
struct SortedLayer {
  bool sorted = false;   ///< sorted by expert, or one row a pair in token order
  unsigned numLoops = 0; ///< expert regions that became loops over experts
};

/// Replaces `dispatch` and the experts and combinations that use its plan by
/// operations of the sorted level; see `moe-sort-tokens`. Fails, with a
/// diagnostic and without a change, where the plan has other users or an
/// expert's result a dynamic width.
FailureOr<SortedLayer> sortTokens(RewriterBase &rewriter, DispatchOp dispatch,
                                  TokenForm form);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_TRANSFORMS_SORTTOKENS_H
