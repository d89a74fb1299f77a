# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random Mixture-of-Experts layers as graph-level text, and what error their arithmetic allows.

A module holds programs that share weights, so that the compiler makes most kernels once. Token rows and router
weights are multiples of 1/8 of small size: router logits are exact in f32 in whatever order they are summed, with many
ties, so the choice of experts must not differ by one id between any two ways of running a program.
"""

import dataclasses
import json
import random
import struct

import numpy as np
from moe_layers import HEADER, U, Writer, tensor

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


def draw_shapes(rng):
    experts = rng.choice([1, 2, 3, 5, 8, 16, 17, 64])
    return Shapes(experts, rng.choice([1, 8, 31, 33, 48]), rng.choice([1, 7, 16, 33]), rng.choice(["f32", "f32", "bf16"]))


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


class ExpertWriter(Writer):
    def __init__(self, shapes):
        super().__init__([])
        self.shapes = shapes

    def activate(self, program, rows, width, gate, up):
        """`gate` and `up` (None: plain): (value, map, width of its rows)."""
        body = ""
        names = ["%a0", "%a1"]
        if program.clamp:
            body += ("%lim = arith.constant 1.5 : f32\n%mlim = arith.constant -1.5 : f32\n"
                     "%c0_ = arith.minimumf %a0, %lim : f32\n")
            names[0] = "%c0_"
            if up:
                body += "%c1_ = arith.minimumf %a1, %lim : f32\n%c2_ = arith.maximumf %c1_, %mlim : f32\n"
                names[1] = "%c2_"
        body += ACTIVATIONS[program.activation][0].replace("%a0", names[0])
        body += f"%v = arith.mulf %act, {names[1]} : f32\n" if up else "%v = arith.addf %act, %zero : f32\n"
        operands = [(value, of, tensor(rows[0], w, "f32")) for value, of, w in filter(None, (gate, up))]
        return self.generic(rows, width, operands, body)

    def ffn(self, program, rows, x, w):
        """`w` maps the names of weights to values without the dimension of the experts."""
        d, f, dtype = self.shapes.dim, self.shapes.ffn, self.shapes.dtype
        if program.form == "interleaved":
            both = self.matmul(rows, x, w["gate_up"], (2 * f, d), dtype)
            hidden = self.activate(program, rows, f, (both, "#even", 2 * f), (both, "#odd", 2 * f))
        else:
            gate = self.matmul(rows, x, w["gate"], (f, d), dtype)
            if program.bias:
                gate = self.add_columns(rows, gate, w["bias_gate"], f)
            up = None
            if program.form == "gated":
                up = self.matmul(rows, x, w["up"], (f, d), dtype)
                if program.bias:
                    up = self.add_columns(rows, up, w["bias_up"], f)
                up = (up, "#id", f)
            hidden = self.activate(program, rows, f, (gate, "#id", f), up)
        y = self.matmul(rows, hidden, w["down"], (d, f), dtype)
        return self.add_columns(rows, y, w["bias_down"], d) if program.bias else y


def expert_weights(program):
    names = {"gated": ["gate", "up"], "plain": ["gate"], "interleaved": ["gate_up"]}[program.form] + ["down"]
    if program.bias:
        names += [f"bias_{n}" for n in names if n in ("gate", "up", "down")]
    return names


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


def write_route(w, program, x_type, results):
    s, t, columns = program.shapes, program.tokens, program.columns
    logits = w.matmul((t, "%t"), "%x", f"%router{columns}", (columns, s.dim), "f32")
    types = {name: tensor(*(t if e is None else e for e in kind)) for name, kind in arguments(program).items()}
    clauses = ""
    if program.selection_bias:
        clauses += f" bias(%router_bias{program.choices} : {tensor(program.choices, 'f32')})"
    if program.expert_scale:
        clauses += f" expert_scale(%expert_scale{columns} : {tensor(columns, 'f32')})"
    if program.ids == "forced":
        clauses += f" forced(%forced : {types['forced']})"
    if program.ids == "table":
        clauses += f" table(%table[%tokens] : {types['table']}, {types['tokens']})"
    if program.always == "given":
        clauses += f" shared_weights(%always : {types['always']})"
    if program.noise_step:
        clauses += f" noise_step(%step : {types['step']})"
    extra = " with_scores" * program.scores + " with_counts" * program.counts
    kinds = [kind for kind, name in results if name != "y"]
    values = [f"%{name}" for _, name in results if name != "y"]
    w.lines.append(f"{', '.join(values)} = moe.route {logits}{clauses} top_k({program.top_k}) {program.route}{extra} : "
                   f"{tensor(t, columns, 'f32')} -> {', '.join(kinds)}")
    return values


def write_layer(w, program, x_type, start):
    """The layer of the ids and weights that were routed, its rows added to `start` unless that is None."""
    s, t, slots = program.shapes, program.tokens, program.slots
    kinds, pairs = weight_shapes(s), None if t is None else t * slots
    ids_type, weights_type = tensor(t, slots, "i32"), tensor(t, slots, "f32")
    plan_type, block = f"!moe.plan<{s.experts} x {slots}>", tensor(pairs, s.dim, "f32")
    partial = " partial" if program.partial != "none" else ""
    scale = f" scale(%weights : {weights_type})" if program.scale_before else ""
    w.count += 1
    rows, plan = f"%rows{w.count}", f"%plan{w.count}"
    w.lines.append(f"{rows}, {plan} = moe.dispatch %x, %ids experts({s.experts}){partial}{scale} : "
                   f"{x_type}, {ids_type} -> {block}, {plan_type}")
    names = expert_weights(program)
    operands, types = ", ".join(f"%{n}" for n in names), ", ".join(tensor(*kinds[n][0], kinds[n][1]) for n in names)
    blocks = "".join(f", %e_{n}: {tensor(*kinds[n][0][1:], kinds[n][1])}" for n in names)
    y = f"%y{w.count}"
    w.lines += [f"{y} = moe.expert {rows}, {plan} weights({operands} : {types}) {{",
                f"^bb0(%r: {tensor(None, s.dim, 'f32')}{blocks}):"]
    size = w.value(f"tensor.dim %r, %c0 : {tensor(None, s.dim, 'f32')}")
    result = w.ffn(program, (None, size), "%r", {n: f"%e_{n}" for n in names})
    w.lines += [f"moe.yield {result} : {tensor(None, s.dim, 'f32')}", f"}} : {block}, {plan_type} -> {block}"]
    weights = "%weights"
    if program.scale_before:
        ones = w.value(f"tensor.empty{'(%t)' if t is None else '()'} : {weights_type}")
        weights = w.value(f"linalg.fill ins(%one : f32) outs({ones} : {weights_type}) -> {weights_type}")
    skipped = f" skipped(%x : {x_type})" if program.partial == "identity" else ""
    residual = f" residual({start} : {x_type})" if start else ""
    return w.value(f"moe.combine {y}, {plan}, {weights}{residual}{skipped} : {block}, {plan_type}, {weights_type} -> {x_type}")


def second_layer(program):
    """Other than the first one, for a sum has a pair's row only once."""
    activation = "identity" if program.activation == "relu" else "relu"
    return dataclasses.replace(program, form="plain", activation=activation, bias=False, clamp=False)


def write_entry(program, name):
    s, t, slots = program.shapes, program.tokens, program.slots
    x_type = tensor(t, s.dim, "f32")
    results = [(x_type, "y"), (tensor(t, slots, "f32"), "weights"), (tensor(t, slots, "i32"), "ids")]
    results += [(tensor(t, program.columns, "f32"), "scores")] * program.scores
    results += [(tensor(s.experts, "i32"), "counts")] * program.counts
    most = MAX_TOKENS if t is None else t
    parameters = []
    for argument, kind in {"x": (None, s.dim, "f32"), **arguments(program)}.items():
        extents = [most if e is None else e for e in kind[:-1]]
        parameters.append(f'%{argument}: {tensor(*(t if e is None else e for e in kind))} {{moe.name = "{argument}", '
                          f"moe.max_shape = array<i64: {', '.join(map(str, extents))}>}}")
    signature = ", ".join(f'{kind} {{moe.name = "{result}"}}' for kind, result in results)
    w = ExpertWriter(s)
    w.lines += [f"func.func @{name}({', '.join(parameters)}) -> ({signature}) {{",
                "%c0 = arith.constant 0 : index", "%zero = arith.constant 0.0 : f32", "%one = arith.constant 1.0 : f32",
                f"%t = tensor.dim %x, %c0 : {x_type}"]
    for weight, (shape, kind) in weight_shapes(s).items():
        w.lines.append(f"%{weight} = moe.get_weight @{weight} : {tensor(*shape, kind)}")
    routed = write_route(w, program, x_type, results)
    start = "%x" if program.residual else None
    if program.shared != "none":
        rows = (t, "%t")
        y = w.ffn(dataclasses.replace(program, form="gated", bias=False), rows, "%x",
                  {n: f"%shared_{n}" for n in ("gate", "up", "down")})
        if program.shared == "gated":
            gate = w.matmul(rows, "%x", "%shared_scale", (1, s.dim), "f32")
            y = w.generic(rows, s.dim, [(y, "#id", x_type), (gate, "#row", tensor(t, 1, "f32"))],
                          SIGMOID.format("%a1") + "%s = arith.divf %one, %den : f32\n%v = arith.mulf %a0, %s : f32\n")
        start = w.generic(rows, s.dim, [(start, "#id", x_type), (y, "#id", x_type)], "%v = arith.addf %a0, %a1 : f32\n") \
            if start else y
    out = write_layer(w, program, x_type, start)
    if program.twice:
        out = write_layer(w, second_layer(program), x_type, out)
    return "\n".join([*w.lines, f"return {', '.join([out, *routed])} : {', '.join(kind for kind, _ in results)}", "}", ""])


def write_module(path, programs):
    """The module and, beside it, its checkpoint must be `model.safetensors`."""
    shapes = programs[0].shapes
    text = [HEADER]
    for name, (shape, dtype) in weight_shapes(shapes).items():
        text.append(f'moe.weight @{name} : {tensor(*shape, dtype)} from #moe.checkpoint<"{path.parent}", ["{name}"]>\n')
    text += [write_entry(program, f"p{i}") for i, program in enumerate(programs)]
    path.write_text("".join(text))


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


def draw_score(rng, choice):
    """`choice`: what else is drawn is chosen by scores of each expert by itself."""
    scores = ["softmax", "softmax", "sigmoid", "sigmoid", "sqrt_softplus", "none"]
    return rng.choice(scores if choice else [*scores, "softmax_topk", "sparsemixer"])


def draw_groups(rng, choices, k, mask_scores):
    counts = [g for g in range(2, choices + 1) if choices % g == 0]
    if not counts or rng.random() >= 0.3:
        return ""
    groups = rng.choice(counts)
    size = choices // groups
    least = -(-k // size)
    if least > groups:
        return ""
    by = rng.choice(["max", "top2"] if size > 1 else ["max"])
    mask = rng.choice(["lowest", "zero"] + ["zero_score"] * mask_scores)
    return f"groups<{groups}, keep = {rng.randint(least, groups)}, by = {by}, mask = {mask}>"


def draw_route(rng, choices, k, null, always, num_always, expert_choice):
    """Options of moe.route, and what a skipped pair adds."""
    score = draw_score(rng, expert_choice or always == "scored")
    # The noise is a number for each logit, the same in all ways of computing.
    route = [f"noise<seed = {rng.randint(-9, 9)}, stddev = 0.5>"] if rng.random() < 0.15 else []
    route += ["softcap(2.0)"] if rng.random() < 0.1 else []
    route.append(f"score({score})" + (" jitter(0.01)" if score == "sparsemixer" else ""))
    if score == "sigmoid" and rng.random() < 0.2:
        route.append("on(logits)")
    if not expert_choice:
        on_scores = score in ("softmax", "sigmoid", "sqrt_softplus", "none") and "on(logits)" not in route
        route.append(draw_groups(rng, choices, k, on_scores))
        if score != "none":
            # All of the chosen weights may be 0.
            epsilon = "1.0e-20" if score == "sparsemixer" or "zero_score" in route[-1] else "0.0"
            route.append(rng.choice(["", "", f"normalize({epsilon})", "normalize(1.0e-20)", "normalize(1.0e-12, max)",
                                     "normalize(1.0e-6, p = 2.0)"]))
    if rng.random() < 0.3:
        route.append("scale(2.5)")
    partial = "none"
    if null:
        weight = rng.choice(["identity", "skip"])
        route.append(f"null_experts<{null}, {weight}>")
        partial = "identity" if weight == "identity" else rng.choice(["drop", "identity"])
    size = rng.choice(["factor = 1.25", "factor = 0.5", "tokens = 1", "tokens = 5", "factor = 1.0, times = 2"])
    if expert_choice:
        route.append(f"expert_choice capacity<{size}, overflow = drop>")
        partial = rng.choice(["drop", "identity"])
    elif rng.random() < 0.25:
        overflow = rng.choice(["drop", "residual"])
        first = rng.choice(["", ", first = slot", ", first = weight"])
        again = ", renormalize" if overflow == "drop" and "normalize(1.0e-20)" in route and rng.random() < 0.5 else ""
        route.append(f"capacity<{size}, overflow = {overflow}{first}{again}>")
        partial = "identity" if overflow == "residual" or partial == "identity" else rng.choice(["drop", "identity"])
    if always != "none":
        route.append(f"shared_experts<{num_always}, {always}>")
    return " ".join(filter(None, route)), partial


def draw(rng, shapes):
    """A program of these shapes."""
    null = 2 if rng.random() < 0.1 else 0
    num_always = rng.randint(1, MOST_ALWAYS) if shapes.experts > MOST_ALWAYS and rng.random() < 0.15 else 0
    always = rng.choice(["one", "given", "scored"]) if num_always else "none"
    routed = shapes.experts - num_always
    k = rng.choice([1, routed, *(rng.randint(1, min(routed, 8)) for _ in range(4))])
    expert_choice = not null and rng.random() < 0.1
    if expert_choice:
        k = routed
    ids = "chosen" if expert_choice else rng.choice(["chosen"] * 6 + ["forced", "table"] if not num_always else ["chosen"])
    route, partial = draw_route(rng, routed + null, k, null, always, num_always, expert_choice)
    return Program(
        shapes, k, tokens=rng.choice([None, None, 0, 1, 1, 2, 5, 33]), route=route, null=null, always=always,
        num_always=num_always, ids=ids, noise_step="noise" in route and rng.random() < 0.5, scores=rng.random() < 0.1,
        counts=rng.random() < 0.2, expert_scale=rng.random() < 0.15, activation=rng.choice(list(ACTIVATIONS)),
        form=rng.choice(["gated", "gated", "plain", "interleaved"]), bias=rng.random() < 0.3, clamp=rng.random() < 0.3,
        selection_bias=rng.random() < 0.3, residual=rng.random() < 0.5,
        shared=rng.choice(["none", "none", "plain", "gated"]), scale_before=rng.random() < 0.15, partial=partial,
        twice=rng.random() < 0.15)


def draw_module(seed, count):
    rng = random.Random(seed)
    shapes = draw_shapes(rng)
    return [draw(rng, shapes) for _ in range(count)]
