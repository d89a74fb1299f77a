// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ROUTING_OPS_TD
#define MOE_DIALECT_MOE_IR_ROUTING_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def MoE_RouteOp : MoE_ComputeOp<"route", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Choose k experts a token and their weights";
  let description = [{
    For each token t:

    1. `s = score(logits[t, :])`: `softmax` over all experts, `sigmoid`, or, for
       `softmax_topk`, the logits themselves;
    2. `ids[t, :]` are the k experts of largest `s + bias` (bias 0 if absent), in
       falling order; of equal values the lower expert id comes first;
    3. `weights[t, j] = s[ids[t, j]]`, without the bias; for `softmax_topk` the softmax
       of the k chosen logits;
    4. with `normalize(eps)` the weights are divided by `sum + eps`;
    5. then multiplied by `scale`.

    A NaN score ranks below every number, so ids are always valid.

    Canonical form: `score(softmax)` with `normalize(0.0)` and no bias becomes `score(softmax_topk)`. Softmax is
    increasing, so both choose the same experts, and the common divisor cancels; what can differ is the last bits of a
    weight, and the choice between logits so close (or so far below the largest) that their softmax rounds to one value.

    **Constraints:** logits `[T, E]`, weights and ids `[T, k]`, bias `[E]`; 1 <= k <= E.

    ```mlir
    %w, %ids = moe.route %logits top_k(8) score(softmax) normalize(0.0)
        : tensor<?x64xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "router logits [T, E]">:$logits,
    Arg<Optional<MoE_F32>, "selection bias [E]">:$bias,
    Arg<Variadic<AnyMemRef>, "weights [T, k] f32 and ids [T, k] i32 (buffer form)">:$outs,
    ConfinedAttr<I64Attr, [IntPositive]>:$topK,
    MoE_ScoreFunction:$score,
    OptionalAttr<F32Attr>:$normalize,
    DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $logits (`bias` `(` $bias^ `:` type($bias) `)`)? `top_k` `(` $topK `)` `score` `(` $score `)`
    (`normalize` `(` $normalize^ `)`)? (`scale` `(` $scale^ `)`)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($logits) (`->` type($results)^)?
  }];
  let hasCanonicalizeMethod = 1;
}

def MoE_DispatchOp : MoE_Op<"dispatch", [
    Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Bring each expert's rows together";
  let description = [{
    Sorts the T·k (token, slot) pairs by expert id, stable in token-slot order, and
    copies each pair's token row: row r of the result is `x[pair(r) / k, :]`. The plan
    remembers the order. Ids must lie in 0..E-1.

    **Constraints:** x `[T, D]`, ids `[T, k]`, rows `[T·k, D]`, plan `E x k`.

    ```mlir
    %rows, %plan = moe.dispatch %x, %ids experts(64)
        : tensor<?x2048xf32>, tensor<?x8xi32> -> tensor<?x2048xf32>, !moe.plan<64 x 8>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "token rows [T, D]">:$input,
    Arg<2DTensorOf<[I32]>, "expert ids [T, k]">:$ids,
    ConfinedAttr<I64Attr, [IntPositive]>:$experts);
  let results = (outs 2DTensorOf<[F32]>:$rows, MoE_PlanType:$plan);
  let assemblyFormat = [{
    $input `,` $ids `experts` `(` $experts `)` attr-dict
    `:` type($input) `,` type($ids) `->` type($rows) `,` qualified(type($plan))
  }];
  let hasVerifier = 1;
}

def MoE_ExpertOp : MoE_Op<"expert", [
    SingleBlockImplicitTerminator<"::mlir::moe::YieldOp">, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "Run every expert on its rows";
  let description = [{
    The region is one expert on a block of its rows: its first argument is `[n, D]` for
    a number n that is known at run time only (0 included), the others are that expert's slices of the weights,
    whose first dimension is E. Row i of what it yields must depend on row i of
    the block only; what the region does is free, another Mixture-of-Experts
    layer included.

    Canonical form: weights that the region does not use are dropped.

    **Constraints:** weights have leading dimension E; the region's arguments and the yielded
    block agree with operands and result.

    ```mlir
    %y = moe.expert %rows, %plan weights(%up, %down : tensor<8x64x32xf32>, tensor<8x32x64xf32>) {
    ^bb0(%r: tensor<?x32xf32>, %u: tensor<64x32xf32>, %d: tensor<32x64xf32>):
      %o = func.call @ffn(%r, %u, %d) : (tensor<?x32xf32>, tensor<64x32xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
      moe.yield %o : tensor<?x32xf32>
    } : tensor<?x32xf32>, !moe.plan<8 x 2> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "sorted rows [T·k, D]">:$rows,
    Arg<MoE_PlanType, "the plan of the dispatch">:$plan,
    Arg<Variadic<RankedTensorOf<[F32, BF16]>>, "weights, leading dimension E">:$weights);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rows `,` $plan (`weights` `(` $weights^ `:` type($weights) `)`)? $body attr-dict
    `:` type($rows) `,` qualified(type($plan)) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_YieldOp : MoE_Op<"yield", [
    Pure, Terminator, ReturnLike, HasParent<"::mlir::moe::ExpertOp">]> {
  let summary = "End of an expert's region";
  let description = [{
    Gives the block of output rows of one expert; see `moe.expert`.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def MoE_CombineOp : MoE_Op<"combine", [Pure]> {
  let summary = "Weighted sum of each token's expert outputs";
  let description = [{
    `out[t, :] = residual[t, :] + sum over slots s of weights[t, s] * rows[row(t, s), :]`, added in slot
    order starting from the residual (or from 0), each step one fused multiply-add.

    **Constraints:** rows `[T·k, D]`, weights `[T, k]`, residual and result `[T, D]`.

    ```mlir
    %out = moe.combine %y, %plan, %w residual(%x : tensor<?x32xf32>)
        : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "expert outputs in sorted order [T·k, D]">:$rows,
    Arg<MoE_PlanType, "the plan of the dispatch">:$plan,
    Arg<2DTensorOf<[F32]>, "routing weights [T, k]">:$weights,
    Arg<Optional<2DTensorOf<[F32]>>, "what the sum starts from [T, D]">:$residual);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $rows `,` $plan `,` $weights (`residual` `(` $residual^ `:` type($residual) `)`)? attr-dict
    `:` type($rows) `,` qualified(type($plan)) `,` type($weights) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // MOE_DIALECT_MOE_IR_ROUTING_OPS_TD
