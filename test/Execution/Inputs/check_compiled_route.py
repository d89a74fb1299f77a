#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles routers and compares them with the reference evaluator: bit for bit with the canonical form, which is what
is compiled; with the form as written ids exactly and weights to f32 rounding.

usage: check_compiled_route.py MOE_COMPILE WORK_DIR [OPTION OF MOE_COMPILE...]

The logits have ties, numbers far apart, infinities, NaN and rows that are all one number.
"""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated
from route_cases import CASES

TOKENS = (37, 0, 1, 200)
DTYPES = {"f32": np.float32, "i32": np.int32}


def tensor(shape, dtype):
    return "tensor<" + "".join("?x" if extent is None else f"{extent}x" for extent in shape) + dtype + ">"


def argument(name, shape, dtype):
    largest = ", ".join(str(max(TOKENS) if extent is None else extent) for extent in shape)
    return f"%{name}: {tensor(shape, dtype)} {{moe.max_shape = array<i64: {largest}>}}"


def write_entry(name, case):
    logits = tensor((None, case.columns), "f32")
    types = {operand[0]: tensor(operand[2], operand[3]) for operand in case.operands}
    arguments = ", ".join([argument("z", (None, case.columns), "f32"),
                           *(argument(operand, shape, dtype) for operand, _, shape, dtype, _ in case.operands)])
    order = ("bias", "scale", "forced", "table", "shared", "step")
    operands = sorted((o for o in case.operands if o[1]), key=lambda o: order.index(o[0]))
    clauses = " ".join(clause.format(f"%{operand}", types[operand]) for operand, clause, *_ in operands)
    results = ", ".join(case.results())
    names = ", ".join(f"%r{i}" for i in range(len(case.results())))
    extra = "".join(f" {clause}" for clause, wanted in (("with_scores", case.scores), ("with_counts", case.counts)) if wanted)
    return (f"func.func @{name}({arguments}) -> ({results}) {{\n"
            f"  {names} = moe.route %z {clauses} top_k({case.top_k}) {case.clauses}{extra} : {logits} -> {results}\n"
            f"  return {names} : {results}\n}}\n")


def make_logits(random, tokens, columns):
    z = random.normal(0, 1.5, (tokens, columns)).astype(np.float32)
    for t in range(tokens):
        kind = t % 8
        if kind in (1, 2):  # many ties
            z[t] = np.round(z[t] * 2) / 2
        if kind == 3:  # saturated scores, subnormal exponentials
            z[t] *= 40
        if kind == 4:  # as close as numbers are
            z[t] = np.nextafter(np.float32(1), np.float32(2)) if t % 16 == 4 else 1
            z[t, :: 2] = 1
    if tokens > 8:
        z[5, random.integers(columns)] = np.nan
        z[6] = np.nan
        z[7, random.integers(columns)] = np.inf
        z[8, random.integers(columns)] = -np.inf
    if tokens > 16:
        z[13] = -np.inf
        z[14] = -0.0
        z[14, ::2] = 0.0
    return z


def same(want, got):
    """Bit for bit, but any NaN for a NaN."""
    if want.dtype.kind == "f":
        return ((want.view(np.uint32) == got.view(np.uint32)) | (np.isnan(want) & np.isnan(got))).all()
    return (want == got).all()


def main():
    moe_compile, work, *options = sys.argv[1:]
    library = pathlib.Path(shutil.which(moe_compile)).parent.parent / "lib" / "libmoe-reference.so"
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    source = work / "route.mlir"
    source.write_text("".join(write_entry(name, case) for name, case in CASES.items()))
    canonical = work / "canonical.mlir"
    subprocess.run(["moe-opt", source, "--canonicalize", "-o", canonical], check=True)
    subprocess.run([moe_compile, source, "-o", work / "route.moe", *options], check=True)
    artefact = Artefact(work / "route.moe")
    written, evaluated = Evaluated(library, source), Evaluated(library, canonical)
    failures = 0
    for seed, (name, case) in enumerate(CASES.items()):
        random = np.random.default_rng(seed)
        for tokens in TOKENS:
            inputs = [make_logits(random, tokens, case.columns)]
            for _, _, _, dtype, make in case.operands:
                inputs.append(np.asarray(make(random, tokens)).astype(DTYPES[dtype]))
            expected = evaluated.call(name, inputs)
            for want, got in zip(written.call(name, inputs), expected, strict=True):
                # A NaN that is not chosen spoils a softmax over all columns only.
                numbers = np.isfinite(want) & np.isfinite(got)
                exact = want.dtype.kind == "i"
                if not np.allclose(want[numbers], got[numbers], 0 if exact else 2e-6, 0 if exact else 1e-37):
                    sys.exit(f"FAILED: {name}, {tokens} tokens: the canonical form differs: {want}, {got}")
            for split in (run_whole, run_split):
                actual = artefact.call(name, inputs, split)
                for result, want, got in zip(("weights", "ids", "scores", "counts"), expected, actual, strict=False):
                    if same(want, got):
                        continue
                    failures += 1
                    t = next((t for t in range(len(want)) if not same(want[t], got[t])), 0)
                    print(f"FAILED: {name}, {tokens} tokens: {result} of token {t}: expected {want[t]}, got {got[t]}")
                    break
    evaluated.close()
    written.close()
    if failures:
        sys.exit(f"FAILED: {failures} times")
    print(f"ok {len(CASES)} routers")


main()
