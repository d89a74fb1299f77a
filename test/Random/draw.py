# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws random programs."""

import dataclasses
import random

from draw_route import draw_route
from expected import ACTIVATIONS
from expert_text import OTHERS
from programs import MOST_ALWAYS, Body, Program, Shapes, Shared


def draw_shapes(rng):
    experts = rng.choice([1, 2, 3, 5, 8, 16, 17, 64])
    return Shapes(experts, rng.choice([1, 8, 31, 33, 48]), rng.choice([1, 7, 16, 33]), rng.choice(["f32", "f32", "bf16"]),
                  out=rng.choice([1, 5, 40]), second=rng.choice([1, 4, 20]), router=rng.choice(["f32", "f32", "bf16"]),
                  keys=rng.choice(["one", "one", "each"]), narrow=rng.random() < 0.2)


def draw_body(rng, others):
    """`others`: what such an expert may do besides what grouped products compute."""
    body = Body(rng.choice(["gated", "gated", "gated", "plain", "interleaved", "columns", "columns", "halves"]),
                rng.choice(list(ACTIVATIONS)), bias=rng.random() < 0.3, clamp=rng.random() < 0.25, adapter=rng.random() < 0.15,
                layout=rng.choice(["nk", "nk", "nk", "kn", "turned"]))
    if body.form == "interleaved":
        body = dataclasses.replace(body, adapter=False)
    chance = rng.random()
    if chance < 0.15:
        other = rng.choice(others)
        body = dataclasses.replace(body, other=other)
        if other == "nested":
            body = Body(other=other)
        if other == "cut":
            body = Body(rng.choice(["gated", "plain"]), body.activation, other=other)
    elif chance < 0.2:
        body = dataclasses.replace(body, other="call")
    return body


def draw_shared(rng, body):
    """An expert of all tokens, often the same function as the routed ones'."""
    alike = body.other not in ("nested", "cut", "accumulates") and rng.random() < 0.75
    if not alike:
        body = Body("gated", rng.choice(list(ACTIVATIONS)))
    if body.other == "call":
        body = dataclasses.replace(body, other="none")
    return Shared(body, rng.choice(["after", "after", "before", "start"]), gate=rng.random() < 0.2, wide=rng.random() < 0.1)


def draw_layer(rng, shapes, partial):
    """What stands around the route, and around the experts."""
    entry = rng.choice(["rows", "rows", "norm", "added"])
    scale_before = rng.random() < 0.15
    out = partial != "identity" and rng.random() < 0.1
    residual = "none" if out else rng.choice(["none", "start", "start", "after"])
    second = "none" if out else rng.choice(["none", "none", "none", "none", "sum", "stream", "stream"])
    others = [other for other in OTHERS if not (other == "accumulates" and out)]
    others = [other for other in others if other != "nested" or (entry == "rows" and not scale_before and not out)]
    body = draw_body(rng, others)
    shared = tuple(draw_shared(rng, body) for _ in range(rng.choice([0, 0, 0, 1, 1, 2])))
    return {"entry": entry, "normed_gate": entry != "rows" and rng.random() < 0.6, "norm": rng.choice(["rms", "lanes", "layer"]),
            "body": body, "chain": not out and rng.random() < 0.08, "out": out, "residual": residual, "shared": shared, "scale_before": scale_before, "second": second,
            "own_route": second != "none" and rng.random() < 0.4,
            "post": rng.choice(["none", "none", "none", "none", "norm", "none" if out else "add"]), "hidden": rng.random() < 0.2}


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
    layer = draw_layer(rng, shapes, partial)
    return Program(
        shapes, k, tokens=rng.choice([None, None, 0, 1, 1, 2, 5, 33]), route=route, null=null, always=always,
        num_always=num_always, ids=ids, noise_step="noise" in route and rng.random() < 0.5, scores=rng.random() < 0.1,
        counts=rng.random() < 0.15, expert_scale=rng.random() < 0.15, selection_bias=rng.random() < 0.3,
        choice=rng.random() < (0.25 if layer["shared"] else 0.5), logits=rng.choice(["product"] * 5 + ["turned", "offset", "given", "read"]), partial=partial, **layer)


def draw_module(seed, count):
    rng = random.Random(seed)
    shapes = draw_shapes(rng)
    return [draw(rng, shapes) for _ in range(count)]
