#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles Mixture-of-Experts layers and compares what the code computes with numpy.

usage: check_layers.py MOE_COMPILE WORK_DIR BODY

Every number of tokens runs through the entry of dynamic T, some through one of that static T too, the work split
into ranges in two ways. Checked: the values are within the error bound of their arithmetic; the bits depend neither on the
form of the entry, nor on the split, nor on a row's neighbours.
"""

import ctypes
import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
from moe_layers import HEADER, Layer, random_data, reference, round_to, tensor, write_entry

TOKENS = (0, 1, 2, 7, 9, 37, 128)
STATIC_TOKENS = (0, 1, 2, 9)
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
    "nested": [Layer(1, 1, 17, 5), Layer(5, 2, 33, 19), Layer(7, 7, 21, 11, "bf16", residual=False)],
}

Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Tensor(ctypes.Structure):
    """moe_tensor of include/moe/Runtime/ABI.h."""

    _fields_ = [("data", ctypes.c_void_p), ("shape", ctypes.c_int64 * 8)]


class Context(ctypes.Structure):
    """moe_context of include/moe/Runtime/ABI.h."""


ParallelFor = ctypes.CFUNCTYPE(
    None, ctypes.POINTER(Context), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
Context._fields_ = [("parallel_for", ParallelFor), *((n, ctypes.c_void_p) for n in ("weights", "kv", "arena", "runtime"))]


@ParallelFor
def run_whole(context, kernel, captures, units, grain):
    Kernel(kernel)(captures, 0, units)


@ParallelFor
def run_split(context, kernel, captures, units, grain):
    """The smallest ranges that are allowed, last one first."""
    begins = list(range(0, units - grain + 1, grain)) or [0]
    for begin, end in reversed(list(zip(begins, [*begins[1:], units], strict=True))):
        Kernel(kernel)(captures, begin, end)


def aligned(size):
    buffer = np.full(size + 64, 0xA5, dtype=np.uint8)  # scratch means nothing before it is written
    return buffer[-buffer.ctypes.data % 64:][:size]


class Artefact:
    def __init__(self, directory):
        self.manifest = json.loads((directory / "manifest.json").read_text())
        self.code = ctypes.CDLL(str(directory / "code.so"))
        self.weights = aligned((directory / "weights.bin").stat().st_size)
        self.weights[:] = np.fromfile(directory / "weights.bin", dtype=np.uint8)

    def call(self, entry, x, parallel_for):
        arena = aligned(self.manifest["memory"]["arena_bytes"])
        context = Context(parallel_for, self.weights.ctypes.data, None, arena.ctypes.data, None)
        x = np.ascontiguousarray(x, dtype=np.float32)
        y = np.full_like(x, np.nan)
        shape = (ctypes.c_int64 * 8)(*x.shape)
        tensors = (Tensor * 2)(Tensor(x.ctypes.data, shape), Tensor(y.ctypes.data, shape))
        getattr(self.code, self.manifest["entries"][entry]["symbol"])(ctypes.byref(context), tensors)
        return y


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def check_layer(moe_compile, work, layer):
    data, text = {}, [HEADER]
    for seed, (name, (shape, dtype)) in enumerate(layer.weights().items(), 1):
        text.append(f"moe.weight @{name} : {tensor(*shape, dtype)} from #moe.random<seed = {seed}, scale = 0.5>\n")
        data[name] = round_to(dtype, random_data(seed, 0.5, np.prod(shape))).reshape(shape)
    text.append(write_entry(layer, "any", None))
    text += [write_entry(layer, f"tokens_{tokens}", tokens) for tokens in STATIC_TOKENS]
    (work / "layer.mlir").write_text("".join(text))
    subprocess.run([moe_compile, work / "layer.mlir", "-o", work / f"{layer}.moe"], check=True)
    artefact = Artefact(work / f"{layer}.moe")

    x = np.random.default_rng(7).standard_normal((max(TOKENS), layer.dim)).astype(np.float32)
    x[1] = x[0]  # a batch whose sequences need the same experts
    expected, bound, clear = reference(layer, data, x.astype(np.float64))
    check(clear.mean() > 0.9, f"{layer}: {clear.mean():.0%} of the rows are clear")
    whole = artefact.call("any", x, run_whole)
    error = np.abs(whole - expected)
    check((error <= bound)[clear].all(), f"{layer}: error {(error / bound)[clear].max():.2f} of what is allowed")
    check((whole[1] == whole[0]).all(), f"{layer}: equal rows, different results")
    for tokens in TOKENS:
        for entry in ("any", f"tokens_{tokens}") if tokens in STATIC_TOKENS else ("any",):
            for split in (run_whole, run_split):
                y = artefact.call(entry, x[:tokens], split)
                check(y.tobytes() == whole[:tokens].tobytes(), f"{layer}: entry {entry}, {tokens} tokens: other bits")
    print(f"ok {layer}: {(error / bound)[clear].max():.3f} of the allowed error")


def main():
    moe_compile, work, body = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    work.mkdir(parents=True, exist_ok=True)
    for layer in LAYERS[body]:
        check_layer(moe_compile, work, dataclasses.replace(layer, body=body))


main()
