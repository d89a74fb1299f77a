# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights and inputs of random programs.

Token rows and router weights are multiples of 1/8 of small size: router logits are exact in f32 in whatever order they
are summed, with many ties, so the choice of experts must not differ by one id between any two ways of running a
program.
"""

import json
import struct
import zlib

import numpy as np
from moe_layers import tensor
from programs import INNER, MOST_ALWAYS, RANK, VOCABULARY, arguments


def ffn_shapes(d, f, out):
    """Of one expert: matrices [N, K], vectors and a number."""
    matrices = {"gate": (f, d), "up": (f, d), "gate_up": (2 * f, d), "down": (out, f), "low_a": (RANK, d), "low_b": (f, RANK)}
    vectors = {"bias_gate": (f,), "bias_up": (f,), "bias_gate_up": (2 * f,), "bias_down": (out,), "alpha": (), "side": (),
               "mix": (f, 2), "lift": (f,)}
    return matrices, vectors


def weight_shapes(shapes):
    """Name: shape and element type."""
    e, d, f = shapes.experts, shapes.dim, shapes.ffn
    found = {}
    for prefix, lead, sizes in (("", (e,), (d, f, d)), ("out_", (e,), (d, f, shapes.out)), ("second_", (e,), (d, shapes.second, d)),
                                ("shared_", (), (d, f, d)), ("shared_out_", (), (d, f, shapes.out)), ("wide_", (), (d, f + 3, d)),
                                ("wide_out_", (), (d, f + 3, shapes.out))):
        matrices, vectors = ffn_shapes(*sizes)
        found |= {prefix + name: ((*lead, *shape), shapes.dtype) for name, shape in matrices.items()}
        found |= {prefix + name: ((*lead, *shape), "f32") for name, shape in vectors.items()}
    found |= {"inner_up": ((e, INNER, f, d), shapes.dtype), "inner_down": ((e, INNER, d, f), shapes.dtype),
              "inner_router": ((e, INNER, d), "f32"), "widths": ((e,), "f32"), "shared_scale": ((1, d), "f32"),
              "second_router": ((e, d), shapes.router)}
    for name, width in (("norm0", d), ("norm1", d), ("norm2", d), ("norm2_out", shapes.out)):
        found |= {name: ((width,), "f32"), f"{name}_bias": ((width,), "f32")}
    for n in range(max(e - MOST_ALWAYS, 1), e + 3):
        found |= {f"router{n}": ((n, d), shapes.router), f"router_offset{n}": ((n,), "f32"), f"router_bias{n}": ((n,), "f32"),
                  f"expert_scale{n}": ((n,), "f32")}
    return found


def split_name(name):
    """The weight whose data this one is, and whether transposed."""
    return name.removesuffix("_kn"), name.endswith("_kn")


def weight_type(shapes, name):
    stored, transposed = split_name(name)
    shape, dtype = weight_shapes(shapes)[stored]
    return (*shape[:-2], shape[-1], shape[-2], dtype) if transposed else (*shape, dtype)


def checkpoint_keys(shapes, name):
    """The names of a weight's tensors in the checkpoint."""
    shape, _ = weight_shapes(shapes)[name]
    each = shapes.keys == "each" and len(shape) == 3 and not name.startswith("inner")
    return [f"{name}.{i}" for i in range(shape[0])] if each else [name]


def declare(shapes, name, directory):
    stored, transposed = split_name(name)
    keys = ", ".join(f'"{key}"' for key in checkpoint_keys(shapes, stored))
    return (f'moe.weight @{name} : {tensor(*weight_type(shapes, name))} from #moe.checkpoint<"{directory}", [{keys}]>'
            f"{' transposed' * transposed}\n")


def eighths(rng, shape, most):
    return (rng.integers(-most, most + 1, shape) / 8).astype(np.float32)


def expert_widths(shapes):
    return 1 + np.arange(shapes.experts) * 7 % shapes.ffn


def pad(shapes, name, values):
    """Zeros behind each expert's width."""
    for e, width in enumerate(expert_widths(shapes)):
        if name in ("gate", "up", "bias_gate", "bias_up"):
            values[e, width:] = 0
        if name == "down":
            values[e, :, width:] = 0


def make_weights(shapes, seed):
    data = {}
    for name, (shape, dtype) in weight_shapes(shapes).items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        if "router" in name:
            data[name] = eighths(rng, shape, 4)
            continue
        if name == "widths":
            data[name] = expert_widths(shapes).astype(np.float32)
            continue
        values = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
        if dtype == "bf16":
            values = (values.view(np.uint32) & 0xFFFF0000).view(np.float32)
        if shapes.narrow:
            pad(shapes, name, values)
        data[name] = values
    return data


def write_checkpoint(path, shapes, data):
    """A safetensors file."""
    header, blobs, offset = {}, [], 0
    for name, (shape, dtype) in weight_shapes(shapes).items():
        keys = checkpoint_keys(shapes, name)
        parts = data[name] if len(keys) > 1 else [data[name]]
        if len(keys) > 1:
            shape = shape[1:]
        for key, part in zip(keys, parts, strict=False):
            values = np.ascontiguousarray(part)
            blob = values.tobytes() if dtype == "f32" else (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
            header[key] = {"dtype": dtype.upper(), "shape": list(shape), "data_offsets": [offset, offset + len(blob)]}
            blobs.append(blob)
            offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def make_inputs(program, tokens):
    """Arrays of `arguments`, tokens' rows first."""
    rng = np.random.default_rng(tokens)
    inputs = [eighths(rng, (tokens, program.shapes.dim), 8)]
    for name, (rows, *_) in arguments(program).items():
        if name == "before":
            inputs.append(eighths(rng, (tokens, program.shapes.dim), 8))
        if name == "logits":
            inputs.append(eighths(rng, (tokens, program.columns), 24))
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
