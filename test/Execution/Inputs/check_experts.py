#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the feed-forward bodies of published families and compares what the code computes with numpy.

usage: check_experts.py MOE_OPT MOE_COMPILE WORK_DIR FAMILY[,FAMILY...] [OPTION OF MOE_COMPILE...]

Ids and weights are arguments. Every number of tokens runs through the entry of dynamic T, which sorts, and some through
one of that static T; a static single token is not sorted. Checked: the family becomes as many moe.grouped_matmul as it has
products, and no loop; values are within the bound of their arithmetic; the bits are those of all tokens at once.
"""

import itertools
import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from expert_families import CONSTANTS, FAMILIES, Region, compute_shared, write_shared
from moe_layers import EXP_ERROR, U, random_data, round_to, tensor

TOKENS = (0, 1, 2, 7, 40)
# Layers take turns with these: code for each of them takes a while to compile.
STATIC_TOKENS = (0, 1, 3)
# experts, slots, D, I, dtype, how skipped pairs count: not at all, as nothing, as their token.
LAYERS = [(1, 1, 5, 3, "f32", None), (5, 2, 33, 19, "bf16", "nothing"), (7, 7, 16, 21, "f32", "token"),
          (64, 3, 20, 35, "bf16", None)]
HEADER = """#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#column = affine_map<(r, d) -> (d)>
#scalar = affine_map<(r, d) -> ()>
#row = affine_map<(r, d) -> (r)>
"""


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def get_weights(family, layer):
    experts, _, d, i, dtype, _ = layer
    weights = {name: ((experts, *shape), "f32" if name in family.vectors else dtype)
               for name, shape in family.weights(d, i).items()}
    if family.shared:
        weights |= {"shared_gate": ((i, d), dtype), "shared_up": ((i, d), dtype), "shared_down": ((d, i), dtype),
                    "shared_router": ((1, d), dtype)}
    return weights | ({"output_bias": ((d,), "f32")} if family.output_bias else {})


def write_entry(family, layer, name, tokens):
    experts, k, d, i, dtype, skipped = layer
    x_type, w_type, ids_type = (tensor(tokens, d, "f32"), tensor(tokens, k, "f32"), tensor(tokens, k, "i32"))
    limit = max(TOKENS) if tokens is None else tokens
    arguments = ", ".join(f'%{n}: {t} {{moe.name = "{n}", moe.max_shape = array<i64: {limit}, {width}>}}'
                          for n, t, width in (("x", x_type, d), ("w", w_type, k), ("ids", ids_type, k)))
    lines = [f'func.func @{name}({arguments}) -> ({x_type} {{moe.name = "y"}}) {{',
             *(f"%{n} = arith.constant {v!r} : f32" for n, v in CONSTANTS.items()), "%c0 = arith.constant 0 : index"]
    weights = get_weights(family, layer)
    lines += [f"%w_{n} = moe.get_weight @{n} : {tensor(*shape, t)}" for n, (shape, t) in weights.items()]
    region = Region(dtype)
    shapes = family.weights(d, i)
    names = {n: f"%e_{n}" for n in shapes}
    result = family.write(region, d, i, names)
    pairs = None if tokens is None else tokens * k
    rows, plan = tensor(pairs, d, "f32"), f"!moe.plan<{experts} x {k}>"
    partial = " partial" if skipped else ""
    scale = f" scale(%w : {w_type})" if family.scale_before else ""
    lines += [
        f"%rows, %plan = moe.dispatch %x, %ids experts({experts}){partial}{scale} : {x_type}, {ids_type} -> {rows}, {plan}",
        f"%y = moe.expert %rows, %plan weights({', '.join(f'%w_{n}' for n in shapes)} : "
        f"{', '.join(tensor(*weights[n][0], weights[n][1]) for n in shapes)}) {{",
        f"^bb0(%block: {tensor(None, d, 'f32')}"
        + "".join(f", {names[n]}: {tensor(*shapes[n], weights[n][1])}" for n in shapes) + "):",
        f"%v_n = tensor.dim %block, %c0 : {tensor(None, d, 'f32')}",
        *region.lines,
        f"moe.yield {result} : {tensor(None, d, 'f32')}", f"}} : {rows}, {plan} -> {rows}"]
    weight = "%w"
    if family.scale_before:
        empty = f"tensor.empty({'%t' if tokens is None else ''}) : {w_type}"
        lines += [f"%t = tensor.dim %w, %c0 : {w_type}", f"%ones_e = {empty}",
                  f"%ones = linalg.fill ins(%one : f32) outs(%ones_e : {w_type}) -> {w_type}"]
        weight = "%ones"
    start = "%x"
    if family.shared:
        shared = Region(dtype, "s")
        rows = tensor(None, d, "f32")
        y = write_shared(shared, d, i, family.shared == "gated")
        lines += [f"%tokens = tensor.cast %x : {x_type} to {rows}", f"%s_n = tensor.dim %x, %c0 : {x_type}", *shared.lines,
                  f"%start = tensor.cast {y} : {rows} to {x_type}"]
        start, rows = "%start", tensor(pairs, d, "f32")
    as_token = f" skipped(%x : {x_type})" if skipped == "token" else ""
    lines.append(f"%sum = moe.combine %y, %plan, {weight} residual({start} : {x_type}){as_token} "
                 f": {rows}, {plan}, {w_type} -> {x_type}")
    out = "%sum"
    if family.output_bias:
        lines += [f"%out = linalg.generic {{indexing_maps = [#id, #column, #id], iterator_types = [\"parallel\", \"parallel\"]}}"
                  f" ins(%sum, %w_output_bias : {x_type}, tensor<{d}xf32>) outs(%sum : {x_type}) {{",
                  f"^bb1(%a: f32, %c: f32, %o: f32):\n%r = arith.addf %a, %c : f32\nlinalg.yield %r : f32\n}} -> {x_type}"]
        out = "%out"
    return "\n".join([*lines, f"return {out} : {x_type}", "}", ""])


def compute(family, layer, data, x, w, ids):
    """Value and bound, in float64."""
    experts, k, d, i, _, skipped = layer
    value, magnitude = x.copy(), np.abs(x)
    if family.shared:
        value = compute_shared(x, data, family.shared == "gated", True)
        magnitude = compute_shared(np.abs(x), {n: np.abs(v) for n, v in data.items()}, False, False)
    for e in range(experts):
        rows, slots = np.nonzero(ids == e)
        weights = {n: data[n][e] for n in family.weights(d, i)}
        inputs, factors = x[rows], w[rows, slots, None]
        if family.scale_before:
            inputs, factors = inputs * factors, np.ones_like(factors)
        np.add.at(value, rows, factors * family.compute(inputs, weights, True))
        sizes = {n: np.abs(v) for n, v in weights.items()}
        np.add.at(magnitude, rows, np.abs(factors) * family.compute(np.abs(inputs), sizes, False))
    if skipped == "token":
        factors = np.where(ids == experts, 1.0 if family.scale_before else w, 0).sum(axis=1, keepdims=True)
        value, magnitude = value + factors * x, magnitude + factors * np.abs(x)
    if family.output_bias:
        value, magnitude = value + data["output_bias"], magnitude + np.abs(data["output_bias"])
    # Each of the products, sums and activations that a value passes through, to first order and twice that.
    return value, 2 * magnitude * (U * (2 * d + 2 * i + k + 16) + 8 * EXP_ERROR)


def check_layer(tools, options, work, family, layer, static):
    moe_opt, moe_compile = tools
    experts, k, d, _, _, skipped = layer
    text, data = [HEADER], {}
    for seed, (name, (shape, dtype)) in enumerate(get_weights(family, layer).items(), 1):
        text.append(f"moe.weight @{name} : {tensor(*shape, dtype)} from #moe.random<seed = {seed}, scale = 1.0>\n")
        data[name] = round_to(dtype, random_data(seed, 1.0, np.prod(shape, dtype=int))).reshape(shape)
    text.append(write_entry(family, layer, "any", None))
    text.append(write_entry(family, layer, f"tokens_{static}", static))
    path = work / f"{family.name}.mlir"
    path.write_text("".join(text))
    if layer == LAYERS[1]:
        pipeline = "--pass-pipeline=builtin.module(func.func(moe-sort-tokens))"
        forms = subprocess.run([moe_opt, path, pipeline], check=True, capture_output=True, text=True).stdout
        count = forms.count("moe.grouped_matmul")
        check(count == 2 * family.grouped, f"{family.name}: {count} grouped products for 2 entries")
        check("scf.for" not in forms, f"{family.name}: a loop")
    # A loaded library stays: each has a place of its own.
    directory = work / f"{family.name}-{experts}.moe"
    subprocess.run([moe_compile, path, "-o", directory, *options], check=True)
    artefact = Artefact(directory)

    rng = np.random.default_rng(3)
    x = rng.standard_normal((max(TOKENS), d)).astype(np.float32)
    w = rng.random((max(TOKENS), k)).astype(np.float32)
    ids = np.stack([rng.permutation(experts)[:k] for _ in x]).astype(np.int32)
    if skipped:
        ids[rng.random(ids.shape) < 0.3] = experts
        ids[0] = experts  # nothing to do for the first token, which is also a batch of its own
    expected, bound = compute(family, layer, data, *(a.astype(np.float64) for a in (x, w)), ids)
    (whole,) = artefact.call("any", [x, w, ids], run_whole)
    error = np.abs(whole - expected)
    check((error <= bound).all(), f"{family.name} {layer}: error {(error / bound).max():.2f} of what is allowed")
    for tokens in sorted({*TOKENS, static}):
        for entry in ("any", f"tokens_{tokens}") if tokens == static else ("any",):
            for split in (run_whole, run_split):
                (y,) = artefact.call(entry, [x[:tokens], w[:tokens], ids[:tokens]], split)
                check(y.tobytes() == whole[:tokens].tobytes(), f"{family.name} {layer}: {entry}, {tokens} tokens: other bits")
    if skipped:
        nobody = np.full_like(ids, experts)
        (y,) = artefact.call("any", [x, w, nobody], run_whole)
        value, allowed = compute(family, layer, data, *(a.astype(np.float64) for a in (x, w)), nobody)
        check((np.abs(y - value) <= allowed).all(), f"{family.name} {layer}: all pairs skipped")
    print(f"ok {family.name} {layer}: {(error / bound).max():.3f} of the allowed error")


def main():
    moe_opt, moe_compile, work, families, *options = sys.argv[1:]
    moe_opt = moe_opt.split()[0]  # without the options that lit may add
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for name in families.split(","):
        for layer, static in zip(LAYERS, itertools.cycle(STATIC_TOKENS)):
            check_layer((moe_opt, moe_compile), options, work, FAMILIES[name], layer, static)


main()
