# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The feed-forward bodies of published families, as text of moe.expert's region and as numpy.

A numpy body runs in float64. With `magnitude` it runs on absolute values and with activations, none of which is larger
than its argument, left out: what rounding errors are relative to.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


class Region:
    """Writes one expert's region, or a shared expert; each method returns the name of its value."""

    def __init__(self, dtype, prefix="v"):
        self.dtype, self.lines, self.prefix = dtype, [], prefix

    def value(self, text):
        self.lines.append(f"%{self.prefix}{len(self.lines)} = {text}")
        return f"%{self.prefix}{len(self.lines) - 1}"

    def empty(self, width):
        return self.value(f"tensor.empty(%{self.prefix}_n) : tensor<?x{width}xf32>")

    def product(self, x, w, k, n, transposed=True):
        """Rows times `w`, [n, k] if transposed and else [k, n]."""
        out = f"tensor<?x{n}xf32>"
        zeros = self.value(f"linalg.fill ins(%zero : f32) outs({self.empty(n)} : {out}) -> {out}")
        maps = "indexing_maps = [#lhs, #rhs, #out] " if transposed else ""
        shape = f"{n}x{k}" if transposed else f"{k}x{n}"
        return self.value(f"linalg.matmul {maps}ins({x}, {w} : tensor<?x{k}xf32>, tensor<{shape}x{self.dtype}>) "
                          f"outs({zeros} : {out}) -> {out}")

    def columns(self, x, width, first, count, stride=1):
        return self.value(f"tensor.extract_slice {x}[0, {first}] [%{self.prefix}_n, {count}] [1, {stride}] "
                          f": tensor<?x{width}xf32> to tensor<?x{count}xf32>")

    def map(self, width, operands, body):
        """`operands`: names of rows, or (name, type) of vectors and scalars of the expert. `body` names them %a0, .."""
        names, types, maps = [], [], []
        for operand in operands:
            if isinstance(operand, str):
                names.append(operand), types.append(f"tensor<?x{width}xf32>"), maps.append("#id")
            else:
                names.append(operand[0]), types.append(operand[1])
                maps.append("#column" if "x" in operand[1].replace("tensor<", "").split("f32")[0] else "#scalar")
        arguments = ", ".join(f"%a{i}: f32" for i in range(len(names)))
        out = f"tensor<?x{width}xf32>"
        return self.value(
            f"linalg.generic {{indexing_maps = [{', '.join([*maps, '#id'])}], iterator_types = [\"parallel\", \"parallel\"]}} "
            f"ins({', '.join(names)} : {', '.join(types)}) outs({self.empty(width)} : {out}) {{\n"
            f"^bb0({arguments}, %o: f32):\n{body}\nlinalg.yield %r : f32\n}} -> {out}")


SILU = """%m = arith.negf {0} : f32
%e = math.exp %m : f32
%d = arith.addf %one, %e : f32
%act = arith.divf {0}, %d : f32
"""
GELU = """%h = arith.mulf {0}, %sqrt_half : f32
%f = math.erf %h : f32
%g = arith.addf %one, %f : f32
%i = arith.mulf {0}, %half : f32
%act = arith.mulf %i, %g : f32
"""
GELU_TANH = """%q = arith.mulf {0}, {0} : f32
%c = arith.mulf %q, {0} : f32
%s = arith.mulf %c, %cubic : f32
%t = arith.addf {0}, %s : f32
%u = arith.mulf %t, %sqrt_2_pi : f32
%f = math.tanh %u : f32
%g = arith.addf %one, %f : f32
%i = arith.mulf {0}, %half : f32
%act = arith.mulf %i, %g : f32
"""
TIMES = "%r = arith.mulf %act, %a1 : f32"
ADD = "%r = arith.addf %a0, %a1 : f32"
RELU = "%r = arith.maximumf %a0, %zero : f32"
RELU2 = "%p = arith.maximumf %a0, %zero : f32\n%r = arith.mulf %p, %p : f32"
GPT_OSS = """%gl = arith.minimumf %a0, %seven : f32
%ul = arith.minimumf %a1, %seven : f32
%z = arith.maximumf %ul, %minus_seven : f32
%s = arith.mulf %gl, %alpha : f32
%m = arith.negf %s : f32
%e = math.exp %m : f32
%d = arith.addf %one, %e : f32
%act = arith.divf %gl, %d : f32
%u = arith.addf %z, %one : f32
%r = arith.mulf %act, %u : f32"""
CONSTANTS = {"zero": 0.0, "one": 1.0, "half": 0.5, "sqrt_half": math.sqrt(0.5), "sqrt_2_pi": math.sqrt(2 / math.pi),
             "cubic": 0.044715, "seven": 7.0, "minus_seven": -7.0, "alpha": 1.702}


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@dataclasses.dataclass(frozen=True)
class Family:
    name: str
    weights: Callable  # (D, I) -> {name: shape of one expert}, in the order of the region's arguments
    write: Callable  # (Region, D, I, argument names) -> name of the result
    compute: Callable  # (x, weights, activation or None for magnitudes) -> rows
    grouped: int  # how many moe.grouped_matmul it becomes
    scale_before: bool = False
    output_bias: bool = False
    shared: str = ""  # an expert that every token takes: "plain", or "gated" by a sigmoid
    vectors: tuple = ()  # weights that stay f32


def std(d, i):
    return {"gate": (i, d), "up": (i, d), "down": (d, i)}


def gated(activation):
    def write(r, d, i, w):
        a, b = r.product("%block", w["gate"], d, i), r.product("%block", w["up"], d, i)
        return r.product(r.map(i, [a, b], activation.format("%a0") + TIMES), w["down"], i, d)

    return write


def compute_gated(activation):
    def compute(x, w, exact):
        act = activation if exact else np.abs
        return (act(x @ w["gate"].T) * (x @ w["up"].T)) @ w["down"].T

    return compute


def write_concatenated(r, d, i, w, transposed=True):
    h = r.product("%block", w["gate_up"], d, 2 * i, transposed)
    a, b = r.columns(h, 2 * i, 0, i), r.columns(h, 2 * i, i, i)
    return r.product(r.map(i, [a, b], SILU.format("%a0") + TIMES), w["down"], i, d, transposed)


def compute_concatenated(x, w, exact):
    gate, up = np.split(x @ w["gate_up"].T, 2, axis=1)
    return ((silu if exact else np.abs)(gate) * up) @ w["down"].T


def compute_llama4(x, w, exact):
    gate, up = np.split(x @ w["gate_up"], 2, axis=1)
    return ((silu if exact else np.abs)(gate) * up) @ w["down"]


def write_gpt_oss(r, d, i, w):
    h = r.product("%block", w["gate_up"], d, 2 * i, transposed=False)
    biased = r.map(2 * i, [h, (w["bias"], f"tensor<{2 * i}xf32>")], ADD)
    gate, up = r.columns(biased, 2 * i, 0, i, 2), r.columns(biased, 2 * i, 1, i, 2)
    y = r.product(r.map(i, [gate, up], GPT_OSS), w["down"], i, d, transposed=False)
    return r.map(d, [y, (w["down_bias"], f"tensor<{d}xf32>")], ADD)


def compute_gpt_oss(x, w, exact):
    h = x @ w["gate_up"] + w["bias"]
    gate, up = h[:, ::2], h[:, 1::2]
    if exact:
        gate, up = np.minimum(gate, 7), np.clip(up, -7, 7)
        gate = gate / (1 + np.exp(-1.702 * gate))
    return ((up + 1) * gate) @ w["down"] + w["down_bias"]


def write_nllb(r, d, i, w):
    h = r.map(i, [r.product("%block", w["fc1"], d, i), (w["b1"], f"tensor<{i}xf32>")], ADD)
    y = r.product(r.map(i, [h], RELU), w["fc2"], i, d)
    return r.map(d, [y, (w["b2"], f"tensor<{d}xf32>")], ADD)


def compute_nllb(x, w, exact):
    h = x @ w["fc1"].T + w["b1"]
    return np.maximum(h, 0) @ w["fc2"].T + w["b2"]


def write_dbrx(r, d, i, w):
    a, b = r.product("%block", w["w1"], d, i), r.product("%block", w["v1"], d, i)
    return r.product(r.map(i, [a, b], SILU.format("%a0") + TIMES), w["w2"], i, d, transposed=False)


def write_shared(r, d, i, gated):
    """The rows of a shared expert, on rows %tokens."""
    a, b = r.product("%tokens", "%w_shared_gate", d, i), r.product("%tokens", "%w_shared_up", d, i)
    y = r.product(r.map(i, [a, b], SILU.format("%a0") + TIMES), "%w_shared_down", i, d)
    if not gated:
        return y
    scores = r.value(f"tensor.collapse_shape {r.product('%tokens', '%w_shared_router', d, 1)} [[0, 1]] "
                     ": tensor<?x1xf32> into tensor<?xf32>")
    rows = f"tensor<?x{d}xf32>"
    return r.value(
        "linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = [\"parallel\", \"parallel\"]} "
        f"ins({y}, {scores} : {rows}, tensor<?xf32>) outs({r.empty(d)} : {rows}) {{\n"
        "^bb0(%a0: f32, %a1: f32, %o: f32):\n%m = arith.negf %a1 : f32\n%e = math.exp %m : f32\n"
        f"%d = arith.addf %one, %e : f32\n%r = arith.divf %a0, %d : f32\nlinalg.yield %r : f32\n}} -> {rows}")


def compute_shared(x, w, gated, exact):
    gate = x @ w["shared_gate"].T
    y = ((silu if exact else np.abs)(gate) * (x @ w["shared_up"].T)) @ w["shared_down"].T
    return y / (1 + np.exp(-x @ w["shared_router"].T)) if gated and exact else y


def compute_dbrx(x, w, exact):
    return ((silu if exact else np.abs)(x @ w["w1"].T) * (x @ w["v1"].T)) @ w["w2"]


def write_adapters(r, d, i, w):
    low = r.product(r.product("%block", w["a"], d, 3), w["b"], 3, i)
    gate = r.map(i, [r.product("%block", w["gate"], d, i), low, (w["alpha"], "tensor<f32>")],
                 "%l = arith.mulf %a1, %a2 : f32\n%r = arith.addf %a0, %l : f32")
    h = r.map(i, [gate, r.product("%block", w["up"], d, i)], SILU.format("%a0") + TIMES)
    return r.product(h, w["down"], i, d)


def compute_adapters(x, w, exact):
    gate = x @ w["gate"].T + w["alpha"] * (x @ w["a"].T @ w["b"].T)
    return ((silu if exact else np.abs)(gate) * (x @ w["up"].T)) @ w["down"].T


FAMILIES = {f.name: f for f in [
    Family("mixtral", std, gated(SILU), compute_gated(silu), 3),
    Family("deepseek", std, gated(SILU), compute_gated(silu), 3, shared="plain"),
    Family("qwen2", std, gated(SILU), compute_gated(silu), 3, shared="gated"),
    Family("gemma4", std, gated(GELU_TANH), compute_gated(gelu_tanh), 3),
    Family("gelu", std, gated(GELU), compute_gated(gelu), 3),
    Family("concatenated", lambda d, i: {"gate_up": (2 * i, d), "down": (d, i)}, write_concatenated,
           compute_concatenated, 2),
    Family("jetmoe", lambda d, i: {"gate_up": (2 * i, d), "down": (d, i)}, write_concatenated, compute_concatenated, 2,
           output_bias=True),
    Family("llama4", lambda d, i: {"gate_up": (d, 2 * i), "down": (i, d)},
           lambda r, d, i, w: write_concatenated(r, d, i, w, transposed=False), compute_llama4, 2, scale_before=True),
    Family("gpt_oss", lambda d, i: {"gate_up": (d, 2 * i), "bias": (2 * i,), "down": (i, d), "down_bias": (d,)},
           write_gpt_oss, compute_gpt_oss, 2, vectors=("bias", "down_bias")),
    Family("nemotron", lambda d, i: {"up": (i, d), "down": (d, i)},
           lambda r, d, i, w: r.product(r.map(i, [r.product("%block", w["up"], d, i)], RELU2), w["down"], i, d),
           lambda x, w, exact: (np.maximum(x @ w["up"].T, 0) ** 2) @ w["down"].T, 2),
    Family("nllb", lambda d, i: {"fc1": (i, d), "b1": (i,), "fc2": (d, i), "b2": (d,)}, write_nllb, compute_nllb, 2,
           vectors=("b1", "b2")),
    Family("dbrx", lambda d, i: {"w1": (i, d), "v1": (i, d), "w2": (i, d)}, write_dbrx, compute_dbrx, 3),
    Family("adapters", lambda d, i: std(d, i) | {"a": (3, d), "b": (i, 3), "alpha": ()}, write_adapters,
           compute_adapters, 5, vectors=("alpha",)),
]}
