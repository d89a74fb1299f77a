// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_REFERENCE_TESTPASSES_H
#define MOE_REFERENCE_TESTPASSES_H

namespace mlir::moe {

/// Registers `test-moe-evaluate`, for moe-opt only.
void registerTestEvaluatePass();

} // namespace mlir::moe

#endif // MOE_REFERENCE_TESTPASSES_H
