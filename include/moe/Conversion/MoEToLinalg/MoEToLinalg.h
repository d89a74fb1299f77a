// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_MOETOLINALG_MOETOLINALG_H
#define MOE_CONVERSION_MOETOLINALG_MOETOLINALG_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::moe {

/// Patterns for one operation each, in value form; see the pass's text.
void populateRouteToLinalgPatterns(RewritePatternSet &patterns);
void populateSortTokensToLinalgPatterns(RewritePatternSet &patterns);
void populateGroupedMatmulToLinalgPatterns(RewritePatternSet &patterns);
void populateGatherRowsToLinalgPatterns(RewritePatternSet &patterns);
void populateExpertRowsToLinalgPatterns(RewritePatternSet &patterns);
void populateCombineRowsToLinalgPatterns(RewritePatternSet &patterns);

/// `linalg.matmul`, and the gates of routes, as chains of fused multiply-adds.
void populateProductsToLinalgPatterns(RewritePatternSet &patterns);

/// Takes the fused forms of `moe.grouped_matmul` apart into plain products and
/// other operations of the sorted level, which the patterns above convert.
void populateUnfuseGroupedMatmulPatterns(RewritePatternSet &patterns);

/// The operations of MoETrainingOps.td.
void populateTrainingToLinalgPatterns(RewritePatternSet &patterns);

#define GEN_PASS_DECL
#include "moe/Conversion/MoEToLinalg/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Conversion/MoEToLinalg/Passes.h.inc"

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOLINALG_MOETOLINALG_H
