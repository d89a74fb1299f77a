// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD
#define MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoELaunchToLLVMPass : Pass<"convert-moe-launch-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Give entries, kernels and launches the runtime's binary interface";
  let description = [{
    Follows `moe/Runtime/ABI.h`. A materialised entry `@f` becomes `@moe_entry_f(context, tensors)`: weights, caches and
    arena come from the context, tensors from descriptors of data and extents; it returns null. A kernel becomes
    `(captures, begin, end)`, and a launch stores its captures in a struct on the stack and calls the context's
    `parallel_for`, or the kernel itself where there is not enough work for two ranges. Adds the constant
    `moe_abi_version`.

    For a GPU a `gpu.launch_func` becomes a call of the context's `launch` with the kernel's number, which is its place among the
    functions of its `gpu.module`, and with pointers to the parameters; a memref is passed as its address. Empty grids
    are left out, and the entry returns what `launch` says went wrong. Such entries have no structured control flow.

    Runs before the conversion of memrefs to LLVM; descriptors are built here and connected by
    `builtin.unrealized_conversion_cast`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::scf::SCFDialect", "::mlir::moe::MoEDialect"];
}

def ConvertMoEChecksToLLVMPass : Pass<"convert-moe-checks-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Make a failed check the result of its entry";
  let description = [{
    In an entry that `convert-moe-launch-to-llvm` has given its interface, `cf.assert` becomes a branch that returns
    the address of the message; the runtime reports it. A message that ends in `, got` is completed by the numbers that
    the check compares: the first, and the second unless it is a constant limit. Whatever inserts `cf.assert` can be used, `moe-check-shapes` and
    upstream's `generate-runtime-verification` among them. Runs after structured control flow is lowered, since a check
    leaves the entry; a check in a kernel is an error, for a kernel cannot be left.

    Checks of a device's kernels are numbered; where a `gpu.module` has their texts, `moe_device_failure` is made, which says what
    the words mean that a failed one leaves.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

#endif // MOE_CONVERSION_LAUNCHTOLLVM_PASSES_TD
