// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ROUTING_OPS_TD
#define MOE_DIALECT_MOE_IR_ROUTING_OPS_TD

include "moe/Dialect/MoE/IR/MoERouteOp.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def MoE_DispatchOp : MoE_Op<"dispatch", [
    Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Bring each expert's rows together";
  let description = [{
    Sorts the T·k (token, slot) pairs by expert id, stable in token-slot order, and
    copies each pair's token row: row r of the result is `x[pair(r) / k, :]`, times the pair's factor
    if `scale` is given (routing weights that are applied before the experts). The plan
    remembers the order.

    Ids lie in 0..E-1. With `partial` an id may be E: no expert takes the pair. Such skipped pairs stand behind all others, in
    token-slot order; no expert runs on their rows.

    **Constraints:** x `[T, D]`, ids and scale `[T, k]`, rows `[T·k, D]`, plan `E x k`.

    ```mlir
    %rows, %plan = moe.dispatch %x, %ids experts(64)
        : tensor<?x2048xf32>, tensor<?x8xi32> -> tensor<?x2048xf32>, !moe.plan<64 x 8>
    %some, %plan1 = moe.dispatch %y, %few experts(4) partial scale(%w : tensor<?x1xf32>)
        : tensor<?x32xf32>, tensor<?x1xi32> -> tensor<?x32xf32>, !moe.plan<4 x 1>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "token rows [T, D]">:$input,
    Arg<2DTensorOf<[I32]>, "expert ids [T, k]">:$ids,
    Arg<Optional<2DTensorOf<[F32]>>, "factors of the pairs [T, k]">:$scale,
    ConfinedAttr<I64Attr, [IntPositive]>:$experts,
    UnitAttr:$partial);
  let results = (outs 2DTensorOf<[F32]>:$rows, MoE_PlanType:$plan);
  let assemblyFormat = [{
    $input `,` $ids `experts` `(` $experts `)` (`partial` $partial^)?
    (`scale` `(` $scale^ `:` type($scale) `)`)? attr-dict
    `:` type($input) `,` type($ids) `->` type($rows) `,` qualified(type($plan))
  }];
  let builders = [
    /// Every pair has an expert, which gets the token's row as it is.
    OpBuilder<(ins "::mlir::Type":$rows, "::mlir::Type":$plan, "::mlir::Value":$input, "::mlir::Value":$ids,
                   "uint64_t":$experts)>];
  let hasVerifier = 1;
}

def MoE_ExpertOp : MoE_Op<"expert", [
    SingleBlockImplicitTerminator<"::mlir::moe::YieldOp">, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
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
    Pure, Terminator, ReturnLike, ParentOneOf<["::mlir::moe::ExpertOp", "::mlir::moe::GroupedMatmulOp"]>]> {
  let summary = "End of a region";
  let description = [{
    Gives the block of output rows of one expert, see `moe.expert`, or the values of an epilogue, see
    `moe.grouped_matmul`.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def MoE_CombineOp : MoE_Op<"combine", [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Weighted sum of each token's expert outputs";
  let description = [{
    `out[t, :] = residual[t, :] + sum over slots s of weights[t, s] * rows[row(t, s), :]`, added in slot
    order starting from the residual (or from 0), each step one fused multiply-add.

    The row of a skipped pair (see `moe.dispatch`) is not read. The pair adds `weights[t, s] * skipped[t, :]` if `skipped` is
    given, as identity experts do and tokens over an expert's capacity, else nothing.

    **Constraints:** rows `[T·k, D]`, weights `[T, k]`, residual, skipped and result `[T, D]`.

    ```mlir
    %out = moe.combine %y, %plan, %w residual(%x : tensor<?x32xf32>)
        : tensor<?x32xf32>, !moe.plan<8 x 2>, tensor<?x2xf32> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "expert outputs in sorted order [T·k, D]">:$rows,
    Arg<MoE_PlanType, "the plan of the dispatch">:$plan,
    Arg<2DTensorOf<[F32]>, "routing weights [T, k]">:$weights,
    Arg<Optional<2DTensorOf<[F32]>>, "what the sum starts from [T, D]">:$residual,
    Arg<Optional<2DTensorOf<[F32]>>, "what a skipped pair adds [T, D]">:$skipped);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $rows `,` $plan `,` $weights (`residual` `(` $residual^ `:` type($residual) `)`)?
    (`skipped` `(` $skipped^ `:` type($skipped) `)`)? attr-dict
    `:` type($rows) `,` qualified(type($plan)) `,` type($weights) `->` type($result)
  }];
  let builders = [
    /// A skipped pair adds nothing.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$rows, "::mlir::Value":$plan, "::mlir::Value":$weights,
                   "::mlir::Value":$residual)>];
  let hasVerifier = 1;
}

#endif // MOE_DIALECT_MOE_IR_ROUTING_OPS_TD
