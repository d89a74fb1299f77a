// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_MOETOLINALG_PASSES_TD
#define MOE_CONVERSION_MOETOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoEToLinalgPass : InterfacePass<"convert-moe-to-linalg", "::mlir::FunctionOpInterface"> {
  let summary = "Convert routing, sorting and grouped products to linalg and scf on tensors";
  let description = [{
    The portable lowering of `moe.route`, `moe.sort_tokens` and `moe.grouped_matmul` in value form: loops (`scf.for`)
    and `linalg` operations on tensors that any target with linalg can compile.
    It gives the same results as the operations' texts say, bit for bit except where
    `math.exp` is approximated by the target, but is not tuned: CPU kernels replace it where speed matters. Operations in
    buffer form and products with packed weights stay as they are.

    `ops` limits the conversion to the operations named.
  }];
  let options = [
    ListOption<"ops", "ops", "std::string",
               "Operations to convert: route, sort_tokens, grouped_matmul (default: all)">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOE_CONVERSION_MOETOLINALG_PASSES_TD
