# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mixture-of-Experts layers that draw.py makes at random, their weights, and what error their arithmetic allows.

A module holds programs that share weights, so that the compiler makes most kernels once. Token rows and router
weights are multiples of 1/8 of small size: router logits are exact in f32 in whatever order they are summed, with many
ties, so the choice of experts must not differ by one id between any two ways of running a program.
"""

import dataclasses
import json
import struct

import numpy as np
from moe_layers import U

EXP_ERROR = 8 * U  # relative, of one exponential and what is divided by it

MAX_TOKENS = 48
VOCABULARY = 29
MOST_ALWAYS = 2  # experts of the router that every token uses

# Lines that compute %v from %a0 (and %a1), the bound of |%v| given those of |%a0| and |%a1|, gated or plain.
SIGMOID = "%neg = arith.negf {0} : f32\n%exp = math.exp %neg : f32\n%den = arith.addf %one, %exp : f32\n"
ACTIVATIONS = {
    "silu": (SIGMOID.format("%a0") + "%act = arith.divf %a0, %den : f32\n", lambda g: g),
    "relu": ("%act = arith.maximumf %a0, %zero : f32\n", lambda g: g),
    "relu2": ("%pos = arith.maximumf %a0, %zero : f32\n%act = arith.mulf %pos, %pos : f32\n", lambda g: g * g),
    "gelu_tanh": ("%sq = arith.mulf %a0, %a0 : f32\n%cu = arith.mulf %sq, %a0 : f32\n%k1 = arith.constant 0.044715 : f32\n"
                  "%k2 = arith.constant 0.7978845608 : f32\n%half = arith.constant 0.5 : f32\n%s1 = arith.mulf %k1, %cu : f32\n"
                  "%s2 = arith.addf %a0, %s1 : f32\n%s3 = arith.mulf %k2, %s2 : f32\n%th = math.tanh %s3 : f32\n"
                  "%s4 = arith.addf %one, %th : f32\n%s5 = arith.mulf %half, %a0 : f32\n%act = arith.mulf %s5, %s4 : f32\n",
                  lambda g: g),
    "identity": ("%act = arith.addf %a0, %zero : f32\n", lambda g: g),
}


@dataclasses.dataclass(frozen=True)
class Shapes:
    """What the programs of a module share."""

    experts: int
    dim: int
    ffn: int
    dtype: str


@dataclasses.dataclass(frozen=True)
class Program:
    shapes: Shapes
    top_k: int
    tokens: int | None  # None: dynamic
    route: str  # the options of moe.route after top_k
    null: int = 0  # null experts
    always: str = "none"  # none, one, given, scored: the weight of experts that every token uses, as moe.route says
    num_always: int = 0  # of the module's experts, the last ones
    ids: str = "chosen"  # chosen, forced, table
    noise_step: bool = False
    scores: bool = False  # a result
    counts: bool = False
    expert_scale: bool = False
    activation: str = "silu"
    form: str = "gated"  # gated, plain, interleaved
    bias: bool = False
    clamp: bool = False
    selection_bias: bool = False
    residual: bool = False
    shared: str = "none"  # none, plain, gated
    scale_before: bool = False
    partial: str = "none"  # none, drop, identity: what a skipped pair adds
    twice: bool = False  # a second layer of plain experts on the same ids, to which the first one's rows are added

    @property
    def choices(self):
        return self.shapes.experts - self.num_always + self.null

    @property
    def columns(self):
        return self.choices + (self.num_always if self.always == "scored" else 0)

    @property
    def slots(self):
        return self.top_k + self.num_always


def weight_shapes(shapes):
    e, d, f = shapes.experts, shapes.dim, shapes.ffn
    matrices = {"gate": (e, f, d), "up": (e, f, d), "gate_up": (e, 2 * f, d), "down": (e, d, f),
                "shared_gate": (f, d), "shared_up": (f, d), "shared_down": (d, f)}
    vectors = {"bias_gate": (e, f), "bias_up": (e, f), "bias_down": (e, d), "shared_scale": (1, d)}
    for n in range(max(e - MOST_ALWAYS, 1), e + 3):
        vectors |= {f"router{n}": (n, d), f"router_bias{n}": (n,), f"expert_scale{n}": (n,)}
    return {name: (shape, shapes.dtype) for name, shape in matrices.items()} | \
        {name: (shape, "f32") for name, shape in vectors.items()}


def eighths(rng, shape, most):
    return (rng.integers(-most, most + 1, shape) / 8).astype(np.float32)


def make_weights(shapes, seed):
    rng = np.random.default_rng(seed)
    data = {}
    for name, (shape, dtype) in weight_shapes(shapes).items():
        if name.startswith("router"):
            data[name] = eighths(rng, shape, 4)
            continue
        values = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
        if dtype == "bf16":
            values = (values.view(np.uint32) & 0xFFFF0000).view(np.float32)
        data[name] = values
    return data


def write_checkpoint(path, shapes, data):
    """A safetensors file."""
    header, blobs, offset = {}, [], 0
    for name, (shape, dtype) in weight_shapes(shapes).items():
        values = np.ascontiguousarray(data[name])
        blob = values.tobytes() if dtype == "f32" else (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        header[name] = {"dtype": dtype.upper(), "shape": list(shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def arguments(program):
    """Name: extents (None: as many as there are tokens) and element type, after the tokens' rows."""
    kinds = {}
    if program.ids == "forced":
        kinds["forced"] = (None, program.top_k, "i32")
    if program.ids == "table":
        kinds |= {"table": (VOCABULARY, program.top_k, "i32"), "tokens": (None, "i32")}
    if program.always == "given":
        kinds["always"] = (None, program.num_always, "f32")
    if program.noise_step:
        kinds["step"] = (1, "i32")
    return kinds


def make_inputs(program, tokens):
    """Arrays of `arguments`, tokens' rows first."""
    rng = np.random.default_rng(tokens)
    inputs = [eighths(rng, (tokens, program.shapes.dim), 8)]
    for name, (rows, *_) in arguments(program).items():
        if name in ("forced", "table"):
            every = np.tile(np.arange(program.choices, dtype=np.int32), (rows or tokens, 1))
            inputs.append(np.ascontiguousarray(rng.permuted(every, axis=1)[:, :program.top_k]))
        if name == "tokens":
            inputs.append(rng.integers(0, VOCABULARY, tokens).astype(np.int32))
        if name == "always":
            inputs.append(rng.uniform(0, 1, (tokens, program.num_always)).astype(np.float32))
        if name == "step":
            inputs.append(rng.integers(0, 1000, 1).astype(np.int32))
    return inputs


def second_layer(program):
    """Other than the first one, for a sum has a pair's row only once."""
    activation = "identity" if program.activation == "relu" else "relu"
    return dataclasses.replace(program, form="plain", activation=activation, bias=False, clamp=False)


def bound(program, data, x, weights, ids):
    """The largest difference between two ways of running a program: relative errors of the arithmetic times the values
    that it would reach if nothing cancelled. `weights` and `ids` are what routing gave."""
    s = program.shapes
    x = np.abs(x.astype(np.float64))
    weights = np.abs(weights.astype(np.float64))
    data = {name: np.abs(values.astype(np.float64)) for name, values in data.items()}

    def ffn(program, x, gate, up, down, biases):
        g, u = x @ gate.T + biases[0], x @ up.T + biases[1] if up is not None else None
        h = ACTIVATIONS[program.activation][1](g)
        return (h * u if u is not None else h) @ down.T + biases[2]

    total = x.copy() if program.residual else np.zeros_like(x)
    if program.shared != "none":
        total += ffn(program, x, data["shared_gate"], data["shared_up"], data["shared_down"], (0, 0, 0))
    for layer in (program, second_layer(program))[:1 + program.twice]:
        for e in range(s.experts):
            t, slot = np.nonzero(ids == e)
            w = weights[t, slot, None]
            gate, up = data["gate"][e], data["up"][e] if layer.form == "gated" else None
            if layer.form == "interleaved":
                gate, up = data["gate_up"][e][0::2], data["gate_up"][e][1::2]
            biases = [data[f"bias_{n}"][e] if layer.bias else 0 for n in ("gate", "up", "down")]
            rows = x[t] * w if layer.scale_before else x[t]
            np.add.at(total, t, ffn(layer, rows, gate, up, data["down"][e], biases) * (1 if layer.scale_before else w))
        if layer.partial == "identity":
            t, slot = np.nonzero(ids == s.experts)
            np.add.at(total, t, x[t] * (1 if layer.scale_before else weights[t, slot, None]))
    steps = 3 * s.dim + 2 * s.ffn + (1 + program.twice) * 2 * program.slots + 16
    return (steps * U + 6 * EXP_ERROR) * total + 1e-30
