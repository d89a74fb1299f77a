// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_EXPANDANGLES_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_EXPANDANGLES_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mlir::moe {

/// `math.sin` and `math.cos` of f32 as arithmetic.
void populateExpandAnglesPatterns(RewritePatternSet &patterns);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_EXPANDANGLES_H
