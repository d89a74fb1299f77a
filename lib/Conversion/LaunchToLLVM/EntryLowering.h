// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_LIB_CONVERSION_LAUNCHTOLLVM_ENTRYLOWERING_H
#define MOE_LIB_CONVERSION_LAUNCHTOLLVM_ENTRYLOWERING_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::moe {

/// Fields of `moe_context`, in order.
enum ContextField {
  kParallelFor,
  kWeights,
  kKV,
  kArena,
  kRuntime,
  kLaunch,
  kStatus,
  kNumContextFields
};

/// What field `field` of the context says, a pointer.
Value loadContextField(OpBuilder &b, Location loc, Value context,
                       ContextField field);

/// A value of another type that becomes the same one later.
Value castTo(OpBuilder &b, Location loc, Type type, Value value);

/// Makes calls of the context's `launch` of the `gpu.launch_func` operations of
/// an entry, which returns what went wrong. The entry has no structured control
/// flow any more.
void lowerDeviceLaunches(func::FuncOp entry, Value context);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LAUNCHTOLLVM_ENTRYLOWERING_H
