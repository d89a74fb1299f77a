// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_TRANSFORMS_REDUCTIONPATTERNS_H
#define MOE_DIALECT_MOE_TRANSFORMS_REDUCTIONPATTERNS_H

namespace mlir {
class DialectRegistry;

namespace moe {

/// Tells upstream's reducer how to make a program with layers of experts
/// smaller: see the patterns.
void registerReductionPatterns(DialectRegistry &registry);

} // namespace moe
} // namespace mlir

#endif // MOE_DIALECT_MOE_TRANSFORMS_REDUCTIONPATTERNS_H
