// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_CONVERSION_MOETOLINALG_PASSES_TD
#define MOE_CONVERSION_MOETOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoEToLinalgPass : InterfacePass<"convert-moe-to-linalg", "::mlir::FunctionOpInterface"> {
  let summary = "Convert routing, sorting, grouped products and rows to linalg and scf on tensors";
  let description = [{
    The portable lowering of routing, sorting, grouped products, row operations and training operations in value form: loops (`scf.for`) and `linalg` operations on tensors that any target with linalg can compile.
    It gives the same results as the operations' texts say, bit for bit except where
    `math.exp` is approximated by the target, but is not tuned: CPU kernels replace it where speed matters. Operations in
    buffer form and products with packed weights stay as they are. The fused forms of `moe.grouped_matmul` are first taken
    apart into plain products, `moe.gather_rows`, elementwise operations and `moe.combine_rows`.

    `sort_tokens` stands for the steps of a sort by chunks too, `training` for the losses, `moe.count_experts`, `moe.win_probability` and `moe.update_bias`, which have no other lowering.
    `products`, which is never converted unless it is named, stands for `linalg.matmul` and the gates of routes: a `linalg.generic` whose body is one fused
    multiply-add gives each element as `moe.packed_matmul` does, from weights that are not packed.

    `ops` limits the conversion to the operations named.
  }];
  let options = [
    ListOption<"ops", "ops", "std::string",
               "Operations to convert: route, sort_tokens, grouped_matmul, gather_rows, expert_rows, combine_rows, training, products (default: all but products)">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOE_CONVERSION_MOETOLINALG_PASSES_TD
