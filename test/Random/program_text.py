# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers as graph-level text."""

import dataclasses

from moe_layers import HEADER, Writer, tensor
from programs import ACTIVATIONS, MAX_TOKENS, SIGMOID, arguments, second_layer, weight_shapes


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
