#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles routers that compute their logits themselves, and compares them with the reference evaluator bit for bit.

usage: check_gate.py MOE_COMPILE REFERENCE_LIBRARY WORK_DIR [OPTION OF MOE_COMPILE...]

The projection is a weight, which the compiler packs, or an argument, which stays as it is.
"""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated
from moe_layers import tensor

TOKENS = (37, 0, 1, 200)


@dataclasses.dataclass(frozen=True)
class Gate:
    columns: int
    width: int
    top_k: int
    clauses: str
    dtype: str = "f32"
    packed: bool = True
    tokens: int | None = None  # None: dynamic
    scores: bool = False
    counts: bool = False


# Sizes: one column, odd ones, whole panels and parts of one, more than a block of tokens has room for; narrow and odd
# tokens. Clauses: what works token by token, and what needs all of them.
SIZES = [(1, 1, 1), (3, 7, 2), (17, 33, 3), (64, 48, 8), (100, 5, 4), (513, 31, 10)]
GATES = [Gate(columns, width, k, "score(softmax) normalize(0.0)", dtype, scores=True)
         for columns, width, k in SIZES for dtype in ("f32", "bf16")]
GATES += [Gate(columns, width, k, "score(softmax)", dtype, packed=False)
          for columns, width, k in SIZES[2:4] for dtype in ("f32", "bf16")]
GATES += [Gate(17, 33, 3, "score(sigmoid) normalize(1.0e-20) scale(2.5)", dtype, packed, tokens)
          for tokens, dtype, packed in ((0, "f32", True), (1, "bf16", True), (1, "f32", False), (5, "bf16", False),
                                        (70, "bf16", True))]
GATES += [
    Gate(24, 9, 4, "score(sigmoid) groups<4, keep = 2, by = top2, mask = lowest>", "bf16", scores=True),
    Gate(9, 20, 2, "score(softmax) capacity<factor = 1.25, overflow = drop, first = weight>", counts=True),
    Gate(6, 11, 6, "score(softmax) expert_choice capacity<factor = 2.0, overflow = drop>", "bf16", scores=True),
    Gate(13, 40, 2, "score(sparsemixer) jitter(0.1)"),
    Gate(12, 16, 3, "noise<seed = 7, stddev = 0.5> softcap(2.0) score(sqrt_softplus)", "bf16"),
    Gate(11, 6, 3, "score(softmax) shared_experts<2, scored>", counts=True),
    Gate(10, 6, 3, "score(softmax) null_experts<2, skip>", "bf16"),
]


def write_entry(i, gate):
    weights, x = tensor(gate.columns, gate.width, gate.dtype), tensor(gate.tokens, gate.width, "f32")
    shared, null = ("shared" in gate.clauses) * 2, ("null" in gate.clauses) * 2
    slots, scored = gate.top_k + shared, "scored" in gate.clauses
    results = [tensor(gate.tokens, slots, "f32"), tensor(gate.tokens, slots, "i32")]
    extra = ""
    if gate.scores:
        results.append(tensor(gate.tokens, gate.columns, "f32"))
        extra += " with_scores"
    if gate.counts:
        results.append(tensor(gate.columns - null + shared * (not scored), "i32"))
        extra += " with_counts"
    most = max(TOKENS) if gate.tokens is None else gate.tokens
    lines = [f"%x: {x} {{moe.max_shape = array<i64: {most}, {gate.width}>}}"]
    body = ""
    weight = ""
    if gate.packed:
        weight = f"moe.weight @gate{i} : {weights} from #moe.random<seed = {i + 1}, scale = 0.5>\n"
        body = f"  %w = moe.get_weight @gate{i} : {weights}\n"
    else:
        lines.append(f"%w: {weights}")
    names = ", ".join(f"%r{n}" for n in range(len(results)))
    return (f"{weight}func.func @router{i}({', '.join(lines)}) -> ({', '.join(results)}) {{\n{body}"
            f"  {names} = moe.route %x gate(%w : {weights}) columns({gate.columns}) top_k({gate.top_k}) {gate.clauses}{extra} : "
            f"{x} -> {', '.join(results)}\n  return {names} : {', '.join(results)}\n}}\n")


def make_inputs(random, gate, tokens):
    x = random.normal(0, 1, (tokens, gate.width)).astype(np.float32)
    x[5:7] = 0  # all logits are equal
    if gate.packed:
        return [x]
    weights = random.uniform(-0.5, 0.5, (gate.columns, gate.width)).astype(np.float32)
    return [x, weights if gate.dtype == "f32" else (weights.view(np.uint32) >> 16).astype(np.uint16)]


def main():
    moe_compile, library, work, *options = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    source = work / "gates.mlir"
    source.write_text("".join(write_entry(i, gate) for i, gate in enumerate(GATES)))
    # Canonical, since that is what is compiled.
    canonical = work / "canonical.mlir"
    subprocess.run(["moe-opt", source, "--canonicalize", "-o", canonical], check=True)
    subprocess.run([moe_compile, source, "-o", work / "gates.moe", *options], check=True)
    artefact, evaluated = Artefact(work / "gates.moe"), Evaluated(library, canonical)
    failures = 0
    for i, gate in enumerate(GATES):
        random = np.random.default_rng(i)
        for tokens in TOKENS if gate.tokens is None else [gate.tokens]:
            inputs = make_inputs(random, gate, tokens)
            expected = evaluated.call(f"router{i}", inputs)
            for split in (run_whole, run_split):
                got = artefact.call(f"router{i}", inputs, split)
                for n, (want, have) in enumerate(zip(expected, got, strict=True)):
                    if want.tobytes() != have.tobytes():
                        failures += 1
                        print(f"FAILED: {gate}, {tokens} tokens, result {n}: expected\n{want}\ngot\n{have}")
    evaluated.close()
    if failures:
        sys.exit(f"FAILED: {failures} times")
    print(f"ok {len(GATES)} routers")


main()
