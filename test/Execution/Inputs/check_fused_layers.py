#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares whole layers compiled with fusions, compiled without, and evaluated, bit by bit.

usage: check_fused_layers.py MOE_COMPILE REFERENCE WORK_DIR LAYER.mlir... [OPTION OF MOE_COMPILE...]

A layer has the entries `prefill` (any number of tokens) and `decode` (one). Compiled code has its own exponential, which
the evaluator has not; so each layer is checked a second time with the absolute value in its place, against both.
"""

import pathlib
import re
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated

TOKENS = (0, 1, 2, 9, 40)


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def check_layer(moe_compile, reference, work, name, text, options):
    """Fused against unfused; against the evaluator where `reference` is given."""
    path = work / f"{name}.mlir"
    path.write_text(text)
    artefacts = []
    for fuse in ("true", "false"):
        out = work / f"{name}.{fuse}.moe"
        subprocess.run([moe_compile, path, "-o", out, f"--fuse={fuse}", *options], check=True)
        artefacts.append(Artefact(out))
    evaluated = None
    if reference:
        # In its canonical form, in which a route may divide by other sums.
        graph = work / f"{name}.graph.mlir"
        subprocess.run([moe_compile, path, "-o", graph, "--compile-to=graph"], check=True)
        evaluated = Evaluated(reference, graph)
    random = np.random.default_rng(5)
    for tokens in TOKENS:
        x = random.standard_normal((tokens, 12)).astype(np.float32)
        for entry in ("prefill", "decode") if tokens == 1 else ("prefill",):
            expected = evaluated.call(entry, [x]) if evaluated else artefacts[1].call(entry, [x], run_whole)
            check(all(np.isfinite(y).all() for y in expected), f"{name} {entry} of {tokens}: numbers")
            for artefact, kind in zip(artefacts, ("fused", "unfused"), strict=True):
                for run in (run_whole, run_split):
                    results = artefact.call(entry, [x], run)
                    check([y.tobytes() for y in results] == [y.tobytes() for y in expected],
                          f"{name} {entry} of {tokens} tokens, {kind}: other bits")
    if evaluated:
        evaluated.close()


def main():
    moe_compile, reference, work, *rest = sys.argv[1:]
    layers = [pathlib.Path(p) for p in rest if p.endswith(".mlir")]
    options = [p for p in rest if not p.endswith(".mlir")]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for layer in layers:
        # What the tests of passes evaluate has no argument that bounds its result.
        text = re.sub(r"func.func @tokens.*?\n}\n", "", layer.read_text(), flags=re.DOTALL)
        if "math.exp" in text:
            check_layer(moe_compile, None, work, layer.stem, text, options)
        check_layer(moe_compile, reference, work, f"{layer.stem}-exact", text.replace("math.exp", "math.absf"), options)
        print(f"ok {layer.stem}")


main()
