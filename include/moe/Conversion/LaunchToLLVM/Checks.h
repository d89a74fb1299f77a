// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What checks of entries and those of a device's kernels have in common.
#ifndef MOE_CONVERSION_LAUNCHTOLLVM_CHECKS_H
#define MOE_CONVERSION_LAUNCHTOLLVM_CHECKS_H

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

namespace mlir::moe {

/// On a `gpu.module`: what its checks say when they fail, as formats of printf
/// with a `%lld` for each number, in the order of the checks' numbers.
inline constexpr llvm::StringLiteral kDeviceChecksAttr = "moe.checks";

/// The global that stands for the words of `moe_context.status`.
inline constexpr llvm::StringLiteral kStatusSymbol = "moe_status";

/// Its type.
MemRefType getStatusType(MLIRContext *context);

/// What the text of a failed check says beside its message.
SmallVector<Value, 2> getCheckNumbers(cf::AssertOp check);

/// The text as a format of printf for the check's numbers.
std::string getCheckFormat(cf::AssertOp check);

/// A number as i64.
Value widenCheckNumber(OpBuilder &b, Location loc, Value number);

} // namespace mlir::moe

#endif // MOE_CONVERSION_LAUNCHTOLLVM_CHECKS_H
