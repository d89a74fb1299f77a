#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes training-goldens.npz: random inputs of the functions of training_cases.py, and PyTorch's results and gradients.

usage: make_training_goldens.py OUT.npz      (needs torch)

Formulas are in float64; inputs are f32. Arrays are called CASE/TOKENS/in0.., seed0.. (what the gradients of f32 results
are), out0.., grad0...
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from training_cases import CASES

TOKENS = (0, 1, 13)


def mean_counts(ids, mask, experts):
    """Pairs of each expert, and which tokens count."""
    chosen = F.one_hot(ids.long(), experts + 1)[..., :experts].sum(-2)
    return (chosen * mask.unsqueeze(-1)).sum(-2)


def mask_of(inputs, rows):
    return (inputs["mask"] != 0).double() if "mask" in inputs else torch.ones(rows).double()


def balance(s, scores, ids, **masks):
    mask = mask_of(masks, scores.shape[:-1])
    counts = mean_counts(ids, mask, s["experts"])
    n = mask.sum(-1, keepdim=True).clamp(min=1)
    mean = (scores * mask.unsqueeze(-1)).sum(-2) / n
    of_sequences = (counts / (n * s["k"] / s["experts"]) * mean).sum(-1)
    loss = of_sequences.sum() / max(of_sequences.numel(), 1)
    return s["scale"] * loss, counts.int()


def variation(s, scores, **masks):
    mass = (scores * mask_of(masks, scores.shape[:-1]).unsqueeze(-1)).sum(0)
    if mass.mean() == 0:
        return (mass.sum() * 0,)
    return (s["scale"] * (mass.std(correction=0) if mass.numel() > 1 else mass.sum() * 0) ** 2 / mass.mean() ** 2,)


def z(s, scores, **masks):
    mask = mask_of(masks, scores.shape[:-1])
    return (s["scale"] * (mask * scores.logsumexp(-1) ** 2).sum() / mask.sum().clamp(min=1),)


def load(s, logits, noisy):
    threshold = noisy.topk(s["k"]).values[:, -1:]
    p = 1 - torch.distributions.Normal(0, s["sigma"]).cdf(threshold - logits)
    return *variation(s, p), p


def update_bias(s, bias, counts):
    return (bias + 0.125 * torch.sign(counts.double().mean() - counts),)


SCORES = {
    "softmax": lambda z: z.softmax(-1), "sigmoid": torch.sigmoid, "softmax_topk": lambda z: z, "none": lambda z: z,
    "sqrt_softplus": lambda z: F.softplus(z).sqrt(),
}


def routed(logits, k, score, normalize=None, scale=1.0, bias=0.0, largest=False, softcap=None, groups=None,
           capacity=None, by=None):
    """Weights, ids as numbers of columns, which pairs are kept, and the scores of all columns."""
    z = logits if softcap is None else softcap * torch.tanh(logits / softcap)
    scores = SCORES[score](z)
    keys = (scores + bias).detach()
    if groups is not None:
        count, keep = groups
        members = keys.unflatten(-1, (count, -1))
        kept = F.one_hot(members.amax(-1).topk(keep).indices, count).sum(-2).bool()
        keys = members.masked_fill(~kept.unsqueeze(-1), -torch.inf).flatten(-2)
    ids = keys.topk(k).indices
    weights = scores.gather(-1, ids)
    if score == "softmax_topk":
        weights = weights.softmax(-1)
    if normalize is not None:
        total = weights.sum(-1, keepdim=True)
        weights = weights / (total.clamp(min=normalize) if largest else total + normalize)
    weights = weights * scale * (1 if by is None else by[ids])
    kept = torch.ones_like(ids, dtype=torch.bool)
    if capacity is not None:
        taken = F.one_hot(ids.flatten(), logits.shape[-1]).cumsum(0).gather(-1, ids.flatten().unsqueeze(-1))
        kept = (taken <= capacity).view(ids.shape)
    return weights * kept, ids, kept, z.softmax(-1) if score == "softmax_topk" else scores


def route(s, logits, bias=0.0, by=None):
    options = {n: s[n] for n in ("k", "score", "normalize", "scale", "largest", "softcap", "groups", "capacity") if n in s}
    weights, ids, kept, scores = routed(logits, bias=bias, by=by, **options)
    return weights, *([scores] if s["with_scores"] else []), ids.where(kept, logits.shape[-1]).int()


def scalar(s, a, b=None, c=None):
    functions = {
        "absf": torch.abs, "negf": torch.neg, "addf": torch.add, "subf": torch.sub, "mulf": torch.mul,
        "divf": torch.div, "maximumf": torch.maximum, "minimumf": torch.minimum, "maxnumf": torch.maximum,
        "minnumf": torch.minimum,
    }
    if s["function"] == "fma":
        return (a * b + c,)
    if s["function"] == "select":
        return (torch.where(a > b, b * c, c),)
    function = functions.get(s["function"]) or getattr(torch, s["function"])
    return (function(*(x for x in (a, b) if x is not None)),)


def rows(s, x, gain):
    return (x.softmax(-1) * F.rms_norm(x, x.shape[-1:], gain, eps=1e-3),)


def moved(s, x, y):
    h = x * x
    i = h.clone()
    i[2:4, 0:3] = h[1:3, 2:5] * y
    return (i * x,)


def transposes(s, x, ids, y):
    order = ids.flatten().argsort(stable=True)
    dot = (x[order // ids.shape[1]] * y.flatten(0, 1)).sum()
    return dot, dot * 1.0


def layer(s, x, router, up, down, gate=None, shift=None, target=None):
    logits = x @ router.T
    score, *options = s["score"].replace("(", " ").replace(")", "").removeprefix("score ").split()
    options = dict(zip(options[::2], map(float, options[1::2]), strict=True))
    weights, ids, *_ = routed(logits, s["k"], score, **options)
    out = x
    for e in range(router.shape[0]):
        h = F.silu(x @ gate[e].T) * (x @ up[e].T) if gate is not None else F.gelu(x @ up[e].T + shift[e])
        out = out + (h @ down[e].T) * torch.where(ids == e, weights, 0).sum(-1, keepdim=True)
    if not s["balance"]:
        return (out,)
    settings = {"experts": router.shape[0], "k": s["k"]}
    loss = ((out - target) ** 2).sum() + balance(settings | {"scale": 0.5}, logits, ids)[0]
    return (loss + z(settings | {"scale": 0.25}, logits)[0] + variation(settings | {"scale": 0.125}, weights)[0],)


FORMULAS = {f.__name__: f for f in (
    balance, variation, z, load, update_bias, route, scalar, rows, moved, transposes, layer)}


def make_input(case, name, kind, tokens, generator):
    *extents, dtype = kind[len("tensor<"):-1].split("x")
    shape = [tokens if e == "?" else int(e) for e in extents]
    if name == "mask":
        return torch.randint(0, 2, shape, generator=generator, dtype=torch.int32)
    if name == "counts":
        return torch.randint(0, 4, shape, generator=generator, dtype=torch.int32)
    if dtype == "i32":
        # Distinct experts, the last of which nobody chooses where there is a choice.
        experts, k = case.settings["experts"], shape[-1]
        drawn = torch.rand(*shape[:-1], max(experts - 1, k), generator=generator)
        ids = drawn.argsort(-1)[..., :k].int()
        if case.settings["kind"] == "balance" and ids.numel() > k:
            ids.view(-1)[0] = experts  # a skipped pair
        return ids
    values = torch.randn(shape, generator=generator)
    if case.settings["kind"] in ("balance", "variation") and name == "scores":
        return values.softmax(-1)
    if case.settings["kind"] == "scalar" and case.settings["function"] in ("log", "log1p", "sqrt", "rsqrt"):
        return values.abs() + 0.1
    if case.settings["kind"] == "layer" and name not in ("x", "target"):
        return values * 0.5
    return values


def make(case, tokens, arrays):
    generator = torch.Generator().manual_seed(1 + len(arrays))
    inputs = {name: make_input(case, name, kind, tokens, generator) for name, kind in case.arguments.items()}
    wide = {n: x.double().requires_grad_() if x.is_floating_point() else x for n, x in inputs.items()}
    results = FORMULAS[case.settings["kind"]](case.settings, **wide)
    prefix = f"{case.name}/{tokens}"
    for i, value in enumerate(inputs.values()):
        arrays[f"{prefix}/in{i}"] = value.numpy()
    seeds = [torch.randn(r.shape, generator=generator) for r in results if r.is_floating_point()]
    for i, seed in enumerate(seeds):
        arrays[f"{prefix}/seed{i}"] = seed.numpy()
    for i, value in enumerate(results):
        value = value.detach()
        arrays[f"{prefix}/out{i}"] = (value.float() if value.is_floating_point() else value.int()).numpy()
    total = sum((r * g.double()).sum() for r, g in
                zip((r for r in results if r.is_floating_point()), seeds, strict=True))
    leaves = [x for x in wide.values() if x.is_floating_point()]
    grads = torch.autograd.grad(total, leaves, allow_unused=True)
    for i, (leaf, grad) in enumerate(zip(leaves, grads, strict=True)):
        arrays[f"{prefix}/grad{i}"] = (torch.zeros_like(leaf) if grad is None else grad).detach().float().numpy()


def check_against_transformers():
    """The formula of the batch-level loss is transformers' own, divided by k."""
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    logits = torch.randn(40, 8, dtype=torch.float64)
    want = load_balancing_loss_func((logits,), 8, 2)
    ids = logits.topk(2).indices
    got, _ = balance({"experts": 8, "k": 2, "scale": 2.0}, logits.softmax(-1), ids)
    assert torch.allclose(got, want.double()), (got, want)


def main():
    arrays = {}
    for case in CASES:
        dynamic = any("?" in kind for kind in case.arguments.values())
        for tokens in TOKENS if dynamic else (0,):
            make(case, tokens, arrays)
    check_against_transformers()
    np.savez_compressed(sys.argv[1], **arrays)
    print(f"{len(CASES)} functions, {len(arrays)} arrays")


main()
