// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD
#define MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoELaunchToLLVMPass : Pass<"convert-moe-launch-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Give entries, kernels and launches the runtime's binary interface";
  let description = [{
    Follows `moe/Runtime/ABI.h`. A materialised entry `@f` becomes `@moe_entry_f(context, tensors)`: weights, caches and
    arena come from the context, tensors from descriptors of data and extents. A kernel becomes
    `(captures, begin, end)`, and a launch stores its captures in a struct on the stack and calls the context's
    `parallel_for`, or the kernel itself where there is not enough work for two ranges. Adds the constant
    `moe_abi_version`.

    Runs before the conversion of memrefs to LLVM; descriptors are built here and connected by
    `builtin.unrealized_conversion_cast`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect", "::mlir::moe::MoEDialect"];
}

#endif // MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD
