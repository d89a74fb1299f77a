#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorts ids in every form of moe.sort_tokens and compares with numpy:

check_sorting.py MOE_COMPILE MOE_REFERENCE_LIBRARY WORK_DIR

Each sort is an entry of its own, run as compiled code (whole, and split into ranges that run last one first) and by
the reference evaluator."""

import itertools
import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated

random = np.random.default_rng(11)


class Sort:
    """T = None: any number of tokens, one slot each, so that the order is as long as the ids."""

    def __init__(self, tokens, top_k, experts, partial=False, block=None, chunk=None):
        self.tokens, self.top_k, self.experts = tokens, top_k, experts
        self.partial, self.block, self.chunk = partial, block, chunk
        words = [f"t{tokens}", f"k{top_k}", f"e{experts}", "partial" * partial, f"b{block}" * bool(block),
                 f"c{chunk}" * bool(chunk)]
        self.name = "sort_" + "_".join(word for word in words if word)

    def rows(self, pairs):
        n = self.block or 1
        return -(-(pairs + self.experts * (n - 1)) // n) * n

    def text(self):
        tokens = "?" if self.tokens is None else str(self.tokens)
        order = "?" if self.tokens is None else str(self.rows(self.tokens * self.top_k))
        ids, types = f"tensor<{tokens}x{self.top_k}xi32>", (f"tensor<{self.experts + 1}xi32>", f"tensor<{order}xi32>")
        bound = "{moe.max_shape = array<i64: 3000, 1>}" if self.tokens is None else ""
        size = "%t" if self.tokens is None else ""
        form = f"{'partial ' * self.partial}" + (f"block({self.block}) " if self.block else "") + (
            f"chunk({self.chunk}) " if self.chunk else "")
        return f"""
func.func @{self.name}(%ids: {ids} {bound}) -> ({types[0]}, {types[1]}, {ids}) {{
  %c0 = arith.constant 0 : index
  %t = tensor.dim %ids, %c0 : {ids}
  %a = tensor.empty() : {types[0]}
  %b = tensor.empty({size}) : {types[1]}
  %c = tensor.empty({size}) : {ids}
  %0:3 = moe.sort_tokens %ids experts({self.experts}) {form}outs(%a, %b, %c : {types[0]}, {types[1]}, {ids}) : {ids}
  return %0#0, %0#1, %0#2 : {types[0]}, {types[1]}, {ids}
}}
"""

    def expected(self, ids):
        """Offsets, order and inverse, from a stable sort of the pairs."""
        n, pairs = self.block or 1, ids.reshape(-1)
        order = np.full(self.rows(len(pairs)), -1, np.int32)
        inverse, offsets, row = np.empty(len(pairs), np.int32), [], 0
        for expert in range(self.experts + 1):
            row = -(-row // n) * n
            offsets.append(row)
            for pair in np.flatnonzero(pairs == expert):
                order[row], inverse[pair] = pair, row
                row += 1
        return [np.array(offsets, np.int32), order, inverse.reshape(ids.shape)]

    def inputs(self):
        """Random ids, all tokens on one expert, and the other way round: all skipped, or on the last expert."""
        for tokens in [0, 1, 7, 3000] if self.tokens is None else [self.tokens]:
            shape, last = (tokens, self.top_k), self.experts - 1 + self.partial
            yield random.integers(0, last + 1, shape).astype(np.int32)
            yield np.zeros(shape, np.int32)
            yield np.full(shape, last, np.int32)


def sorts():
    forms = itertools.product((False, True), (None, 4), (None, 1, 5, 64))
    for (partial, block, chunk), (tokens, top_k, experts) in itertools.product(
            forms, [(0, 2, 3), (1, 1, 1), (9, 2, 1), (10, 3, 7), (64, 2, 5)]):
        yield Sort(tokens, top_k, experts, partial, block, chunk)
    for partial, chunk in itertools.product((False, True), (None, 256)):
        yield Sort(None, 1, 6, partial, None, chunk)
    yield Sort(700, 8, 64, True, 16, 1024)


def main():
    moe_compile, library, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    cases = list(sorts())
    source = work / "sorts.mlir"
    source.write_text("".join(case.text() for case in cases))
    subprocess.run([moe_compile, source, "-o", work / "sorts.moe"], check=True)
    artefact, reference = Artefact(work / "sorts.moe"), Evaluated(library, source)
    runs = {"whole": lambda *call: artefact.call(*call, run_whole), "split": lambda *call: artefact.call(*call, run_split),
            "reference": reference.call}
    for case in cases:
        for ids in case.inputs():
            for how, run in runs.items():
                for name, want, got in zip(("offsets", "order", "inverse"), case.expected(ids), run(case.name, [ids]), strict=True):
                    if not np.array_equal(want, got):
                        sys.exit(f"FAILED: {case.name}, {how}, {name} of {ids.tolist()}: expected {want}, got {got}")
    print(f"ok {len(cases)} sorts")


main()
