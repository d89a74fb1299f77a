// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_SORTED_OPS_TD
#define MOE_DIALECT_MOE_IR_SORTED_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_SortTokensOp : MoE_ComputeOp<"sort_tokens", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Counting sort of (token, slot) pairs by expert";
  let description = [{
    Histogram, exclusive scan, stable scatter over the pairs `q = t·k + s`:
    `offsets[e]..offsets[e+1]` are the rows of expert e, `order[r]` is the pair in row r,
    `inverse[t, s]` is the row of the pair, `order[inverse[t, s]] = t·k + s`. An id
    outside 0..E-1 is undefined behaviour; ids come from `moe.route`.

    **Constraints:** ids `[T, k]`; offsets `[E+1]`, order `[T·k]`, inverse `[T, k]`, all i32.

    ```mlir
    %offsets, %order, %inverse = moe.sort_tokens %ids experts(64)
        : tensor<?x8xi32> -> tensor<65xi32>, tensor<?xi32>, tensor<?x8xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_I32, "expert ids [T, k]">:$ids,
    Arg<Variadic<AnyMemRef>, "offsets, order, inverse (buffer form)">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$experts);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $ids `experts` `(` $experts `)` (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($ids) (`->` type($results)^)?
  }];
}

def MoE_GroupedMatmulOp : MoE_ComputeOp<"grouped_matmul", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Rows times the weight matrix of each row's expert";
  let description = [{
    `out[r, n] = sum over j of input[source(r), j] * weights[expert(r), n, j]`: f32, one
    chain of fused multiply-adds from 0 in rising j.

    With `offsets` the rows are sorted by expert: expert(r) is the e with `offsets[e] <= r < offsets[e+1]`, source(r) = r.
    With `ids [T, k]` row r is the pair r: expert(r) = `ids[r / k, r mod k]`; source(r) = r, or
    `r / k` when the input has one row a token (`broadcast`).

    With one slot a token `broadcast` says nothing and is dropped in canonical form.

    Weights are `[E, N, J]`, or packed by `panel`, in which case the result's type gives N.

    **Constraints:** exactly one of offsets `[E+1]` and ids; `broadcast` with ids only.

    ```mlir
    %h = moe.grouped_matmul %rows, %w offsets(%off : tensor<9xi32>)
        : tensor<?x32xf32>, tensor<8x64x32xf32> -> tensor<?x64xf32>
    %g = moe.grouped_matmul %x, %w ids(%ids : tensor<1x2xi32>) broadcast
        : tensor<1x32xf32>, tensor<8x64x32xf32> -> tensor<2x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "rows [R, J], or [T, J] with broadcast">:$input,
    Arg<MoE_WeightData, "weights [E, N, J] or packed">:$weights,
    Arg<Optional<MoE_I32>, "row offsets of the experts [E+1]">:$offsets,
    Arg<Optional<MoE_I32>, "expert ids [T, k]">:$ids,
    Arg<Variadic<AnyMemRef>, "the result (buffer form)">:$outs,
    OptionalAttr<MoE_PanelLayoutAttr>:$panel,
    UnitAttr:$broadcast);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $input `,` $weights (`offsets` `(` $offsets^ `:` type($offsets) `)`)? (`ids` `(` $ids^ `:` type($ids) `)`)?
    (`broadcast` $broadcast^)? (`panel` $panel^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($input) `,` type($weights) (`->` type($results)^)?
  }];
  let hasCanonicalizeMethod = 1;
}

def MoE_PackedMatmulOp : MoE_ComputeOp<"packed_matmul", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Rows times a panel-packed weight matrix";
  let description = [{
    `out[t, n] = sum over j of input[t, j] * weights[n, j]`: f32, one chain of fused
    multiply-adds from 0 in rising j. The weights `[N, J]` are packed as `panel` says; the result's type gives N.

    **Constraints:** input `[T, J]`, result `[T, N]`, weights of the packed shape of `[N, J]`.

    ```mlir
    %y = moe.packed_matmul %x, %w panel <width = 32, pair = 1>
        : tensor<?x256xf32>, tensor<4x256x32xf32> -> tensor<?x100xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "rows [T, J]">:$input,
    Arg<MoE_WeightData, "packed weights">:$weights,
    Arg<Variadic<AnyMemRef>, "the result (buffer form)">:$outs,
    MoE_PanelLayoutAttr:$panel);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $input `,` $weights `panel` $panel (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($input) `,` type($weights) (`->` type($results)^)?
  }];
}

#endif // MOE_DIALECT_MOE_IR_SORTED_OPS_TD
