# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws random layers."""

import random

from programs import ACTIVATIONS, MOST_ALWAYS, Program, Shapes


def draw_shapes(rng):
    experts = rng.choice([1, 2, 3, 5, 8, 16, 17, 64])
    return Shapes(experts, rng.choice([1, 8, 31, 33, 48]), rng.choice([1, 7, 16, 33]), rng.choice(["f32", "f32", "bf16"]))


def draw_score(rng, choice):
    """`choice`: what else is drawn is chosen by scores of each expert by itself."""
    scores = ["softmax", "softmax", "sigmoid", "sigmoid", "sqrt_softplus", "none"]
    return rng.choice(scores if choice else [*scores, "softmax_topk", "sparsemixer"])


def draw_groups(rng, choices, k, mask_scores):
    counts = [g for g in range(2, choices + 1) if choices % g == 0]
    if not counts or rng.random() >= 0.3:
        return ""
    groups = rng.choice(counts)
    size = choices // groups
    least = -(-k // size)
    if least > groups:
        return ""
    by = rng.choice(["max", "top2"] if size > 1 else ["max"])
    mask = rng.choice(["lowest", "zero"] + ["zero_score"] * mask_scores)
    return f"groups<{groups}, keep = {rng.randint(least, groups)}, by = {by}, mask = {mask}>"


def draw_route(rng, choices, k, null, always, num_always, expert_choice):
    """Options of moe.route, and what a skipped pair adds."""
    score = draw_score(rng, expert_choice or always == "scored")
    # The noise is a number for each logit, the same in all ways of computing.
    route = [f"noise<seed = {rng.randint(-9, 9)}, stddev = 0.5>"] if rng.random() < 0.15 else []
    route += ["softcap(2.0)"] if rng.random() < 0.1 else []
    route.append(f"score({score})" + (" jitter(0.01)" if score == "sparsemixer" else ""))
    if score == "sigmoid" and rng.random() < 0.2:
        route.append("on(logits)")
    if not expert_choice:
        on_scores = score in ("softmax", "sigmoid", "sqrt_softplus", "none") and "on(logits)" not in route
        route.append(draw_groups(rng, choices, k, on_scores))
        if score != "none":
            # All of the chosen weights may be 0.
            epsilon = "1.0e-20" if score == "sparsemixer" or "zero_score" in route[-1] else "0.0"
            route.append(rng.choice(["", "", f"normalize({epsilon})", "normalize(1.0e-20)", "normalize(1.0e-12, max)",
                                     "normalize(1.0e-6, p = 2.0)"]))
    if rng.random() < 0.3:
        route.append("scale(2.5)")
    partial = "none"
    if null:
        weight = rng.choice(["identity", "skip"])
        route.append(f"null_experts<{null}, {weight}>")
        partial = "identity" if weight == "identity" else rng.choice(["drop", "identity"])
    size = rng.choice(["factor = 1.25", "factor = 0.5", "tokens = 1", "tokens = 5", "factor = 1.0, times = 2"])
    if expert_choice:
        route.append(f"expert_choice capacity<{size}, overflow = drop>")
        partial = rng.choice(["drop", "identity"])
    elif rng.random() < 0.25:
        overflow = rng.choice(["drop", "residual"])
        first = rng.choice(["", ", first = slot", ", first = weight"])
        again = ", renormalize" if overflow == "drop" and "normalize(1.0e-20)" in route and rng.random() < 0.5 else ""
        route.append(f"capacity<{size}, overflow = {overflow}{first}{again}>")
        partial = "identity" if overflow == "residual" or partial == "identity" else rng.choice(["drop", "identity"])
    if always != "none":
        route.append(f"shared_experts<{num_always}, {always}>")
    return " ".join(filter(None, route)), partial


def draw(rng, shapes):
    """A program of these shapes."""
    null = 2 if rng.random() < 0.1 else 0
    num_always = rng.randint(1, MOST_ALWAYS) if shapes.experts > MOST_ALWAYS and rng.random() < 0.15 else 0
    always = rng.choice(["one", "given", "scored"]) if num_always else "none"
    routed = shapes.experts - num_always
    k = rng.choice([1, routed, *(rng.randint(1, min(routed, 8)) for _ in range(4))])
    expert_choice = not null and rng.random() < 0.1
    if expert_choice:
        k = routed
    ids = "chosen" if expert_choice else rng.choice(["chosen"] * 6 + ["forced", "table"] if not num_always else ["chosen"])
    route, partial = draw_route(rng, routed + null, k, null, always, num_always, expert_choice)
    return Program(
        shapes, k, tokens=rng.choice([None, None, 0, 1, 1, 2, 5, 33]), route=route, null=null, always=always,
        num_always=num_always, ids=ids, noise_step="noise" in route and rng.random() < 0.5, scores=rng.random() < 0.1,
        counts=rng.random() < 0.2, expert_scale=rng.random() < 0.15, activation=rng.choice(list(ACTIVATIONS)),
        form=rng.choice(["gated", "gated", "plain", "interleaved"]), bias=rng.random() < 0.3, clamp=rng.random() < 0.3,
        selection_bias=rng.random() < 0.3, residual=rng.random() < 0.5,
        shared=rng.choice(["none", "none", "plain", "gated"]), scale_before=rng.random() < 0.15, partial=partial,
        twice=rng.random() < 0.15)


def draw_module(seed, count):
    rng = random.Random(seed)
    shapes = draw_shapes(rng)
    return [draw(rng, shapes) for _ in range(count)]
