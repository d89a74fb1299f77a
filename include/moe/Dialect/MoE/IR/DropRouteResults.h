// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_DROPROUTERESULTS_H
#define MOE_DIALECT_MOE_IR_DROPROUTERESULTS_H

#include "mlir/IR/PatternMatch.h"
#include "moe/Dialect/MoE/IR/MoEOps.h"

namespace mlir::moe {

/// Replaces a route on tensors by one without the scores and counts that
/// nothing reads; fails where everything is read.
LogicalResult dropUnreadResults(RouteOp op, RewriterBase &rewriter);

} // namespace mlir::moe

#endif // MOE_DIALECT_MOE_IR_DROPROUTERESULTS_H
