# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what moe.route can say."""


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
