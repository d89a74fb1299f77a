# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Routers for check_compiled_route.py: every clause of moe.route by itself, at odd sizes, and as the families combine them."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Case:
    """`columns` of the logits; `clauses` as text after the operands; `operands`: name, clause with {0} for the value
    and {1} for its type, shape (None is T), array maker (random generator, tokens) -> array."""

    columns: int
    top_k: int
    clauses: str
    operands: tuple = ()
    shared: int = 0
    null: int = 0
    scores: bool = False
    counts: bool = False

    def results(self):
        slots = self.top_k + self.shared
        types = [f"tensor<?x{slots}xf32>", f"tensor<?x{slots}xi32>"]
        if self.scores:
            types.append(f"tensor<?x{self.columns}xf32>")
        if self.counts:
            scored = self.shared if "scored" in self.clauses else 0
            types.append(f"tensor<{self.columns - self.null - scored + self.shared}xi32>")
        return types


def bias(n, scale=0.25):
    return ("bias", "bias({0} : {1})", (n,), "f32", lambda r, t: r.normal(0, scale, n))


def expert_scale(n):
    return ("scale", "expert_scale({0} : {1})", (n,), "f32", lambda r, t: r.uniform(0.5, 2, n))


def forced(n, k):
    pick = lambda r, t: np.array([r.permutation(n)[:k] for _ in range(t)]).reshape(t, k)  # noqa: E731
    return ("forced", "forced({0} : {1})", (None, k), "i32", pick)


def table(n, k, vocabulary=11):
    ids = lambda r, t: np.array([r.permutation(n)[:k] for _ in range(vocabulary)])  # noqa: E731
    return (("table", "table({0}[%tokens] : {1}, tensor<?xi32>)", (vocabulary, k), "i32", ids),
            ("tokens", "", (None,), "i32", lambda r, t: r.integers(0, vocabulary, t)))


def shared_weights(s):
    return ("shared", "shared_weights({0} : {1})", (None, s), "f32", lambda r, t: r.uniform(0, 1, (t, s)))


def noise_step():
    return ("step", "noise_step({0} : {1})", (1,), "i32", lambda r, t: r.integers(0, 1000, 1))


SCORES = ("softmax", "sigmoid", "softmax_topk", "sqrt_softplus", "none")
CASES = {}

# Sizes: no whole block, one, more; the only expert; all experts.
for experts, k in ((1, 1), (3, 2), (5, 5), (16, 4), (17, 3), (64, 8), (64, 64), (256, 8), (513, 10)):
    for score in SCORES:
        CASES[f"{score}_{experts}_{k}"] = Case(experts, k, f"score({score})")

for score in ("softmax", "sigmoid", "sqrt_softplus"):
    CASES[f"{score}_bias"] = Case(37, 5, f"score({score})", (bias(37),), scores=True)
    CASES[f"{score}_on_logits"] = Case(37, 5, f"score({score}) on(logits)", (bias(37, 2.0),))
    CASES[f"{score}_softcap"] = Case(37, 5, f"softcap(3.0) score({score})", (bias(37),))
CASES["softmax_topk_scores"] = Case(19, 3, "score(softmax_topk)", scores=True)
CASES["softmax_unbiased_scores"] = Case(19, 3, "score(softmax)", scores=True)
for experts, k in ((8, 2), (16, 2), (37, 4)):
    CASES[f"sparsemixer_{experts}"] = Case(experts, k, "score(sparsemixer) jitter(0.01)", scores=True)
CASES["sparsemixer_wide"] = Case(40, 3, "score(sparsemixer) jitter(0.4)")
CASES["noise"] = Case(37, 4, "noise<seed = 7, stddev = 0.5> score(softmax)")
CASES["noise_step"] = Case(16, 4, "noise<seed = -3, stddev = 2.0> softcap(2.0) score(sigmoid)",
                           (bias(16), noise_step()), scores=True)

for by in ("max", "top2"):
    for mask in ("lowest", "zero", "zero_score"):
        CASES[f"groups_{by}_{mask}"] = Case(
            60, 6, f"score(sigmoid) groups<5, keep = 2, by = {by}, mask = {mask}>", (bias(60),))
        CASES[f"groups_softmax_{by}_{mask}"] = Case(
            64, 7, f"score(softmax) groups<8, keep = 3, by = {by}, mask = {mask}>", scores=True)
CASES["groups_logits"] = Case(48, 6, "score(none) groups<3, keep = 1, by = max, mask = zero>")
CASES["groups_of_one"] = Case(6, 2, "score(softmax) groups<6, keep = 3, by = max, mask = lowest>", (bias(6),))

for name, clause in {
        "sum": "normalize(1.0e-20)", "epsilon": "normalize(0.5)", "max": "normalize(1.5, max)",
        "p1": "normalize(0.0, p = 1.0)", "p2": "normalize(1.0e-6, p = 2.0)",
        "p3": "normalize(1.0e-6, max, p = 3.0)"}.items():
    CASES[f"normalize_{name}"] = Case(21, 4, f"score(sigmoid) {clause} scale(2.5)", (bias(21),))
CASES["normalize_signed"] = Case(21, 4, "score(none) normalize(0.125, p = 2.0)")
CASES["expert_scale"] = Case(21, 4, "score(softmax) normalize(0.0) scale(0.5)", (expert_scale(21),))
CASES["canonical"] = Case(64, 8, "score(softmax) normalize(0.0)")

for score in ("softmax", "softmax_topk", "sigmoid", "none"):
    CASES[f"forced_{score}"] = Case(12, 3, f"score({score}) normalize(1.0e-20)", (forced(12, 3),))
CASES["forced_sparsemixer"] = Case(12, 3, "score(sparsemixer) jitter(0.1)", (forced(12, 3),))
CASES["table"] = Case(24, 3, "score(sqrt_softplus) normalize(1.0e-20) scale(1.5)", table(24, 3))

for weight in ("identity", "skip"):
    CASES[f"null_{weight}"] = Case(
        20, 5, f"score(softmax) scale(6.0) null_experts<4, {weight}>", (bias(20, 0.1),), null=4, counts=True)
    CASES[f"null_one_{weight}"] = Case(3, 2, f"score(softmax) null_experts<1, {weight}>", null=1)
for weight, operands, columns in (("one", (), 9), ("given", (shared_weights(2),), 9), ("scored", (), 11)):
    CASES[f"shared_{weight}"] = Case(
        columns, 3, f"score(softmax) normalize(0.0) scale(2.0) shared_experts<2, {weight}>", operands, shared=2,
        counts=True)
for score in ("sigmoid", "softmax_topk", "none"):
    CASES[f"shared_scored_{score}"] = Case(
        18, 3, f"score({score}) normalize(0.25) shared_experts<1, scored>", (bias(17), expert_scale(18)), shared=1,
        scores=True)

for first in ("token", "slot", "weight"):
    for overflow in ("drop", "residual"):
        CASES[f"capacity_{first}_{overflow}"] = Case(
            7, 2, f"score(softmax) normalize(0.0) scale(3.0) capacity<factor = 1.25, overflow = {overflow},"
            f" first = {first}>", (expert_scale(7),), counts=True)
    CASES[f"capacity_{first}_renormalize"] = Case(
        5, 3, f"score(softmax) normalize(1.0e-6, max) capacity<factor = 1.0, times = 2, overflow = drop,"
        f" first = {first}, renormalize>", scores=True, counts=True)
    CASES[f"capacity_{first}_fixed"] = Case(
        17, 2, f"score(sigmoid) capacity<tokens = 3, overflow = residual, first = {first}>", (bias(17),))
CASES["capacity_switch"] = Case(8, 1, "score(softmax) capacity<tokens = 4, overflow = drop>", scores=True, counts=True)
CASES["capacity_null"] = Case(
    10, 3, "score(softmax) null_experts<2, identity> capacity<factor = 0.5, overflow = drop, first = weight>",
    null=2, counts=True)
CASES["capacity_shared"] = Case(
    6, 2, "score(softmax) capacity<tokens = 2, overflow = drop> shared_experts<1, one>", shared=1, counts=True)
CASES["expert_choice"] = Case(
    6, 6, "score(softmax) expert_choice capacity<factor = 2.0, overflow = drop>", scores=True, counts=True)
CASES["expert_choice_bias"] = Case(
    5, 5, "score(sigmoid) on(logits) scale(2.0) expert_choice capacity<tokens = 3, overflow = drop>",
    (bias(5), expert_scale(5)))
CASES["expert_choice_shared"] = Case(
    7, 6, "score(softmax) expert_choice capacity<factor = 1.0, overflow = drop> shared_experts<1, scored>", shared=1,
    counts=True)
CASES["counts"] = Case(33, 4, "score(sigmoid) normalize(0.0)", counts=True)

# Families.
CASES["deepseek_v3"] = Case(
    256, 8, "score(sigmoid) groups<8, keep = 4, by = top2, mask = lowest> normalize(1.0e-20) scale(2.5)", (bias(256),))
CASES["deepseek_v2"] = Case(
    160, 6, "score(softmax) groups<8, keep = 3, by = max, mask = zero_score> scale(16.0)")
CASES["mistral_large"] = Case(
    128, 4, "score(softmax) groups<8, keep = 4, by = top2, mask = zero> normalize(1.0e-20) scale(2.0)")
CASES["ernie"] = Case(64, 6, "score(softmax) normalize(1.0e-12, max)", (bias(64),))
CASES["longcat"] = Case(
    40, 6, "score(softmax) scale(6.0) null_experts<8, identity>", (bias(40),), null=8, counts=True)
CASES["zaya"] = Case(17, 1, "score(softmax) null_experts<1, skip>", (bias(17),), null=1)
CASES["inkling"] = Case(
    34, 4, "score(sigmoid) normalize(1.0e-20) scale(2.0) shared_experts<2, scored>", (bias(32),), shared=2)
CASES["kolibri"] = Case(32, 4, "score(sigmoid) on(logits) normalize(1.0e-20)", (bias(32),))
CASES["laguna"] = Case(32, 4, "softcap(30.0) score(sigmoid) normalize(1.0e-20)", (bias(32),))
CASES["llama4"] = Case(16, 1, "score(sigmoid) on(logits)")
