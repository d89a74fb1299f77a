#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles entries.mlir and compares each entry with numpy: check_entries.py MOE_COMPILE WORK_DIR [OPTION...]"""

import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from moe_layers import random_data

f32 = np.float32
random = np.random.default_rng(7)


def numbers(*shape):
    return random.standard_normal(shape).astype(f32)


def bf16(values):
    """Bits of values that bf16 holds exactly."""
    return (np.array(values, dtype=f32).view(np.uint32) >> 16).astype(np.uint16)


def wide(bits):
    return (bits.astype(np.uint32) << 16).view(f32)


def strided(x):
    rows = x[:, 5:24]
    ids = np.argsort(-rows, axis=1, kind="stable")[:, :3].astype(np.int32)
    weights = 1 / (1 + np.exp(-np.take_along_axis(rows, ids, axis=1)))
    return rows @ random_data(1, 1.0, 37 * 19).reshape(37, 19).T, weights, ids


def counted(x, n):
    end = min(n[0], 5)
    y = (end + 1) * x
    y[end] = end * x[end - 1] if end else 0
    return [y]


def experts(x, ids, scores, w):
    products = np.einsum("td,tsfd->tsf", x, wide(w)[ids])
    return [(scores[..., None] * products).sum(axis=1)]


VECTOR = np.array([1, 2, 3, 4], f32)
MATRIX = np.arange(1, 13, dtype=f32).reshape(3, 4)
WEIGHTS = [
    np.array([[1.0, -2.5, 3.0e-40], [0.1, 1.0e30, -0.0]], f32),
    bf16([[1.0, -2.5, 3.0], [0.5, 0.0, -0.0]]),
    np.array([1, -2, 2**31 - 1], np.int32),
    np.full((5, 7), 2, f32),
]
WEIGHTS[1][1, 1] = 0x714A  # 1e30, rounded to nearest

ENTRIES = {
    "weights": lambda: WEIGHTS,
    "constants": lambda x: [x + VECTOR, VECTOR, x @ MATRIX.T],
    "arguments": lambda x: [x, x],
    "twice": lambda x: [x * x, -(x * x), x * x],
    "scalar": lambda x: [x * x],
    "nothing": lambda: [],
    "slices": lambda x: [x[:, 1:38], x[:, 1:38] ** 2, np.hstack([x, x[:, [0, 2]]])],
    "strided": strided,
    "bools": lambda x: [np.where(x < 0, -2 * x, x)],
    "branch": lambda x, n: [-x, x] if n[0] else [x, -x],
    "counted": counted,
    "changed": lambda x: [-x * x, -x],
    "weights_as_arguments": experts,
}


def inputs(tokens):
    x = numbers(tokens, 40)
    return {
        "constants": [[numbers(tokens, 4)]],
        "arguments": [[numbers(tokens, 4)]],
        "twice": [[numbers(37)]],
        "scalar": [[numbers(1)[0]]],
        "slices": [[x]],
        "strided": [[x]],
        "bools": [[numbers(37)]],
        "branch": [[numbers(37), np.array([n])] for n in (0, 1)],
        "changed": [[numbers(37)]],
        "counted": [[numbers(37), np.array([n])] for n in (0, 1, 4, 9)],
        "weights_as_arguments": [
            [numbers(tokens, 5), random.integers(0, 3, (tokens, 2)).astype(np.int32), numbers(tokens, 2),
             bf16(random.integers(-8, 8, (3, 7, 5)))]],
    }


def main():
    moe_compile, work = sys.argv[1], pathlib.Path(sys.argv[2])
    source = pathlib.Path(__file__).with_name("entries.mlir")
    subprocess.run([moe_compile, source, "-o", work, *sys.argv[3:]], check=True)
    artefact = Artefact(work)
    for tokens in (0, 1, 3, 40):
        calls = inputs(tokens)
        for entry, formula in ENTRIES.items():
            for arguments in calls.get(entry, [[]]):
                expected = formula(*arguments)
                for split in (run_whole, run_split):
                    actual = artefact.call(entry, arguments, split)
                    for i, (want, got) in enumerate(zip(expected, actual, strict=True)):
                        if want.shape != got.shape or not np.allclose(want, got, rtol=1e-5, atol=1e-5):
                            sys.exit(f"FAILED: {entry}, {tokens} tokens, result {i}: expected\n{want}\ngot\n{got}")
    print(f"ok {len(ENTRIES)} entries")


main()
