#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles Mixture-of-Experts layers and compares what the code computes with numpy.

usage: check_layers.py MOE_COMPILE WORK_DIR BODY [OPTION OF MOE_COMPILE...]

Every number of tokens runs through the entry of dynamic T, some through one of that static T too, the work split
into ranges in two ways. Checked: the values are within the error bound of their arithmetic; the bits depend neither on the
form of the entry, nor on the split, nor on a row's neighbours, nor on fusion.
"""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from moe_layers import HEADER, Layer, random_data, reference, round_to, tensor, write_entry

TOKENS = (0, 1, 2, 7, 9, 37, 128)
# Layers take turns with these: code for each of them takes a while to compile.
STATIC_TOKENS = ((0, 2), (1, 9))
LAYERS = {
    "swiglu": [
        Layer(1, 1, 33, 19),
        Layer(5, 2, 1, 1),
        Layer(7, 7, 31, 65, residual=False),
        Layer(64, 8, 75, 37),
        Layer(5, 3, 97, 33, "bf16"),
        Layer(64, 1, 35, 51, "bf16"),
    ],
    "bias": [Layer(1, 1, 17, 5), Layer(7, 3, 33, 19), Layer(64, 6, 21, 35, "bf16")],
    "adapter": [Layer(1, 1, 17, 5), Layer(7, 3, 33, 19), Layer(9, 9, 3, 2), Layer(16, 1, 21, 35, "bf16")],
    "nested": [Layer(1, 1, 17, 5), Layer(5, 2, 33, 19), Layer(7, 7, 21, 11, "bf16", residual=False)],
}

def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def check_layer(moe_compile, options, work, layer, static):
    data, text = {}, [HEADER]
    for seed, (name, (shape, dtype)) in enumerate(layer.weights().items(), 1):
        text.append(f"moe.weight @{name} : {tensor(*shape, dtype)} from #moe.random<seed = {seed}, scale = 0.5>\n")
        data[name] = round_to(dtype, random_data(seed, 0.5, np.prod(shape))).reshape(shape)
    text.append(write_entry(layer, "any", None))
    text += [write_entry(layer, f"tokens_{tokens}", tokens) for tokens in static]
    (work / "layer.mlir").write_text("".join(text))
    subprocess.run([moe_compile, work / "layer.mlir", "-o", work / f"{layer}.moe", *options], check=True)
    artefact = Artefact(work / f"{layer}.moe")
    command = [moe_compile, work / "layer.mlir", "-o", work / f"{layer}-unfused.moe", "--fuse=false", *options]
    subprocess.run(command, check=True)
    unfused = Artefact(work / f"{layer}-unfused.moe")

    x = np.random.default_rng(7).standard_normal((max(TOKENS), layer.dim)).astype(np.float32)
    x[1] = x[0]  # a batch whose sequences need the same experts
    expected, bound, clear = reference(layer, data, x.astype(np.float64))
    check(clear.mean() > 0.9, f"{layer}: {clear.mean():.0%} of the rows are clear")
    (whole,) = artefact.call("any", [x], run_whole)
    error = np.abs(whole - expected)
    check((error <= bound)[clear].all(), f"{layer}: error {(error / bound)[clear].max():.2f} of what is allowed")
    check((whole[1] == whole[0]).all(), f"{layer}: equal rows, different results")
    for entry, tokens in (("any", max(TOKENS)), *((f"tokens_{tokens}", tokens) for tokens in static)):
        (y,) = unfused.call(entry, [x[:tokens]], run_split)
        check(y.tobytes() == whole[:tokens].tobytes(), f"{layer}: entry {entry} without fusion: other bits")
    for tokens in TOKENS:
        for entry in ("any", f"tokens_{tokens}") if tokens in static else ("any",):
            for split in (run_whole, run_split):
                (y,) = artefact.call(entry, [x[:tokens]], split)
                check(y.tobytes() == whole[:tokens].tobytes(), f"{layer}: entry {entry}, {tokens} tokens: other bits")
    print(f"ok {layer}: {(error / bound)[clear].max():.3f} of the allowed error")


def main():
    moe_compile, work, body, *options = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for i, layer in enumerate(LAYERS[body]):
        check_layer(moe_compile, options, work, dataclasses.replace(layer, body=body), STATIC_TOKENS[i % 2])


main()
