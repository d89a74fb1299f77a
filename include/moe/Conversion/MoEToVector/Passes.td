// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_MOETOVECTOR_PASSES_TD
#define MOE_CONVERSION_MOETOVECTOR_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoEToVectorPass : Pass<"convert-moe-to-vector", "::mlir::func::FuncOp"> {
  let summary = "Lower kernels to loops and vectors over a range of units";
  let description = [{
    A kernel is a function `(%begin: index, %end: index, captures...)` marked `moe.kernel` whose body is one
    operation in buffer form (a `moe` operation, a `linalg` operation or `memref.copy`). The operation
    means the whole of its iteration space; it is replaced by `scf`, `vector`,
    `arith`, `math` and `memref` code that does the units [begin, end) of it only. Other functions are
    left alone.

    Numerics: a matrix product is, for every output element, one chain of fused multiply-adds from 0 in
    rising order of the inner dimension, whatever the vector width, the blocking and the range. Attention
    sums over blocks of 16 positions aligned to absolute positions, so its result does not depend on how
    a prompt was cut into chunks. Sums of a `moe.route` run over 16 partial sums.

    `math.exp` on vectors remains: a polynomial approximation is the caller's choice.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "512",
           "Width of a vector register: 256 or 512 bits">,
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // MOE_CONVERSION_MOETOVECTOR_PASSES_TD
