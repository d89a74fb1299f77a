// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_CACHE_OPS_TD
#define MOE_DIALECT_MOE_IR_CACHE_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_KVAppendOp : MoE_Op<"kv_append", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Write the keys and values of new positions into a cache";
  let description = [{
    Row t writes `keys[t]` and `values[t]`, converted to the cache's element type, at position
    `positions[t]` of sequence `sequences[t]` (0 if absent), in place. Positions of one sequence rise
    by one from row to row.

    **Constraints:** keys `[T, heads, key width]`, values `[T, heads, value width]`, positions and sequences `[T]`.

    ```mlir
    moe.kv_append %cache, %k, %v at %pos
        : !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_KVCacheType, "the layer's cache">:$cache,
    Arg<MoE_F32, "keys [T, heads, key width]">:$keys,
    Arg<MoE_F32, "values [T, heads, value width]">:$values,
    Arg<MoE_I32, "positions [T]">:$positions,
    Arg<Optional<MoE_I32>, "cache slot of each row [T]">:$sequences);
  let assemblyFormat = [{
    $cache `,` $keys `,` $values `at` $positions (`of` $sequences^ `:` type($sequences))? attr-dict
    `:` qualified(type($cache)) `,` type($keys) `,` type($values) `,` type($positions)
  }];
  let hasVerifier = 1;
}

def MoE_AttentionOp : MoE_ComputeOp<"attention", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Attention of new positions over a cache";
  let description = [{
    Row t, at position p of its sequence, attends to the positions that its cache keeps and
    that are not after it: 0..p for `static`, max(0, p-W+1)..p for `sliding_window<W>`; these must
    have been appended, its own included. Query head h uses key/value head `h / (query heads / heads)`.

    `out[t, h] = sum_j softmax_j(scale * <query[t, h], key_j>) * value_j`, scores and sums in f32.

    **Constraints:** query `[T, query heads, key width]`, result `[T, query heads, value width]`, query heads a
    multiple of the cache's heads.

    ```mlir
    %a = moe.attention %q, %cache at %pos scale(0.125)
        : tensor<?x8x32xf32>, !moe.kv_cache<static<512>, 2 x 32 x f32>, tensor<?xi32> -> tensor<?x8x32xf32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "queries [T, query heads, key width]">:$query,
    Arg<MoE_KVCacheType, "the layer's cache">:$cache,
    Arg<MoE_I32, "positions [T]">:$positions,
    Arg<Optional<MoE_I32>, "cache slot of each row [T]">:$sequences,
    Arg<Variadic<AnyMemRef>, "the result (buffer form)">:$outs,
    F32Attr:$scale);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $query `,` $cache `at` $positions (`of` $sequences^ `:` type($sequences))? `scale` `(` $scale `)`
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($query) `,` qualified(type($cache)) `,` type($positions) (`->` type($results)^)?
  }];
}

#endif // MOE_DIALECT_MOE_IR_CACHE_OPS_TD
