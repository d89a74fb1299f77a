// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_MOETOLINALG_VALUEFORMPATTERN_H
#define MOE_LIB_CONVERSION_MOETOLINALG_VALUEFORMPATTERN_H

#include "ScalarBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {

/// Replaces operations on tensors by what `build` makes; those on buffers stay.
template <typename OpT>
struct ValueFormPattern : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const final {
    if (op->getNumResults() == 0)
      return rewriter.notifyMatchFailure(op, "buffer form");
    ScalarBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, build(b, op));
    return success();
  }

  /// The values of the results.
  virtual ScalarBuilder::Values build(ScalarBuilder &b, OpT op) const = 0;
};

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_VALUEFORMPATTERN_H
