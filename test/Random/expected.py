# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What random programs compute, in numpy, given the ids and weights that their routes chose."""

import numpy as np
from programs import INNER, PARTS
from values import (
    Sum,
    add,
    center,
    clip,
    exact,
    gelu_tanh,
    multiply,
    product,
    relu,
    relu2,
    rms_norm,
    sigmoid,
    silu,
)
from weights import expert_widths

EPSILON = 1.0e-5

# Lines that compute %act from %a0, and the same in numpy.
SIGMOID = "%neg = arith.negf {0} : f32\n%exp = math.exp %neg : f32\n%den = arith.addf %one, %exp : f32\n"
ACTIVATIONS = {
    "silu": (SIGMOID.format("%a0") + "%act = arith.divf %a0, %den : f32\n", silu),
    "relu": ("%act = arith.maximumf %a0, %zero : f32\n", relu),
    "relu2": ("%pos = arith.maximumf %a0, %zero : f32\n%act = arith.mulf %pos, %pos : f32\n", relu2),
    "gelu_tanh": ("%sq = arith.mulf %a0, %a0 : f32\n%cu = arith.mulf %sq, %a0 : f32\n%k1 = arith.constant 0.044715 : f32\n"
                  "%k2 = arith.constant 0.7978845608 : f32\n%half = arith.constant 0.5 : f32\n%s1 = arith.mulf %k1, %cu : f32\n"
                  "%s2 = arith.addf %a0, %s1 : f32\n%s3 = arith.mulf %k2, %s2 : f32\n%th = math.tanh %s3 : f32\n"
                  "%s4 = arith.addf %one, %th : f32\n%s5 = arith.mulf %half, %a0 : f32\n%act = arith.mulf %s5, %s4 : f32\n",
                  gelu_tanh),
    "identity": ("%act = arith.addf %a0, %zero : f32\n", lambda a: a),
}


def norm(program, data, x, name):
    if program.norm != "layer":
        return rms_norm(x, data[name], EPSILON)
    return add(rms_norm(center(x), data[name], EPSILON), exact(data[f"{name}_bias"][None, :] + np.zeros_like(x.v)))


def nested(x, router, up, down):
    """Two of the inner experts; the rows are exact, and so is the choice."""
    logits = x.v @ router.astype(np.float64).T
    ids = np.argsort(-logits, axis=1, kind="stable")[:, :2]
    chosen = np.take_along_axis(logits, ids, axis=1)
    total = Sum(*x.v.shape, None)
    for e in range(INNER):
        t, slot = np.nonzero(ids == e)
        # Of two weights that add up to 1.
        weight = sigmoid(exact(chosen[t, slot] - chosen[t, 1 - slot]))
        row = product(relu(product(x[t], up[e])), down[e])
        total.add(t, np.ones((len(t), 1)), multiply(row, weight[:, None]))
    return total.value(2)


def ffn(body, x, w, width):
    """`w` gives the weight of a role, `width` that of this expert where the program cuts it."""
    if body.other == "nested":
        return nested(x, w("inner_router"), w("inner_up"), w("inner_down"))

    def project(role, x, start=None):
        y = product(x, w(role), start)
        return add(y, exact(w(f"bias_{role}") + np.zeros_like(y.v))) if body.bias else y

    cut = slice(None, width if body.other == "cut" else None)
    up = None
    if body.form in PARTS:
        both = project("gate_up", x)
        half = both.v.shape[1] // 2
        gate, up = (both[:, :half], both[:, half:]) if body.form == "halves" else (both[:, ::2], both[:, 1::2])
    else:
        gate = project("gate", x)
        up = project("up", x) if body.form == "gated" else None
    if body.adapter:
        low = product(product(x, w("low_a")), w("low_b"))
        gate = add(gate, multiply(low, exact(w("alpha") + np.zeros_like(low.v))))
    if body.clamp:
        gate = clip(gate, None, 1.5)
        up = clip(up, -1.5, 1.5) if up else None
    hidden = ACTIVATIONS[body.activation][1](gate)
    hidden = multiply(hidden, up) if up else hidden
    if body.other in ("matrix", "vector"):
        vector = w("mix")[:, 1] if body.other == "matrix" else np.maximum(w("lift"), 0)
        hidden = add(hidden, exact(vector + np.zeros_like(hidden.v)))
    if body.other == "branch" and w("side") > 0:
        hidden = relu(hidden)
    if body.other == "loop":
        hidden = multiply(relu(hidden), exact(np.full_like(hidden.v, 0.25)))
    if body.other == "captured":
        hidden = add(hidden, hidden[:, :1][:, np.zeros(hidden.v.shape[1], dtype=int)])
    if body.other == "cut":
        return product(hidden[:, cut], w("down")[:, cut])
    return project("down", hidden, x if body.other == "accumulates" else None)


def layer(program, body, data, prefix, x, start, ids, weights, width, scale_before):
    """The rows of the experts that were chosen, added to `start` unless that is None."""
    shapes, widths = program.shapes, expert_widths(program.shapes)
    total = Sum(len(ids), width, start)
    for e in range(shapes.experts):
        t, slot = np.nonzero(ids == e)
        w = weights[t, slot, None].astype(np.float64)
        rows = multiply(x[t], exact(w + np.zeros_like(x.v[t]))) if scale_before else x[t]

        def of_expert(role, e=e):
            return data[role if role.startswith("inner") else prefix + role][e]

        rows = ffn(body, rows, of_expert, widths[e])
        if program.chain and prefix != "second_":
            rows = ffn(program.second_body, rows, lambda role, e=e: data[f"second_{role}"][e], None)
        total.add(t, np.ones_like(w) if scale_before else w, rows)
    if program.partial == "identity":
        t, slot = np.nonzero(ids == shapes.experts)
        total.add(t, 1.0 if scale_before else weights[t, slot, None].astype(np.float64), x[t])
    return total.value(ids.shape[1])


def shared_rows(program, shared, data, x):
    prefix = ("wide_" if shared.wide else "shared_") + ("out_" if program.out else "")
    y = ffn(shared.body, x, lambda role: data[prefix + role], None)
    if not shared.gate:
        return y
    factor = sigmoid(product(x, data["shared_scale"]))
    return multiply(y, factor[:, np.zeros(y.v.shape[1], dtype=int)])


def expected(program, data, inputs, routes):
    """Values of the rows that the program gives, by name; `inputs` and `routes` (weights, ids) are by name and in order."""
    stream = exact(inputs["x"])
    if program.entry == "added":
        stream = exact(stream.v + inputs["before"])
    x = norm(program, data, stream, "norm0") if program.entry != "rows" else stream
    beside = [(shared, shared_rows(program, shared, data, x)) for shared in program.shared]
    start = stream if program.residual == "start" else None
    for shared, rows in beside:
        if shared.place == "start":
            start = add(start, rows) if start else rows
    weights, ids = routes[0]
    out = layer(program, program.body, data, program.prefix, x, start, ids, weights, program.width, program.scale_before)
    for shared, rows in beside:
        if shared.place != "start":
            out = add(out, rows)
    if program.residual == "after":
        out = add(out, stream)
    found = {"hidden": out}
    if program.second != "none":
        rows = norm(program, data, out, "norm1") if program.second == "stream" else x
        weights, ids = routes[-1]
        out = layer(program, program.second_body, data, "second_", rows, out, ids, weights, program.width,
                    program.scale_before and not program.own_route)
    if program.post != "none":
        out = norm(program, data, out, "norm2_out" if program.out else "norm2")
        if program.post == "add":
            out = add(stream, out)
    return found | {"y": out}
