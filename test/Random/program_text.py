# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs as graph-level text."""

import re

from expert_text import CONSTANTS, MAPS, ExpertWriter, symbols
from moe_layers import tensor
from programs import MAX_TOKENS, arguments
from weights import declare


class ProgramWriter(ExpertWriter):
    def __init__(self, program, name):
        super().__init__(program.shapes, name)
        self.program = program
        self.t = program.tokens
        self.rows = (program.tokens, "%t")
        self.x_type = tensor(program.tokens, program.shapes.dim, "f32")

    def logits(self, x):
        p, d, columns = self.program, self.shapes.dim, self.program.columns
        if p.logits == "given":
            return "%logits"
        layout = "kn" if p.logits == "turned" else "nk"
        router = self.weight(f"router{columns}" + "_kn" * (layout == "kn"))
        logits = self.multiply(self.rows, x, router, columns, d, self.shapes.router, layout)
        if p.logits == "offset":
            logits = self.add_columns(self.rows, logits, self.weight(f"router_offset{columns}"), columns)
        return logits

    def route(self, x, results):
        """Appends to `results` (name, value, type)."""
        p, s, t = self.program, self.shapes, self.t
        logits = self.logits(x)
        types = {name: tensor(*(t if e is None else e for e in kind)) for name, kind in arguments(p).items()}
        clauses = ""
        if p.selection_bias:
            clauses += f" bias({self.weight(f'router_bias{p.choices}')} : {tensor(p.choices, 'f32')})"
        if p.expert_scale:
            clauses += f" expert_scale({self.weight(f'expert_scale{p.columns}')} : {tensor(p.columns, 'f32')})"
        if p.ids == "forced":
            clauses += f" forced(%forced : {types['forced']})"
        if p.ids == "table":
            clauses += f" table(%table[%tokens] : {types['table']}, {types['tokens']})"
        if p.always == "given":
            clauses += f" shared_weights(%always : {types['always']})"
        if p.noise_step:
            clauses += f" noise_step(%step : {types['step']})"
        made = [("weights", tensor(t, p.slots, "f32")), ("ids", tensor(t, p.slots, "i32"))]
        made += [("scores", tensor(t, p.columns, "f32"))] * p.scores + [("counts", tensor(s.experts, "i32"))] * p.counts
        extra = " with_scores" * p.scores + " with_counts" * p.counts
        self.lines.append(f"{', '.join(f'%{name}' for name, _ in made)} = moe.route {logits}{clauses} top_k({p.top_k}) {p.route}{extra} : "
                          f"{tensor(t, p.columns, 'f32')} -> {', '.join(kind for _, kind in made)}")
        results += [(name, f"%{name}", kind) for name, kind in made]
        if p.logits == "read":
            results.append(("logits", logits, tensor(t, p.columns, "f32")))

    def own_route(self, x, results):
        e, t, k = self.shapes.experts, self.t, self.program.second_slots
        logits = self.multiply(self.rows, x, self.weight("second_router"), e, self.shapes.dim, self.shapes.router)
        kinds = tensor(t, k, "f32"), tensor(t, k, "i32")
        self.lines.append(f"%weights2, %ids2 = moe.route {logits} top_k({k}) score(softmax) normalize(0.0) : {tensor(t, e, 'f32')} -> "
                          f"{', '.join(kinds)}")
        results += [("weights2", "%weights2", kinds[0]), ("ids2", "%ids2", kinds[1])]

    def expert(self, body, prefix, rows, plan, plan_type, pairs, out):
        """Every expert on its rows, of which there are `pairs`."""
        s = self.shapes
        names = symbols(body, prefix)
        inside = {role: f"%e_{role}" for role in names}
        operands = [self.weight(name) for name in names.values()]
        weights = f" weights({', '.join(operands)} : {', '.join(self.weights[name] for name in names.values())})"
        blocks = "".join(f", {inside[role]}: {tensor(*self.slice_type(name))}" for role, name in names.items())
        self.count += 1
        y = f"%y{self.count}"
        self.lines += [f"{y} = moe.expert {rows}, {plan}{weights} {{", f"^bb0(%r: {tensor(None, s.dim, 'f32')}{blocks}):"]
        sizes = (s.dim, s.second if prefix == "second_" else s.ffn, out)
        if body.other == "call":
            made = self.call(body, "%r", inside, prefix, sizes)
        else:
            size = self.value(f"tensor.dim %r, %c0 : {tensor(None, s.dim, 'f32')}")
            made = self.ffn(body, (None, size), "%r", inside, sizes)
        self.lines += [f"moe.yield {made} : {tensor(None, out, 'f32')}",
                       f"}} : {tensor(pairs, s.dim, 'f32')}, {plan_type} -> {tensor(pairs, out, 'f32')}"]
        return y

    def experts(self, body, prefix, x, start, out, own=False):
        """Experts on rows `x`, chosen by the program's route or by one of the second layer's own; their sum starts from `start` unless
        that is None."""
        p, s, t = self.program, self.shapes, self.t
        slots, partial, scale_before = p.slots, p.partial, p.scale_before
        ids, weights = "%ids", "%weights"
        if own:
            slots, partial, scale_before = p.second_slots, "none", False
            ids, weights = "%ids2", "%weights2"
        pairs = None if t is None else t * slots
        ids_type, weights_type = tensor(t, slots, "i32"), tensor(t, slots, "f32")
        plan_type, block, result = f"!moe.plan<{s.experts} x {slots}>", tensor(pairs, s.dim, "f32"), tensor(pairs, out, "f32")
        scale = f" scale({weights} : {weights_type})" if scale_before else ""
        self.count += 1
        rows, plan = f"%rows{self.count}", f"%plan{self.count}"
        self.lines.append(f"{rows}, {plan} = moe.dispatch {x}, {ids} experts({s.experts}){' partial' * (partial != 'none')}{scale} : "
                          f"{self.x_type}, {ids_type} -> {block}, {plan_type}")
        y = self.expert(body, prefix, rows, plan, plan_type, pairs, out)
        if p.chain and prefix != "second_":
            y = self.expert(p.second_body, "second_", y, plan, plan_type, pairs, out)
        if scale_before:
            ones = self.value(f"tensor.empty{'(%t)' if t is None else '()'} : {weights_type}")
            weights = self.value(f"linalg.fill ins(%one : f32) outs({ones} : {weights_type}) -> {weights_type}")
        out_type = tensor(t, out, "f32")
        skipped = f" skipped({x} : {self.x_type})" if partial == "identity" else ""
        residual = f" residual({start} : {out_type})" if start else ""
        return self.value(f"moe.combine {y}, {plan}, {weights}{residual}{skipped} : {result}, {plan_type}, {weights_type} -> {out_type}")

    def stream(self):
        return self.add(self.rows, "%x", "%before", self.shapes.dim) if self.program.entry == "added" else "%x"

    def gate_rows(self, stream, x):
        return x if self.program.normed_gate else stream

    def whole(self, results):
        """The program; its rows come first in `results`."""
        p, width = self.program, self.program.width
        stream = self.stream()
        x = self.normed(p.norm, self.rows, stream, "norm0", self.shapes.dim) if p.entry != "rows" else stream
        routed = []
        self.route(self.gate_rows(stream, x), routed)
        if p.own_route:
            self.own_route(stream, routed)
        start = stream if p.residual == "start" else None
        for shared in p.shared:
            if shared.place == "start":
                y = self.shared(shared, self.rows, x, p.prefix, width)
                start = self.add(self.rows, start, y, width) if start else y
        out = self.experts(p.body, p.prefix, x, start, width)
        for shared in p.shared:
            if shared.place != "start":
                y = self.shared(shared, self.rows, x, p.prefix, width)
                out = self.add(self.rows, *((out, y) if shared.place == "after" else (y, out)), width)
        if p.residual == "after":
            out = self.add(self.rows, stream, out, width)
        out_type = tensor(self.t, width, "f32")
        if p.hidden:
            routed.append(("hidden", out, out_type))
        if p.second != "none":
            rows = self.normed(p.norm, self.rows, out, "norm1", width) if p.second == "stream" else x
            out = self.experts(p.second_body, "second_", rows, out, width, p.own_route)
        if p.post != "none":
            out = self.normed(p.norm, self.rows, out, "norm2_out" if p.out else "norm2", width)
            if p.post == "add":
                out = self.add(self.rows, stream, out, width)
        results.append(("y", out, out_type))
        read = ("hidden", "logits") if not p.choice else [name for name, *_ in routed]
        results += [result for result in routed if result[0] in read]

    def choice(self, results):
        """The routes alone."""
        stream = self.stream()
        x = stream
        if self.program.entry != "rows":
            x = self.normed(self.program.norm, self.rows, stream, "norm0", self.shapes.dim)
        self.route(self.gate_rows(stream, x), results)
        if self.program.own_route:
            self.own_route(stream, results)

    def function(self, write):
        """The text of an entry; `write` puts its lines here and its results into a list."""
        results = []
        write(results)
        p, t = self.program, self.t
        most = MAX_TOKENS if t is None else t
        parameters = []
        for argument, kind in {"x": (None, p.shapes.dim, "f32"), **arguments(p)}.items():
            extents = [most if e is None else e for e in kind[:-1]]
            parameters.append(f'%{argument}: {tensor(*(t if e is None else e for e in kind))} {{moe.name = "{argument}", '
                              f"moe.max_shape = array<i64: {', '.join(map(str, extents))}>}}")
        signature = ", ".join(f'{kind} {{moe.name = "{result}"}}' for result, _, kind in results)
        lines = [f"func.func @{self.name}({', '.join(parameters)}) -> ({signature}) {{", *CONSTANTS,
                 f"%t = tensor.dim %x, %c0 : {self.x_type}",
                 *(f"%{name} = moe.get_weight @{name} : {kind}" for name, kind in self.weights.items()), *self.lines,
                 f"return {', '.join(value for _, value, _ in results)} : {', '.join(kind for *_, kind in results)}", "}", ""]
        return "\n".join([*self.functions, *lines])


def write_program(program, name):
    """What is not a result of the program's entry is one of `name`_choice's."""
    writer = ProgramWriter(program, name)
    text = writer.function(writer.whole)
    if not program.choice:
        writer = ProgramWriter(program, f"{name}_choice")
        text += writer.function(writer.choice)
    return text


def write_module(path, programs):
    """The module and, beside it, its checkpoint must be `model.safetensors`."""
    shapes = programs[0].shapes
    text = "".join(write_program(program, f"p{i}") for i, program in enumerate(programs))
    names = sorted(set(re.findall(r"get_weight @(\w+)", text)))
    path.write_text("".join([MAPS, *(declare(shapes, name, path.parent) for name in names), text]))
