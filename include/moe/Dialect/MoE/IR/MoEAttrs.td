// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ATTRS_TD
#define MOE_DIALECT_MOE_IR_ATTRS_TD

include "mlir/Dialect/SCF/IR/DeviceMappingInterface.td"
include "moe/Dialect/MoE/IR/MoERouteAttrs.td"

def MoE_KVPolicy : I32EnumAttr<"KVPolicy", "which positions a KV cache keeps", [
    I32EnumAttrCase<"Static", 0, "static">,
    I32EnumAttrCase<"SlidingWindow", 1, "sliding_window">]> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def MoE_CheckpointAttr : MoE_Attr<"Checkpoint", "checkpoint"> {
  let summary = "Weight data read from the tensors of a safetensors checkpoint";
  let description = [{
    `directory` holds `model.safetensors` or `model.safetensors.index.json`. One
    key names a tensor of the weight's shape; several keys name tensors of the
    shape without its first dimension, stacked in order (one key may do so too,
    where that dimension is 1). Data of another
    floating-point type is converted (round to nearest even).

    ```mlir
    #moe.checkpoint<"models/demo", ["model.norm.weight"]>
    ```
  }];
  let parameters = (ins StringRefParameter<>:$directory, "::mlir::ArrayAttr":$keys);
  let assemblyFormat = "`<` $directory `,` $keys `>`";
  let genVerifyDecl = 1;
}

def MoE_RandomAttr : MoE_Attr<"Random", "random"> {
  let summary = "Weight data drawn from a seeded generator";
  let description = [{
    Element i of the weight (row-major) is `scale * u`, u uniform in [-1, 1) from
    the top 24 bits of `splitmix64(seed * 2^32 + i)`, rounded to the weight's type. For benchmarks and tests.

    ```mlir
    #moe.random<seed = 7, scale = 0.02>
    ```
  }];
  let parameters = (ins "int64_t":$seed, APFloatParameter<"largest magnitude">:$scale);
  let assemblyFormat = "`<` `seed` `=` $seed `,` `scale` `=` custom<Double>($scale) `>`";
}

def MoE_StackAttr : MoE_Attr<"Stack", "stack"> {
  let summary = "Weight data of several sources, one after the other";
  let description = [{
    Source i gives `extents[i]` steps of the first dimension: it is data of the weight's type with that first extent.

    ```mlir
    #moe.stack<[4, 1] of [#moe.random<seed = 1, scale = 0.1>, #moe.checkpoint<"demo", ["shared.up"]>]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$extents, "::mlir::ArrayAttr":$sources);
  let assemblyFormat = "`<` `[` $extents `]` `of` $sources `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// What source `part` is, where the weight is of `type`.
    ::mlir::RankedTensorType getPartType(::mlir::RankedTensorType type, unsigned part) const;
  }];
}

def MoE_SliceAttr : MoE_Attr<"Slice", "slice"> {
  let summary = "Weight data of which a source has more";
  let description = [{
    Step i of dimension `dim` is step `first + i * step` of the source, which has `extent` steps in that dimension and
    otherwise the weight's type. Of two projections that a checkpoint interleaves, each is such a slice.

    ```mlir
    #moe.slice<#moe.checkpoint<"demo", ["gate_up"]>, dim = 1, extent = 64, first = 1, step = 2>
    ```
  }];
  let parameters = (ins "::mlir::Attribute":$source, "int64_t":$dim, "int64_t":$extent, "int64_t":$first,
                        "int64_t":$step);
  let assemblyFormat =
      "`<` $source `,` `dim` `=` $dim `,` `extent` `=` $extent `,` `first` `=` $first `,` `step` `=` $step `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// What the source is, where the weight is of `type`.
    ::mlir::RankedTensorType getWholeType(::mlir::RankedTensorType type) const;
  }];
}

def MoE_RowsAttr : MoE_Attr<"Rows", "rows", [DeclareAttrInterfaceMethods<DeviceMappingAttrInterface>]> {
  let summary = "Maps a loop's steps to rows that one kernel works on";
  let description = [{
    An `scf.forall` with this mapping is one kernel: a launch splits its steps between threads. It stays a loop where it has one step.

    ```mlir
    #moe.rows
    ```
  }];
}

def MoE_PanelLayoutAttr : MoE_Attr<"PanelLayout", "panel"> {
  let summary = "Panel-packed layout of matrix weights";
  let description = [{
    A weight `[.., N, K]` (rows are outputs) becomes `[.., ceil(N/width), K, width]`, or, with
    `pair = 2`, `[.., ceil(N/width), ceil(K/2), width, 2]`: `width` outputs side
    by side, and for 16-bit types two consecutive K beside each other. Padding is
    zero. One layout serves decode and prefill.

    ```mlir
    #moe.panel<width = 32, pair = 2>
    ```
  }];
  let parameters = (ins "int64_t":$width, "int64_t":$pair);
  let assemblyFormat = "`<` `width` `=` $width `,` `pair` `=` $pair `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The packed shape of `type`, whose last two dimensions are [N, K].
    ::mlir::RankedTensorType getPackedType(::mlir::RankedTensorType type) const;
  }];
}

#endif // MOE_DIALECT_MOE_IR_ATTRS_TD
