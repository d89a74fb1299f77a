// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The three steps of a sort by chunks: each chunk is counted by itself, the counts
// are summed up, each chunk is placed by itself.
#ifndef MOE_DIALECT_MOE_IR_SORT_STEP_OPS_TD
#define MOE_DIALECT_MOE_IR_SORT_STEP_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_CountPairsOp : MoE_DestinationOp<"count_pairs", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Pairs of each expert in each chunk";
  let description = [{
    Chunk c of the pairs `q = t·k + s` are those from `c·P` to `min((c+1)·P, T·k)`. `counts[c, e]` is the number of its
    pairs whose id is e; column E counts skipped pairs (see `moe.sort_tokens`).

    **Constraints:** ids `[T, k]`, counts `[C, E+1]`, where C = T·k / P rounded down, plus 1.

    ```mlir
    %counts = moe.count_pairs %ids chunk(1024) outs(%a : tensor<?x65xi32>) : tensor<?x8xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_I32, "expert ids [T, k]">:$ids,
    Arg<Variadic<MoE_I32>, "counts">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$chunk);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $ids `chunk` `(` $chunk `)` `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($ids)
  }];
}

def MoE_ScanCountsOp : MoE_DestinationOp<"scan_counts", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "First row of each expert, and of each chunk in it";
  let description = [{
    `offsets[0] = 0`, and `offsets[e+1]` is offsets[e] plus the sum of `counts[c, e]` over c, rounded up to a multiple
    of n with `block(n)`. `starts[c, e]` is `offsets[e]` plus the sum of `counts[d, e]` over d < c.

    **Constraints:** counts and starts `[C, E+1]`, offsets `[E+1]`.

    ```mlir
    %offsets, %starts = moe.scan_counts %counts outs(%a, %b : tensor<65xi32>, tensor<?x65xi32>) : tensor<?x65xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_I32, "pairs by chunk and expert [C, E+1]">:$counts,
    Arg<Variadic<MoE_I32>, "offsets, starts">:$outs,
    OptionalAttr<ConfinedAttr<I64Attr, [IntMinValue<2>]>>:$block);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $counts (`block` `(` $block^ `)`)? `outs` `(` $outs `:` type($outs) `)` attr-dict `:` type($counts)
  }];
}

def MoE_PlacePairsOp : MoE_DestinationOp<"place_pairs", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Rows of the pairs of each chunk";
  let description = [{
    The i-th pair q of chunk c with id e is in row `r = starts[c, e] + i`: `order[r] = q`, `inverse[t, s] = r`. Rows that
    no pair is in, between the last pair of an expert and the next offset, and behind all pairs, are -1 in order.

    **Constraints:** ids and inverse `[T, k]`, starts `[C, E+1]`, offsets `[E+1]`, order `[R]`, R at least T·k.

    ```mlir
    %order, %inverse = moe.place_pairs %ids, %starts, %offsets chunk(1024)
        outs(%a, %b : tensor<?xi32>, tensor<?x8xi32>) : tensor<?x8xi32>, tensor<?x65xi32>, tensor<65xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_I32, "expert ids [T, k]">:$ids,
    Arg<MoE_I32, "first rows by chunk and expert [C, E+1]">:$starts,
    Arg<MoE_I32, "row offsets of the experts [E+1]">:$offsets,
    Arg<Variadic<MoE_I32>, "order, inverse">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$chunk);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $ids `,` $starts `,` $offsets `chunk` `(` $chunk `)` `outs` `(` $outs `:` type($outs) `)` attr-dict
    `:` type($ids) `,` type($starts) `,` type($offsets)
  }];
}

#endif // MOE_DIALECT_MOE_IR_SORT_STEP_OPS_TD
