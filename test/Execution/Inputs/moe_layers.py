# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mixture-of-Experts layers as graph-level text and as numpy.

The numpy side computes in float64 and carries beside every value a bound on the error of the compiled code, which
follows from the arithmetic that the operations' texts promise: f32, products as one chain of fused multiply-adds.
"""

import dataclasses

import numpy as np

U = 2.0**-24  # half a unit in the last place of f32
EXP_ERROR = 4e-7  # relative, of the vectorised exponential and what is divided by it

HEADER = """#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(r, d) -> (r, d)>
#row = affine_map<(r, d) -> (r, 0)>
#column = affine_map<(r, d) -> (d)>
#even = affine_map<(r, d) -> (r, d * 2)>
#odd = affine_map<(r, d) -> (r, d * 2 + 1)>
"""


@dataclasses.dataclass(frozen=True)
class Layer:
    """`body`: swiglu; bias (swiglu and a vector of the expert, which no grouped kernel serves); adapter (a product that adds
    to its rows, which makes a loop over experts); nested (a layer of three experts, two active, inside each expert)."""

    experts: int
    top_k: int
    dim: int
    ffn: int
    dtype: str = "f32"
    body: str = "swiglu"
    residual: bool = True

    def weights(self):
        """Name, shape and element type; the experts' come first in the order of the region's arguments."""
        e, d, f = self.experts, self.dim, self.ffn
        if self.body == "nested":
            inner = {"inner": ((e, 3, d), "f32"), "up": ((e, 3, f, d), self.dtype), "down": ((e, 3, d, f), self.dtype)}
        elif self.body == "adapter":
            inner = {"up": ((e, f, d), self.dtype), "down": ((e, d, f), self.dtype)}
        else:
            inner = {name: ((e, f, d), self.dtype) for name in ("gate", "up")} | {"down": ((e, d, f), self.dtype)}
        if self.body == "bias":
            inner["bias"] = ((e, d), "f32")
        return inner | {"router": ((e, d), "f32")}


def tensor(*shape):
    *extents, dtype = shape
    return "tensor<" + "".join("?x" if e is None else f"{e}x" for e in extents) + dtype + ">"


class Writer:
    """Lines of a function body; each method returns the name of its value. `rows` is (extent or None, SSA size)."""

    def __init__(self, lines):
        self.lines = lines
        self.count = 0

    def value(self, text):
        self.count += 1
        self.lines.append(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def empty(self, rows, width):
        size = f"({rows[1]})" if rows[0] is None else "()"
        return self.value(f"tensor.empty{size} : {tensor(rows[0], width, 'f32')}")

    def matmul(self, rows, x, w, w_shape, dtype, start=None):
        """The product, added to `start` if there is one."""
        out = tensor(rows[0], w_shape[0], "f32")
        if start is None:
            empty = self.empty(rows, w_shape[0])
            start = self.value(f"linalg.fill ins(%zero : f32) outs({empty} : {out}) -> {out}")
        return self.value(
            f"linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins({x}, {w} : {tensor(rows[0], w_shape[1], 'f32')}, "
            f"{tensor(*w_shape, dtype)}) outs({start} : {out}) -> {out}")

    def generic(self, rows, width, operands, body):
        """`operands`: (value, map, type), which `body` calls %a0, %a1, .. when it computes %v."""
        out = tensor(rows[0], width, "f32")
        names, maps, types = zip(*operands, strict=True)
        arguments = ", ".join(f"%a{i}: f32" for i in range(len(operands)))
        return self.value(
            f"linalg.generic {{indexing_maps = [{', '.join(maps)}, #id], iterator_types = [\"parallel\", \"parallel\"]}}"
            f" ins({', '.join(names)} : {', '.join(types)}) outs({self.empty(rows, width)} : {out}) {{\n"
            f"^bb0({arguments}, %o: f32):\n{body}linalg.yield %v : f32\n}} -> {out}")

    def add_columns(self, rows, x, vector, width):
        return self.generic(rows, width, [(x, "#id", tensor(rows[0], width, "f32")),
                                          (vector, "#column", tensor(width, "f32"))], ADD)

    def layer(self, rows, x, router, weights, experts, top_k, dim, body, residual):
        """`weights`: (name, shape without experts, dtype); `body(rows, x, names)` writes an expert's region."""
        logits = self.matmul(rows, x, router, (experts, dim), "f32")
        ids_type = tensor(rows[0], top_k, "i32")
        w_type = tensor(rows[0], top_k, "f32")
        x_type = tensor(rows[0], dim, "f32")
        self.count += 1
        n = self.count
        self.lines.append(
            f"%w{n}, %ids{n} = moe.route {logits} top_k({top_k}) score(softmax) normalize(0.0) : "
            f"{tensor(rows[0], experts, 'f32')} -> {w_type}, {ids_type}")
        pairs = None if rows[0] is None else rows[0] * top_k
        plan, block = f"!moe.plan<{experts} x {top_k}>", tensor(pairs, dim, "f32")
        self.lines.append(
            f"%rows{n}, %plan{n} = moe.dispatch {x}, %ids{n} experts({experts}) : {x_type}, {ids_type} -> {block}, {plan}")
        names = [f"%e{n}_{i}" for i in range(len(weights))]
        operands = ", ".join(name for name, _, _ in weights)
        types = ", ".join(tensor(experts, *shape, dtype) for _, shape, dtype in weights)
        arguments = "".join(
            f", {name}: {tensor(*shape, dtype)}" for name, (_, shape, dtype) in zip(names, weights, strict=True))
        self.lines.append(f"%y{n} = moe.expert %rows{n}, %plan{n} weights({operands} : {types}) {{")
        self.lines.append(f"^bb0(%r{n}: {tensor(None, dim, 'f32')}{arguments}):")
        size = self.value(f"tensor.dim %r{n}, %c0 : {tensor(None, dim, 'f32')}")
        result = body((None, size), f"%r{n}", names)
        self.lines.append(f"moe.yield {result} : {tensor(None, dim, 'f32')}")
        self.lines.append(f"}} : {block}, {plan} -> {block}")
        start = f" residual({x} : {x_type})" if residual else ""
        return self.value(f"moe.combine %y{n}, %plan{n}, %w{n}{start} : {block}, {plan}, {w_type} -> {x_type}")


SWIGLU = """%neg = arith.negf %a0 : f32
%exp = math.exp %neg : f32
%den = arith.addf %one, %exp : f32
%act = arith.divf %a0, %den : f32
%v = arith.mulf %act, %a1 : f32
"""
RELU = "%v = arith.maximumf %a0, %zero : f32\n"
ADD = "%v = arith.addf %a0, %a1 : f32\n"


def write_entry(layer, name, tokens):
    """One public function; `tokens` None: dynamic, at most 128."""
    e, d, f, dtype = layer.experts, layer.dim, layer.ffn, layer.dtype
    x_type = tensor(tokens, d, "f32")
    lines = [f"func.func @{name}(%x: {x_type} {{moe.name = \"x\", moe.max_shape = array<i64: "
             f"{128 if tokens is None else tokens}, {d}>}}) -> ({x_type} {{moe.name = \"y\"}}) {{",
             "%c0 = arith.constant 0 : index", "%zero = arith.constant 0.0 : f32", "%one = arith.constant 1.0 : f32",
             f"%t = tensor.dim %x, %c0 : {x_type}"]
    weights = layer.weights()
    for weight, (shape, kind) in weights.items():
        lines.append(f"%{weight} = moe.get_weight @{weight} : {tensor(*shape, kind)}")
    writer = Writer(lines)

    def swiglu(rows, x, names):
        a = writer.matmul(rows, x, names[0], (f, d), dtype)
        b = writer.matmul(rows, x, names[1], (f, d), dtype)
        hidden = tensor(rows[0], f, "f32")
        h = writer.generic(rows, f, [(a, "#id", hidden), (b, "#id", hidden)], SWIGLU)
        y = writer.matmul(rows, h, names[2], (d, f), dtype)
        return writer.add_columns(rows, y, names[3], d) if layer.body == "bias" else y

    def adapter(rows, x, names):
        a = writer.matmul(rows, x, names[0], (f, d), dtype)
        h = writer.generic(rows, f, [(a, "#id", tensor(rows[0], f, "f32"))], RELU)
        return writer.matmul(rows, h, names[1], (d, f), dtype, start=x)

    def relu(rows, x, names):
        a = writer.matmul(rows, x, names[0], (f, d), dtype)
        h = writer.generic(rows, f, [(a, "#id", tensor(rows[0], f, "f32"))], RELU)
        return writer.matmul(rows, h, names[1], (d, f), dtype)

    def nested(rows, x, names):
        inner = [(names[1], (f, d), dtype), (names[2], (d, f), dtype)]
        return writer.layer(rows, x, names[0], inner, 3, 2, d, relu, residual=False)

    operands = [(f"%{n}", shape[1:], kind) for n, (shape, kind) in weights.items() if n != "router"]
    body = {"nested": nested, "adapter": adapter}.get(layer.body, swiglu)
    y = writer.layer((tokens, "%t"), "%x", "%router", operands, e, layer.top_k, d, body, layer.residual)
    return "\n".join([*lines, f"return {y} : {x_type}", "}", ""])


def random_data(seed, scale, count):
    """The formula of #moe.random."""
    with np.errstate(over="ignore"):
        z = (np.uint64(seed) << np.uint64(32)) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)) / float(1 << 23) - 1.0) * scale


def round_to(dtype, values):
    values = values.astype(np.float32)
    if dtype == "bf16":
        bits = values.view(np.uint32)
        values = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    return values.astype(np.float64)


def product(x, dx, w):
    """x [T, K] with error dx times w [N, K] transposed, as a chain of K fused multiply-adds."""
    magnitude = (np.abs(x) + dx) @ np.abs(w).T
    return x @ w.T, dx @ np.abs(w).T + (x.shape[1] + 1) * U * magnitude


def evaluate(x, dx, router, top_k, expert, residual):
    """A layer's value, the bound of its error, and the rows whose choice of experts the bound leaves no doubt about.
    `expert(e, x, dx)` gives value, bound and clear rows of one expert."""
    logits, error = product(x, dx, router)
    order = np.argsort(-logits, axis=1, kind="stable")
    clear = np.ones(len(x), dtype=bool)
    if top_k < logits.shape[1]:
        ranked = np.take_along_axis(logits, order, axis=1)
        # Softmax comes before the choice, and may round two logits to one score.
        clear = ranked[:, top_k - 1] - ranked[:, top_k] > 2 * error.max(axis=1) + 8 * EXP_ERROR
    ids = order[:, :top_k]
    chosen = np.take_along_axis(logits, ids, axis=1)
    weights = np.exp(chosen - chosen.max(axis=1, keepdims=True, initial=-np.inf))
    weights /= weights.sum(axis=1, keepdims=True)
    weight_error = weights * (np.expm1(2 * error.max(axis=1, keepdims=True, initial=0)) + 4 * EXP_ERROR)

    total = x.copy() if residual else np.zeros_like(x)
    bound = dx.copy() if residual else np.zeros_like(x)
    magnitude = np.abs(total)
    for e in range(len(router)):
        rows, slots = np.nonzero(ids == e)
        if len(rows) == 0:
            continue
        y, dy, clear_rows = expert(e, x[rows], dx[rows])
        w, dw = weights[rows, slots, None], weight_error[rows, slots, None]
        total[rows] += w * y
        bound[rows] += (w + dw) * dy + dw * np.abs(y)
        magnitude[rows] += (w + dw) * (np.abs(y) + dy)
        clear[rows] &= clear_rows
    return total, bound + (top_k + 1) * U * magnitude, clear


def reference(layer, data, x):
    """See `evaluate`; `data` maps the weights' names to float64 arrays."""
    def swiglu(e, x, dx):
        a, da = product(x, dx, data["gate"][e])
        b, db = product(x, dx, data["up"][e])
        act = a / (1 + np.exp(-a))
        d_act = 1.1 * da + np.abs(act) * 2 * EXP_ERROR  # |silu'| < 1.1
        h = act * b
        dh = (np.abs(act) + d_act) * db + d_act * np.abs(b) + U * np.abs(h)
        y, dy = product(h, dh, data["down"][e])
        if layer.body == "bias":
            y = y + data["bias"][e]
            dy = dy + U * (np.abs(y) + dy)
        return y, dy, np.ones(len(x), dtype=bool)

    def adapter(e, x, dx):
        h, dh = product(x, dx, data["up"][e])
        y, dy = product(np.maximum(h, 0), dh, data["down"][e])
        # The chain begins with the row.
        return x + y, dx + dy + (layer.ffn + 1) * U * (np.abs(x) + dx), np.ones(len(x), dtype=bool)

    def nested(outer, x, dx):
        def relu(e, x, dx):
            h, dh = product(x, dx, data["up"][outer, e])
            return *product(np.maximum(h, 0), dh, data["down"][outer, e]), np.ones(len(x), dtype=bool)

        return evaluate(x, dx, data["inner"][outer], 2, relu, residual=False)

    body = {"nested": nested, "adapter": adapter}.get(layer.body, swiglu)
    return evaluate(x, np.zeros_like(x), data["router"], layer.top_k, body, layer.residual)
