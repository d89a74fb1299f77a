// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef MOE_DIALECT_MOE_IR_TRAINING_OPS_TD
#define MOE_DIALECT_MOE_IR_TRAINING_OPS_TD

include "moe/Dialect/MoE/IR/MoEOpBase.td"

/// What a loss is: one number.
def MoE_LossValue : Type<
    CPred<"$_self == ::mlir::RankedTensorType::get({}, ::mlir::Float32Type::get($_self.getContext()))">,
    "tensor<f32>", "::mlir::RankedTensorType">,
    BuildableType<"::mlir::RankedTensorType::get({}, $_builder.getF32Type())">;

/// An operation of a training graph: on tensors, without effects.
class MoE_TrainingOp<string mnemonic, list<Trait> traits = []>
    : MoE_Op<mnemonic, !listconcat([Pure], traits)> {
  let hasVerifier = 1;
}

def MoE_CountExpertsOp : MoE_TrainingOp<"count_experts", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "How many pairs chose each expert";
  let description = [{
    `counts[e]` is the number of (token, slot) pairs with `ids[t, s] = e`; with ids `[B, S, k]`
    every sequence is counted by itself. A pair of another id (E stands for a skipped pair) and the pairs of a token
    whose `mask` is 0 are not counted. No token: all counts are 0.

    **Constraints:** ids `[T, k]` and counts `[E]`, or ids `[B, S, k]` and counts `[B, E]`; mask of the shape of ids
    without its last dimension.

    ```mlir
    %counts = moe.count_experts %ids experts(64) : tensor<?x8xi32> -> tensor<64xi32>
    ```
  }];
  let arguments = (ins
    Arg<TensorRankOf<[I32], [2, 3]>, "expert ids [T, k] or [B, S, k]">:$ids,
    Arg<Optional<TensorRankOf<[I32], [1, 2]>>, "0 for tokens that do not count [T] or [B, S]">:$mask,
    ConfinedAttr<I64Attr, [IntPositive]>:$experts);
  let results = (outs TensorRankOf<[I32], [1, 2]>:$counts);
  let assemblyFormat = [{
    $ids `experts` `(` $experts `)` (`mask` `(` $mask^ `:` type($mask) `)`)? attr-dict
    `:` type($ids) `->` type($counts)
  }];
}

def MoE_BalanceLossOp : MoE_TrainingOp<"balance_loss"> {
  let summary = "Auxiliary loss that spreads tokens over experts";
  let description = [{
    For each of B sequences of S tokens, of which n count:

    ```
    M[b, e] = sum of scores[b, s, e] over the tokens s that count
    v[b]    = (sum over e of counts[b, e] * M[b, e]) * (E / k) / n / n
    loss    = scale * (sum over b of v[b]) / B
    ```

    which is `scale * mean over b of sum over e of (counts[b, e] / (n·k/E)) * (mean over s of scores[b, s, e])`: the
    *sequence-level* loss of DeepSeek-V2 and V3 (arXiv 2412.19437, eq. 17-20). Scores `[T, E]` are one sequence, which makes
    it the *batch-level* loss of Switch Transformers (arXiv 2101.03961, eq. 4-6):
    `scale * sum over e of (E * counts[e] / (T·k)) * (mean over t of scores[t, e])`. `load_balancing_loss_func` of
    transformers does not divide by k: it is this loss with `scale(k)`, on the tokens of all layers.

    Counts are those of `moe.count_experts` with the same mask; they are constants for the gradient. Balanced experts give
    `scale` where each token's scores sum to 1.

    Arithmetic: M in rising s, the sum over e as one chain of fused multiply-adds from 0 in rising e, then the product and
    the two quotients, each rounded; the sum over b in rising b, its quotient by B, its product with `scale`. A token that does
    not count is not read. Where n or B is 0, the division is by 1: no token gives the loss 0. E = 1 gives the mean score.

    **Constraints:** scores `[T, E]` and counts `[E]`, or `[B, S, E]` and `[B, E]`; E static; 1 <= k <= E; mask `[T]` or `[B, S]`.

    ```mlir
    %loss = moe.balance_loss %scores, %counts top_k(8) scale(0.001) : tensor<?x64xf32>, tensor<64xi32>
    ```
  }];
  let arguments = (ins
    Arg<TensorRankOf<[F32], [2, 3]>, "router scores [T, E] or [B, S, E]">:$scores,
    Arg<TensorRankOf<[I32], [1, 2]>, "pairs of each expert [E] or [B, E]">:$counts,
    Arg<Optional<TensorRankOf<[I32], [1, 2]>>, "0 for tokens that do not count [T] or [B, S]">:$mask,
    ConfinedAttr<I64Attr, [IntPositive]>:$topK,
    DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs MoE_LossValue:$loss);
  let assemblyFormat = [{
    $scores `,` $counts `top_k` `(` $topK `)` (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`scale` `(` $scale^ `)`)? attr-dict `:` type($scores) `,` type($counts)
  }];
}

def MoE_VariationLossOp : MoE_TrainingOp<"variation_loss"> {
  let summary = "Squared coefficient of variation of the experts' sums";
  let description = [{
    ```
    I[e] = sum of values[t, e] over the tokens t that count
    m    = (sum over e of I[e]) / E
    v    = (sum over e of (I[e] - m)^2) / E
    loss = scale * (v / m / m)
    ```

    `(std / mean)^2`, std that of a population. Of router scores it is the *importance loss*, of `moe.win_probability`
    the *load loss* (arXiv 1701.06538, section 4; arXiv 2106.05974, appendix A, whose auxiliary loss is the sum of both with
    `scale(0.5)` each).

    Arithmetic: I in rising t, m and v in rising e, the squares added by fused multiply-adds from 0. A token that does not count is
    not read. Where m is 0, the divisions are by 1: no token gives the loss 0. E = 1 gives 0.

    **Constraints:** values `[T, E]`, E static; mask `[T]`.

    ```mlir
    %importance = moe.variation_loss %scores scale(0.5) : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "scores or probabilities [T, E]">:$values,
    Arg<Optional<1DTensorOf<[I32]>>, "0 for tokens that do not count [T]">:$mask,
    DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs MoE_LossValue:$loss);
  let assemblyFormat = [{
    $values (`mask` `(` $mask^ `:` type($mask) `)`)? (`scale` `(` $scale^ `)`)? attr-dict `:` type($values)
  }];
}

def MoE_WinProbabilityOp : MoE_TrainingOp<"win_probability", [SameOperandsAndResultType]> {
  let summary = "Chance that an expert is among the k under fresh noise";
  let description = [{
    `p[t, e]` is the probability that `logits[t, e]` plus new noise of the normal distribution N(0, sigma^2) reaches
    the threshold of the token, the k-th largest of `noisy[t, :]` (arXiv 2106.05974, appendix A.2):

    ```
    p[t, e] = 1/2 + 1/2 * erf((logits[t, e] - threshold[t]) * c),   c = 1 / (sigma * sqrt(2))
    ```

    The difference, its product with c (rounded once from its exact value) and a fused multiply-add are rounded to f32. `sigma` is 1/E where not
    given. What comes k-th follows the order of `moe.route`: larger values first, of equal values the lower expert id, NaN last.

    The gradient reaches the logits, and through the threshold the one element of `noisy` that it is.

    **Constraints:** logits, noisy logits and result of one type `[T, E]`; E static; 1 <= k <= E; sigma > 0.

    ```mlir
    %p = moe.win_probability %logits, %logits top_k(2) : tensor<?x8xf32>
    %load = moe.variation_loss %p scale(0.5) : tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "router logits without noise [T, E]">:$logits,
    Arg<2DTensorOf<[F32]>, "the logits that were selected on [T, E]">:$noisy,
    ConfinedAttr<I64Attr, [IntPositive]>:$topK,
    OptionalAttr<F32Attr>:$sigma);
  let results = (outs 2DTensorOf<[F32]>:$probabilities);
  let assemblyFormat = [{
    $logits `,` $noisy `top_k` `(` $topK `)` (`sigma` `(` $sigma^ `)`)? attr-dict `:` type($probabilities)
  }];
  let extraClassDeclaration = [{
    /// c of the formula.
    float getSlope();
  }];
}

def MoE_ZLossOp : MoE_TrainingOp<"z_loss"> {
  let summary = "Mean squared log-sum-exp of the router logits";
  let description = [{
    Over the n tokens that count (ST-MoE, arXiv 2202.08906, eq. 5):

    ```
    z[t] = max[t] + log(sum over e of exp(logits[t, e] - max[t])),   max[t] = largest of logits[t, :]
    loss = scale * (sum over t of z[t]^2) / n
    ```

    It keeps router logits small. Arithmetic: sums in rising e and t, the squares added by fused multiply-adds from 0; the quotient,
    then the product with `scale`. Where n is 0, the division is by 1: no token gives the loss 0. E = 1 gives the mean squared logit.

    **Constraints:** logits `[T, E]`, E static; mask `[T]`.

    ```mlir
    %z = moe.z_loss %logits scale(0.001) : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<2DTensorOf<[F32]>, "router logits [T, E]">:$logits,
    Arg<Optional<1DTensorOf<[I32]>>, "0 for tokens that do not count [T]">:$mask,
    DefaultValuedAttr<F32Attr, "1.0f">:$scale);
  let results = (outs MoE_LossValue:$loss);
  let assemblyFormat = [{
    $logits (`mask` `(` $mask^ `:` type($mask) `)`)? (`scale` `(` $scale^ `)`)? attr-dict `:` type($logits)
  }];
}

def MoE_UpdateBiasOp : MoE_TrainingOp<"update_bias", [AllTypesMatch<["bias", "updated"]>]> {
  let summary = "Next selection bias of auxiliary-loss-free balancing";
  let description = [{
    `updated[e] = bias[e] + rate * sign(mean of counts - counts[e])` (arXiv 2408.15664, algorithm 1): an expert with less
    than its share becomes easier to choose. The sign is exact, that of the integer
    `(sum of counts) - E * counts[e]`; sign(0) = 0, so that no token, or E = 1, changes nothing. Run once a step, on the
    counts of the whole batch.

    **Constraints:** bias `[E]`, counts `[E]`; E static.

    ```mlir
    %next = moe.update_bias %bias, %counts rate(0.001) : tensor<64xf32>, tensor<64xi32>
    ```
  }];
  let arguments = (ins
    Arg<1DTensorOf<[F32]>, "selection bias [E]">:$bias,
    Arg<1DTensorOf<[I32]>, "pairs of each expert [E]">:$counts,
    F32Attr:$rate);
  let results = (outs 1DTensorOf<[F32]>:$updated);
  let assemblyFormat = "$bias `,` $counts `rate` `(` $rate `)` attr-dict `:` type($bias) `,` type($counts)";
}

#endif // MOE_DIALECT_MOE_IR_TRAINING_OPS_TD
