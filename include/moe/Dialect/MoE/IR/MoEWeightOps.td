// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_WEIGHT_OPS_TD
#define MOE_DIALECT_MOE_IR_WEIGHT_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_WeightOp : MoE_Op<"weight", [Symbol]> {
  let summary = "A named constant tensor that lives outside the program";
  let description = [{
    Declares a weight: its shape and element type as the program sees it, and
    where its data comes from (`#moe.checkpoint`, `#moe.random`, `dense<..>`, or a `#moe.stack` or `#moe.slice` of them).
    Ahead of time the data is converted, laid out as `layout` says, and written into the artefact at byte `offset`. With `transposed` the source holds the last
    two dimensions in the other order.

    **Constraints:** the type is static, of `f32`, `bf16` or `i32`; several checkpoint
    keys are as many as the first dimension; dense data has the weight's type; the extents of a stack add up to the first
    dimension, and what a slice takes lies within its source; a
    panel layout needs rank 2 or 3, and `transposed` rank 2 or more, and several checkpoint keys rank 3 or more.

    ```mlir
    moe.weight @embed : tensor<4096x256xbf16> from #moe.checkpoint<"demo", ["model.embed_tokens.weight"]>
    moe.weight @up : tensor<4x32x16xf32> from #moe.random<seed = 1, scale = 0.1>
    moe.weight @down : tensor<4x16x32xf32> from #moe.random<seed = 2, scale = 0.1> layout #moe.panel<width = 32, pair = 1>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<RankedTensorOf<[F32, BF16, I32]>>:$type,
                       AnyAttr:$source,
                       UnitAttr:$transposed,
                       OptionalAttr<MoE_PanelLayoutAttr>:$layout,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = [{
    $sym_name `:` $type `from` $source (`transposed` $transposed^)? (`layout` $layout^)? (`offset` $offset^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// The type as the source has it.
    ::mlir::RankedTensorType getSourceType();
    /// The type as laid out: the packed type under a layout.
    ::mlir::RankedTensorType getStoredType();
  }];
}

def MoE_GetWeightOp : MoE_Op<"get_weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "The value of a weight";
  let description = [{
    **Constraints:** the symbol names a `moe.weight`; the result has its stored type
    (the packed type where the weight has a layout).

    ```mlir
    %embed = moe.get_weight @embed : tensor<4096x256xbf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

#endif // MOE_DIALECT_MOE_IR_WEIGHT_OPS_TD
