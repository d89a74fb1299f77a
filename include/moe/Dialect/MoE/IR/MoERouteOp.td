// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_ROUTE_OP_TD
#define MOE_DIALECT_MOE_IR_ROUTE_OP_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

def MoE_RouteOp : MoE_ComputeOp<"route", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Choose k experts a token and their weights";
  let description = [{
    One operation says every published router; what is not given plays no part. The columns of the logits are E experts,
    then Z null experts (step 8), then S shared experts where their weights are `scored` (step 10). N = E + S is the number
    of experts that compute. A pair (token, slot) whose id is N is *skipped*: no expert computes it, and the operations
    that take such ids are `partial`. Only null experts, a capacity and expert choice skip pairs.

    For each token t:

    1. `z = logits[t, :]`; with `gate(W)` the operand is x `[T, D]`, and `z[e] = sum over d of x[t, d] * W[e, d]`, one chain
       of fused multiply-adds from 0 in rising d; with `noise<seed = s, stddev = d>` plus `d * gaussian(b)`, b the top 23 bits of
       `splitmix64((s + noise_step) * 2^32 + i)`, i the row-major position of the logit; with `softcap(c)` then
       `z = c * tanh(z / c)`.
    2. `s = score(z)`: `softmax` over all columns, `sigmoid`, `sqrt_softplus` (the root of `ln(1 + e^z)`), or, for
       `softmax_topk`, `sparsemixer` and `none`, z itself.
    3. `key[e] = s[e] + bias[e]`, or `z[e] + bias[e]` with `on(logits)`, for the E + Z experts. The bias chooses and never
       weighs. For `softmax` without bias, groups and expert choice the key is z too: softmax is increasing, and the
       choice is the one before rounding. With `groups<G, keep = H, by = .., mask = ..>` the experts are G equal ranges; a range ranks by the largest
       of its keys without bias (`max`) or by the sum of its two largest keys with bias (`top2`). The experts of all but
       the H best ranges get the key -inf (`lowest`) or 0 (`zero`), or both their key and their score become 0
       (`zero_score`).
    4. `ids[t, :]` are the k experts of largest key, in falling order. `forced` gives the ids instead (routing replay), or
       `table[V, k]` does at row `tokens[t]` (hash routing); then keys mean nothing.
    5. `w[j] = s[ids[t, j]]`. For `softmax_topk` the softmax of the k chosen z. For `sparsemixer`, slot by slot: R are the
       experts not yet chosen, m the largest z in R; the weight is the softmax of z over those e of R for which
       `(m - z[e]) / max(abs(z[e]), m) > 2 * jitter` does not hold.
    6. `normalize(eps)` divides by `sum_j w[j] + eps`, `normalize(eps, max)` by `max(sum_j w[j], eps)`; with `p = q` the sum
       is `(sum_j abs(w[j])^q)^(1/q)`.
    7. Times `scale`, times `expert_scale[ids[t, j]]`.
    8. `null_experts<Z, ..>`: ids E .. E+Z-1 become N; the weight stays (`identity`: the token passes by, weighted) or
       becomes 0 (`skip`).
    9. `capacity<.., overflow = .., first = ..>`: an expert takes at most C pairs (see `#moe.route_capacity`); the id of
       every other pair becomes N and its weight 0 (`drop`) or stays (`residual`). Pairs come first in the order of
       `token` (then slot), of `slot` (then token), or of `weight`: by slot, then by falling w[0] of the token in step 5,
       then by token. With `renormalize` the weights of dropped pairs count as 0 in step 6.
    10. `shared_experts<S, ..>` appends S slots of ids E .. E+S-1: of weight 1 (`one`), of weight
       `shared_weights[t, :]` (`given`), or of weight s (`scored`), which joins steps 5 to 7, the softmax and sums included.

    `expert_choice` turns step 4 round: of the T tokens each expert takes the C of largest key. Slot e of a token then is
    expert e, with id e where it was taken, and id N and weight 0 elsewhere; k = E.

    Wherever a largest is chosen, of equal values the lower expert (group, token) id wins, and a NaN ranks below every
    number, so ids are always valid. Sums over all columns run in 16 partial sums, sums over slots in slot order; the
    functions are those of `moe/Dialect/MoE/Utils/ScoreMath.h`, so ids are the same bits whoever computes them.

    After weights and ids come, where asked for, `with_scores`: s of all columns (for `softmax_topk` and `sparsemixer` the
    softmax of z over all columns), unmasked; and `with_counts`: how many pairs each of the N experts got.

    Canonical forms: results that nobody uses go. Of equal spellings one stays: `softmax` with `normalize(0.0)` becomes
    `softmax_topk` where both choose alike. Softmax is increasing, so both choose the same experts, and the common divisor
    cancels; what can differ is the last bits of a weight. Parameters without effect go: a scale of 1, a bias of 0, one group
    or all groups kept, a capacity of T or more, a norm of p = 1, what chooses where ids are given.

    **Constraints:** logits `[T, E + Z]` or `[T, E + Z + S]`, or x `[T, D]` with as many `columns` and a gate
    `[columns, D]` or its packed shape; bias and expert_scale one element for each of the columns
    that they concern, forced `[T, k]`, table `[V, k]` with tokens `[T]`, noise_step `[1]` with noise, shared_weights
    `[T, S]`; weights and ids `[T, k + S]`, scores like logits, counts `[N]`. 1 <= k <= E + Z, with groups at most the
    experts of the kept groups; groups divide E + Z, and have two experts at least with `top2`. Not both forced and
    table. `jitter` with `sparsemixer` and only there. `expert_choice` has a dropping capacity in token order, k = E, a
    score for each expert by itself, and neither groups, null experts, given ids nor normalize.

    ```mlir
    // Softmax, divided by the sum of the chosen.
    %w, %ids = moe.route %logits top_k(8) score(softmax) normalize(0.0)
        : tensor<?x64xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
    ```

    ```mlir
    // DeepSeek-V3; its shared expert stands beside.
    %w, %ids = moe.route %logits bias(%b : tensor<256xf32>) top_k(8) score(sigmoid)
        groups<8, keep = 4, by = top2, mask = lowest> normalize(1.0e-20) scale(2.5)
        : tensor<?x256xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
    ```

    ```mlir
    // Switch.
    %w, %ids, %scores, %counts = moe.route %logits top_k(1) score(softmax)
        capacity<tokens = 64, overflow = residual> with_scores with_counts
        : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>, tensor<?x8xf32>, tensor<8xi32>
    ```
  }];
  let arguments = (ins
    Arg<MoE_F32, "router logits, or with a gate the tokens">:$logits,
    Arg<Optional<MoE_F32>, "selection bias [E + Z]">:$bias,
    Arg<Optional<MoE_F32>, "factor of each column's weight">:$expertScale,
    Arg<Optional<MoE_I32>, "ids in place of the choice [T, k]">:$forced,
    Arg<Optional<MoE_I32>, "ids of each vocabulary entry [V, k]">:$table,
    Arg<Optional<MoE_I32>, "the row of the table for each token [T]">:$tokens,
    Arg<Optional<MoE_F32>, "weights of shared experts [T, S]">:$sharedWeights,
    Arg<Optional<MoE_I32>, "added to the noise's seed [1]">:$noiseStep,
    Arg<Optional<MoE_WeightData>, "router projection [columns, D], or packed">:$gate,
    Arg<Variadic<AnyMemRef>, "weights, ids, scores, counts (buffer form)">:$outs,
    OptionalAttr<I64Attr>:$columns,
    OptionalAttr<MoE_PanelLayoutAttr>:$panel,
    ConfinedAttr<I64Attr, [IntPositive]>:$topK,
    OptionalAttr<MoE_RouteNoiseAttr>:$noise,
    OptionalAttr<F32Attr>:$softcap,
    MoE_ScoreFunction:$score,
    OptionalAttr<F32Attr>:$jitter,
    UnitAttr:$onLogits,
    OptionalAttr<MoE_RouteGroupsAttr>:$groups,
    OptionalAttr<F32Attr>:$normalize,
    DefaultValuedAttr<MoE_Divisor, "::mlir::moe::Divisor::Add">:$divisor,
    OptionalAttr<F32Attr>:$normOrder,
    DefaultValuedAttr<F32Attr, "1.0f">:$scale,
    OptionalAttr<MoE_NullExpertsAttr>:$nullExperts,
    UnitAttr:$expertChoice,
    OptionalAttr<MoE_RouteCapacityAttr>:$capacity,
    OptionalAttr<MoE_SharedExpertsAttr>:$sharedExperts,
    UnitAttr:$withScores,
    UnitAttr:$withCounts);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $logits (`gate` `(` $gate^ `:` type($gate) `)` `columns` `(` $columns `)`)? (`panel` $panel^)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`expert_scale` `(` $expertScale^ `:` type($expertScale) `)`)?
    (`forced` `(` $forced^ `:` type($forced) `)`)?
    (`table` `(` $table^ `[` $tokens `]` `:` type($table) `,` type($tokens) `)`)?
    (`shared_weights` `(` $sharedWeights^ `:` type($sharedWeights) `)`)?
    (`noise_step` `(` $noiseStep^ `:` type($noiseStep) `)`)?
    `top_k` `(` $topK `)` (`noise` `` $noise^)? (`softcap` `(` $softcap^ `)`)?
    `score` `(` $score `)` (`jitter` `(` $jitter^ `)`)? (`on` `(` `logits` $onLogits^ `)`)?
    (`groups` `` $groups^)? (`normalize` `(` custom<Normalize>($normalize, $divisor, $normOrder)^ `)`)?
    (`scale` `(` $scale^ `)`)?
    (`null_experts` `` $nullExperts^)? (`expert_choice` $expertChoice^)? (`capacity` `` $capacity^)?
    (`shared_experts` `` $sharedExperts^)? (`with_scores` $withScores^)? (`with_counts` $withCounts^)?
    (`outs` `(` $outs^ `:` type($outs) `)`)? attr-dict
    `:` type($logits) (`->` type($results)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$types, "::mlir::Value":$logits, "int64_t":$topK,
                   "::mlir::moe::ScoreFunction":$score, "::mlir::FloatAttr":$normalize)>];
  let extraClassDeclaration = [{
    /// E, Z and S, and how many columns the logits have.
    int64_t getNumRouted();
    int64_t getNumNull() { return getNullExperts() ? getNullExperts()->getCount() : 0; }
    int64_t getNumShared() { return getSharedExperts() ? getSharedExperts()->getCount() : 0; }
    int64_t getNumColumns();
    /// E + Z: the columns that steps 3 and 4 choose from.
    int64_t getNumChoices() { return getNumRouted() + getNumNull(); }
    /// N = E + S, which also is the id of a skipped pair.
    int64_t getNumExperts() { return getNumRouted() + getNumShared(); }
    /// k + S
    int64_t getNumSlots() { return static_cast<int64_t>(getTopK()) + getNumShared(); }
    /// Shared experts have a column each.
    bool hasScoredShared() {
      return getSharedExperts() && getSharedExperts()->getWeight() == SharedWeight::Scored;
    }
    /// Ids come from operands.
    bool hasGivenIds() { return getForced() || getTable(); }
    /// Keys are z plus bias.
    bool isChosenOnLogits();
    /// What becomes of a token depends on others, or is counted.
    bool needsAllTokens() { return getCapacity() || getWithCounts(); }
    /// Pairs may be skipped.
    bool isPartial() { return getNullExperts() || getCapacity(); }
    /// Nothing is given but bias, normalize(eps) and scale, and the score is softmax, sigmoid or softmax_topk.
    bool isPlain();
    /// Position among results or outs, or -1.
    int getScoresIndex() { return getWithScores() ? 2 : -1; }
    int getCountsIndex() { return !getWithCounts() ? -1 : getWithScores() ? 3 : 2; }
  }];
  let hasCanonicalizer = 1;
}

#endif // MOE_DIALECT_MOE_IR_ROUTE_OP_TD
