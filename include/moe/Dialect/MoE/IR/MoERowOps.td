// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ROW_OPS_TD
#define MOE_DIALECT_MOE_IR_ROW_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_GatherRowsOp : MoE_DestinationOp<"gather_rows", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "The token row of each (token, slot) pair";
  let description = [{
    `out[r, :] = input[q / k, :]`, times `scale[q / k, q mod k]` if given, where q is the pair in row r:
    `order[r]`, or r itself without an order. Skipped pairs have rows too, behind all others.

    **Constraints:** input `[T, D]`, order `[T·k]`, scale `[T, k]`, result `[T·k, D]`.

    ```mlir
    %rows = moe.gather_rows %x order(%order : tensor<?xi32>) top_k(8) outs(%a : tensor<?x2048xf32>)
        : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "token rows [T, D]">:$input,
    Arg<Optional<MoE_I32>, "the pair in each row [T·k]">:$order,
    Arg<Optional<MoE_F32>, "factors of the pairs [T, k]">:$scale,
    Arg<Variadic<MoE_F32>, "where the result goes [T·k, D]">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$topK);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    $input (`order` `(` $order^ `:` type($order) `)`)? `top_k` `(` $topK `)`
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($input)
  }];
}

def MoE_ExpertRowsOp : MoE_DestinationOp<"expert_rows", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Each row's copy of its expert's vector";
  let description = [{
    `out[r, :] = vectors[expert(r), :]`: a bias or another vector that every expert has of its own.

    With `offsets` expert(r) is the e with `offsets[e] <= r < offsets[e+1]`; with `ids [T, k]` it is
    `ids[r / k, r mod k]`. The rows of skipped pairs, which only `partial` allows, hold nothing in particular:
    rows from `offsets[E]` on, and rows whose id is E.

    **Constraints:** exactly one of offsets `[E+1]` and ids `[T, k]`; vectors `[E, N]`, result `[R, N]` of the
    same element type; R = T·k with ids.

    ```mlir
    %b = moe.expert_rows %bias offsets(%off : tensor<65xi32>) outs(%a : tensor<?x1024xf32>)
        : tensor<64x1024xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_WeightData, "a vector for each expert [E, N]">:$vectors,
    Arg<Optional<MoE_I32>, "row offsets of the experts [E+1]">:$offsets,
    Arg<Optional<MoE_I32>, "expert ids [T, k]">:$ids,
    Arg<Variadic<MoE_WeightData>, "where the result goes [R, N]">:$outs,
    UnitAttr:$partial);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    $vectors (`offsets` `(` $offsets^ `:` type($offsets) `)`)? (`ids` `(` $ids^ `:` type($ids) `)`)?
    (`partial` $partial^)? `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($vectors)
  }];
}

def MoE_CombineRowsOp : MoE_DestinationOp<"combine_rows", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Weighted sum of each token's rows";
  let description = [{
    `out[t, :] = init[t, :] + sum over slots s of weights[t, s] * rows[row(t, s), :]` in slot order, starting from
    `init` or from 0, each step one fused multiply-add. row(t, s) is `inverse[t, s]`, or t·k + s without an inverse.

    Given the offsets of sorted rows, or the ids of unsorted rows and the number E of experts, a pair is skipped if
    `inverse[t, s] >= offsets[E]`, or `ids[t, s] = E`: its row is not read. It adds `weights[t, s] * skipped[t, :]` if
    `skipped` is given (identity experts, tokens over the capacity), else nothing.

    **Constraints:** rows `[T·k, D]`; weights, inverse and ids `[T, k]`; init, skipped and result `[T, D]`; offsets with an
    inverse only, ids without one; `experts` with ids; `skipped` with either.

    ```mlir
    %out = moe.combine_rows %y, %w inverse(%inverse : tensor<?x8xi32>) init(%x : tensor<?x2048xf32>)
        outs(%a : tensor<?x2048xf32>) : tensor<?x2048xf32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "rows of all pairs [T·k, D]">:$rows,
    Arg<MoE_F32, "weights of the pairs [T, k]">:$weights,
    Arg<Optional<MoE_I32>, "the row of each pair [T, k]">:$inverse,
    Arg<Optional<MoE_I32>, "row offsets of the experts [E+1]">:$offsets,
    Arg<Optional<MoE_I32>, "expert ids [T, k]">:$ids,
    Arg<Optional<MoE_F32>, "what a skipped pair adds [T, D]">:$skipped,
    Arg<Optional<MoE_F32>, "what the sum starts from [T, D]">:$init,
    Arg<Variadic<MoE_F32>, "where the result goes [T, D]">:$outs,
    OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$experts);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = [{
    $rows `,` $weights (`inverse` `(` $inverse^ `:` type($inverse) `)`)?
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    (`ids` `(` $ids^ `:` type($ids) `)` `experts` `(` $experts `)`)?
    (`skipped` `(` $skipped^ `:` type($skipped) `)`)? (`init` `(` $init^ `:` type($init) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($rows) `,` type($weights)
  }];
  let extraClassDeclaration = destinationDeclaration # [{
    /// Whether pairs may be skipped.
    bool getPartial() { return getOffsets() || getIds(); }
  }];
}

#endif // MOE_DIALECT_MOE_IR_ROW_OPS_TD
