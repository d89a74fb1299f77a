// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_MOETOGPU_PASSES_TD
#define MOE_CONVERSION_MOETOGPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoEToGPUPass : Pass<"convert-moe-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Turn kernels over units into GPU kernels with a thread for each unit";
  let description = [{
    Every function marked `moe.kernel` becomes a `gpu.func` of the module's one `gpu.module`, `@model`, and every `moe.launch` of it
    a `gpu.launch_func`. The schedule is the same for all: thread i of the grid does unit i, whatever is summed is summed in that
    thread in rising order, and threads beyond the last unit do nothing. Units are those of `moe-outline-kernels` with
    `finest-units`: a point of the parallel loops of a `linalg` operation, an element of a grouped product, a query head of one row
    of attention, a row of a loop over rows, a token of a route.

    A kernel's parameters are the number of units, then, for each capture, the value, or of a memref the address of its first
    element (as `memref<1xT>`, to be passed as a bare pointer) and the sizes, strides and offset that its type leaves open. Constant
    tables that a kernel reads are copied into the `gpu.module`.

    Where kernels have checks (`cf.assert`), all kernels take the words of the context's status as their last parameter. A check that fails leaves
    its number and what it compared there, if it is the first, and the kernels after it do nothing: data that is wrong would
    lead them out of bounds. The texts of the checks are the `gpu.module`'s `moe.checks`.

    Fails where a kernel's operation has no lowering to a thread, and where an entry reads or writes memory otherwise than by
    launches: the host cannot reach the device's. Errors name the operation and where it comes from.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "Architecture that the kernels are for">,
    Option<"ptx", "ptx", "int64_t", "80", "Version of PTX, times ten">,
    Option<"blockSize", "block-size", "int64_t", "128", "Threads of a block">];
  let statistics = [Statistic<"numKernels", "num-kernels", "Number of kernels">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertMoEMathToIntrinsicsPass : Pass<"convert-moe-math-to-intrinsics", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Make LLVM's intrinsics of the mathematics that a GPU has instructions for";
  let description = [{
    Square roots, roundings, fused multiply-adds and the like, of scalars and vectors. Runs before `convert-gpu-to-nvvm`, which
    would make calls of NVIDIA's libdevice of them, and after `moe-expand-math`, which leaves no others. Preserves results: the
    instructions round correctly.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MOE_CONVERSION_MOETOGPU_PASSES_TD
