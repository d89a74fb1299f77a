# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What random programs have drawn, and which fusions changed them."""

import collections
import re
import subprocess

ROUTE_OPTIONS = ("noise", "softcap", "on", "groups", "normalize", "scale", "null_experts", "expert_choice", "capacity", "shared_experts")
FLAGS = ("noise_step", "scores", "counts", "expert_scale", "selection_bias")

# What an entry of the phase `fused` has where a fusion took place.
FUSIONS = {
    "shared experts as experts": r"get_weight @\S+\.with_shared",
    "projections taken apart": r"get_weight @\S+\.from\d",
    "logits in routes": r"moe\.route .* gate\(",
    "rows read in place": r"moe\.grouped_matmul .* broadcast",
    "two products at once": r"moe\.grouped_matmul %\S+, %\S+, %",
    "epilogues": r"moe\.grouped_matmul .*\{$",
    "combinations in products": r"moe\.grouped_matmul .* combine\(",
    "norms in one pass": r"mapping = \[#moe\.rows\]",
    "loops over experts or pairs": r" = scf\.for ",
}


def features(program):
    """Pairs of a group and what the program has of it."""
    p, body = program, program.body
    few = p.tokens is None or p.tokens <= 2
    yield "tokens", "dynamic" if p.tokens is None else str(p.tokens) if few else "several"
    yield "score", re.search(r"score\((\w+)\)", p.route)[1]
    for option in ROUTE_OPTIONS:
        if re.search(rf"\b{option}\b", p.route):
            yield "route", option
    for flag in FLAGS:
        if getattr(p, flag):
            yield "route", flag
    yield "ids", p.ids
    yield "logits", p.logits
    yield "results", "with the choice" if p.choice else "rows alone"
    yield "expert", body.form if body.other != "nested" else "layer of experts"
    yield "activation", body.activation
    yield "weights", body.layout
    for has, name in ((body.bias, "bias"), (body.clamp, "clamp"), (body.adapter, "adapter"), (p.out, "other width"),
                      (p.chain, "chain")):
        if has:
            yield "expert", name
    if body.other != "none":
        yield "body", body.other
    yield "rows", p.entry
    if p.normed_gate:
        yield "rows", "normed for the router"
    if p.entry != "rows" or p.post != "none" or p.second == "stream":
        yield "norm", p.norm
    yield "residual", p.residual
    for shared in p.shared:
        yield "shared", shared.place
        for has, name in ((shared.body == body, "alike"), (shared.gate, "gate"), (shared.wide, "wide")):
            if has:
                yield "shared", name
    if p.scale_before:
        yield "weighed", "before experts"
    if p.partial != "none":
        yield "skipped", p.partial
    if p.second != "none":
        yield "second layer", p.second
        if p.own_route:
            yield "second layer", "own route"
    if p.post != "none":
        yield "norm behind", p.post
    if p.hidden:
        yield "results", "between layers"


def count_fusions(moe_compile, source):
    """Fusion: number of entries of the module that it changed."""
    fused = subprocess.run([moe_compile, source, "--compile-to=fused"], check=True, capture_output=True, text=True).stdout
    entries = re.split(r"^  func\.func ", fused, flags=re.MULTILINE)[1:]
    return collections.Counter(
        fusion for entry in entries for fusion, pattern in FUSIONS.items() if re.search(pattern, entry, re.MULTILINE))


def summary(programs, fusions):
    """Lines: how often each feature was drawn and each fusion took place."""
    groups = collections.defaultdict(collections.Counter)
    for program in programs:
        for group, name in set(features(program)):
            groups[group][name] += 1
    lines = [f"{group}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}"
             for group, counts in sorted(groups.items())]
    return lines + [f"fused: {fusion} {fusions[fusion]}" for fusion in FUSIONS]
