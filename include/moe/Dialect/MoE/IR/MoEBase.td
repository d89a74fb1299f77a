// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_BASE_TD
#define MOE_DIALECT_MOE_IR_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::mlir::moe";
  let summary = "Mixture-of-Experts layers and the caches of their models";
  let description = [{
    The dialect says what a Mixture-of-Experts language model computes (route,
    dispatch, expert, combine, the KV cache) and, further down, how: sorted
    tokens, grouped matrix products, kernels over ranges. Dense parts of a model
    are ordinary `linalg`, `tensor`, `arith` and `math`.

    Symbols in the texts below: T tokens, D model width, F expert width, E
    experts, k experts per token. Activations are `f32`; weights and caches are
    `f32` or `bf16`; sums are in `f32` and in a fixed order.

    The compute operations have two forms. In *value form* operands and results
    are tensors. In *buffer form*, which bufferization makes, operands are
    memrefs, there is no result, and `outs` names the memrefs that are written.
    Operations of the sorted level have `outs` in value form too: tensors, one
    for each result, whose place and type the result takes and whose contents
    are not read.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
  // Shape functions build arith and tensor operations.
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"];
}

class MoE_Op<string mnemonic, list<Trait> traits = []>
    : Op<MoE_Dialect, mnemonic, traits>;

#endif // MOE_DIALECT_MOE_IR_BASE_TD
