# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Experts' computations, and norms, as graph-level text."""

from expected import ACTIVATIONS, EPSILON, SIGMOID
from moe_layers import ADD, HEADER, RELU, Writer, tensor
from programs import INNER, PARTS, RANK
from weights import weight_type

MAPS = HEADER + """#scalar = affine_map<(r, d) -> ()>
#second = affine_map<(r, d) -> (d, 1)>
#each = affine_map<(r, d) -> (r)>
#along = affine_map<(d) -> (d)>
"""
CONSTANTS = ["%c0 = arith.constant 0 : index", "%c1 = arith.constant 1 : index", "%c2 = arith.constant 2 : index",
             "%zero = arith.constant 0.0 : f32", "%one = arith.constant 1.0 : f32"]
MATRICES = ("gate", "up", "gate_up", "down")
# What an expert does besides, so that it becomes a loop over experts, and the weights of it.
OTHERS = {
    "accumulates": [],  # the last product starts from the rows
    "matrix": ["mix"],  # a column of a matrix is added
    "vector": ["lift"],  # a function of a vector alone is added
    "loop": [],  # a loop
    "branch": ["side"],  # a branch by a number of the expert
    "captured": [],  # the first element of the row is added, read in a body
    "cut": ["widths"],  # every expert has a width of its own, and its matrices are cut to that
    "nested": [],  # a layer of experts
}


def roles(body):
    """The weights of an expert."""
    if body.other == "nested":
        return ["inner_router", "inner_up", "inner_down"]
    first = {"gated": ["gate", "up"], "plain": ["gate"]}.get(body.form, ["gate_up"])
    biases = [f"bias_{role}" for role in [*first, "down"]] if body.bias else []
    return [*first, "down", *biases, *(["low_a", "low_b", "alpha"] if body.adapter else []), *OTHERS.get(body.other, [])]


def symbols(body, prefix):
    """Role: name of the weight."""
    kn = {role: "_kn" if body.layout == "kn" and role in MATRICES else "" for role in roles(body)}
    return {role: (role if role == "widths" or role.startswith("inner") else prefix + role) + end for role, end in kn.items()}


class ExpertWriter(Writer):
    """`weights` maps names of weights that were read; `functions` are texts beside the entry."""

    def __init__(self, shapes, name):
        super().__init__([])
        self.shapes, self.name = shapes, name
        self.weights, self.functions = {}, []

    def weight(self, name):
        self.weights[name] = tensor(*weight_type(self.shapes, name))
        return f"%{name}"

    def multiply(self, rows, x, w, n, k, dtype=None, layout="nk", init=None):
        """Rows times weights, to which `init` is added, or zeros."""
        dtype = dtype or self.shapes.dtype
        out = tensor(rows[0], n, "f32")
        if not init:
            init = self.value(f"linalg.fill ins(%zero : f32) outs({self.empty(rows, n)} : {out}) -> {out}")
        if layout == "turned":
            turned = tensor(k, n, dtype)
            empty = self.value(f"tensor.empty() : {turned}")
            w = self.value(f"linalg.transpose ins({w} : {tensor(n, k, dtype)}) outs({empty} : {turned}) permutation = [1, 0]")
        maps, shape = ("indexing_maps = [#lhs, #rhs, #out] ", (n, k)) if layout == "nk" else ("", (k, n))
        return self.value(f"linalg.matmul {maps}ins({x}, {w} : {tensor(rows[0], k, 'f32')}, {tensor(*shape, dtype)}) "
                          f"outs({init} : {out}) -> {out}")

    def part(self, rows, both, width, first, step):
        """Columns of rows that are twice as wide."""
        if rows[0] == 0:  # no slice lies within no rows, says the slice's verifier
            return self.empty(rows, width)
        extent = rows[1] if rows[0] is None else rows[0]
        return self.value(f"tensor.extract_slice {both}[0, {first}] [{extent}, {width}] [1, {step}] : "
                          f"{tensor(rows[0], 2 * width, 'f32')} to {tensor(rows[0], width, 'f32')}")

    def activate(self, body, rows, width, gate, up):
        """`gate` and `up` (None: plain): (value, map, width of its rows)."""
        text, names = "", ["%a0", "%a1"]
        if body.clamp:
            text += ("%lim = arith.constant 1.5 : f32\n%mlim = arith.constant -1.5 : f32\n"
                     "%c0_ = arith.minimumf %a0, %lim : f32\n")
            names[0] = "%c0_"
            if up:
                text += "%c1_ = arith.minimumf %a1, %lim : f32\n%c2_ = arith.maximumf %c1_, %mlim : f32\n"
                names[1] = "%c2_"
        text += ACTIVATIONS[body.activation][0].replace("%a0", names[0])
        text += f"%v = arith.mulf %act, {names[1]} : f32\n" if up else "%v = arith.addf %act, %zero : f32\n"
        operands = [(value, of, tensor(rows[0], w, "f32")) for value, of, w in filter(None, (gate, up))]
        return self.generic(rows, width, operands, text)

    def ffn(self, body, rows, x, w, sizes):
        """`w` maps roles to values without the dimension of the experts; `sizes`: (D, F, width of the result)."""
        d, f, out = sizes
        if body.other == "nested":
            return self.nested(rows, x, w)
        if body.other == "cut":
            return self.cut(body, rows, x, w, sizes)

        def project(role, rows, x, n, k, init=None):
            y = self.multiply(rows, x, w[role], n, k, layout=body.layout, init=init)
            return self.add_columns(rows, y, w[f"bias_{role}"], n) if body.bias else y

        gate_map, gate_width = "#id", f
        if body.form in PARTS:
            both = project("gate_up", rows, x, 2 * f, d)
            gate, up = both, (both, "#odd", 2 * f)
            if body.form == "interleaved":
                gate_map, gate_width = "#even", 2 * f
            else:
                step, first = (2, 1) if body.form == "columns" else (1, f)
                gate, up = self.part(rows, both, f, 0, step), (self.part(rows, both, f, first, step), "#id", f)
        else:
            gate = project("gate", rows, x, f, d)
            up = (project("up", rows, x, f, d), "#id", f) if body.form == "gated" else None
        hidden_type = tensor(rows[0], f, "f32")
        if body.adapter:
            low = self.multiply(rows, self.multiply(rows, x, w["low_a"], RANK, d), w["low_b"], f, RANK)
            gate = self.generic(rows, f, [(gate, "#id", hidden_type), (low, "#id", hidden_type), (w["alpha"], "#scalar", "tensor<f32>")],
                                "%m = arith.mulf %a1, %a2 : f32\n%v = arith.addf %a0, %m : f32\n")
        hidden = self.activate(body, rows, f, (gate, gate_map, gate_width), up)
        hidden = self.other(body, rows, hidden, w, f)
        return project("down", rows, hidden, out, f, x if body.other == "accumulates" else None)

    def other(self, body, rows, hidden, w, f):
        kind = tensor(rows[0], f, "f32")
        if body.other == "matrix":
            return self.generic(rows, f, [(hidden, "#id", kind), (w["mix"], "#second", tensor(f, 2, "f32"))], ADD)
        if body.other == "vector":
            vector = tensor(f, "f32")
            empty = self.value(f"tensor.empty() : {vector}")
            lift = self.value(f'linalg.generic {{indexing_maps = [#along, #along], iterator_types = ["parallel"]}} '
                              f"ins({w['lift']} : {vector}) outs({empty} : {vector}) {{\n^bb0(%a0: f32, %o: f32):\n{RELU}"
                              f"linalg.yield %v : f32\n}} -> {vector}")
            return self.add_columns(rows, hidden, lift, f)
        if body.other == "loop":
            self.count += 1
            n = self.count
            self.lines.append(f"%loop{n} = scf.for %i{n} = %c0 to %c2 step %c1 iter_args(%h{n} = {hidden}) -> ({kind}) {{")
            half = self.generic(rows, f, [(f"%h{n}", "#id", kind)],
                                "%half = arith.constant 0.5 : f32\n%p = arith.maximumf %a0, %zero : f32\n"
                                "%v = arith.mulf %p, %half : f32\n")
            self.lines += [f"scf.yield {half} : {kind}", "}"]
            return f"%loop{n}"
        if body.other == "branch":
            self.count += 1
            n = self.count
            self.lines += [f"%side{n} = tensor.extract {w['side']}[] : tensor<f32>",
                           f"%positive{n} = arith.cmpf ogt, %side{n}, %zero : f32",
                           f"%branch{n} = scf.if %positive{n} -> ({kind}) {{"]
            positive = self.generic(rows, f, [(hidden, "#id", kind)], RELU)
            self.lines += [f"scf.yield {positive} : {kind}", "} else {", f"scf.yield {hidden} : {kind}", "}"]
            return f"%branch{n}"
        if body.other == "captured":
            return self.generic(rows, f, [(hidden, "#id", kind)],
                                f"%r_ = linalg.index 0 : index\n%x_ = tensor.extract {hidden}[%r_, %c0] : {kind}\n"
                                "%v = arith.addf %a0, %x_ : f32\n")
        return hidden

    def cut(self, body, rows, x, w, sizes):
        d, f, out = sizes
        number = self.value(f"tensor.extract {w['widths']}[] : tensor<f32>")
        integer = self.value(f"arith.fptosi {number} : f32 to i32")
        wide = self.value(f"arith.index_cast {integer} : i32 to index")
        most = self.value(f"arith.constant {f} : index")
        width = self.value(f"arith.minsi {wide}, {most} : index")
        dtype, hidden = self.shapes.dtype, tensor(rows[0], None, "f32")
        size = f"{rows[1]}, {width}" if rows[0] is None else width

        def project(role):
            part = self.value(f"tensor.extract_slice {w[role]}[0, 0] [{width}, {d}] [1, 1] : {tensor(f, d, dtype)} to "
                              f"{tensor(None, d, dtype)}")
            empty = self.value(f"tensor.empty({size}) : {hidden}")
            zeros = self.value(f"linalg.fill ins(%zero : f32) outs({empty} : {hidden}) -> {hidden}")
            return self.value(f"linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins({x}, {part} : {tensor(rows[0], d, 'f32')}, "
                              f"{tensor(None, d, dtype)}) outs({zeros} : {hidden}) -> {hidden}")

        gate = project("gate")
        up = project("up") if body.form == "gated" else None
        text = ACTIVATIONS[body.activation][0] + ("%v = arith.mulf %act, %a1 : f32\n" if up else "%v = arith.addf %act, %zero : f32\n")
        values = [value for value in (gate, up) if value]
        empty = self.value(f"tensor.empty({size}) : {hidden}")
        h = self.value(
            f'linalg.generic {{indexing_maps = [{", ".join(["#id"] * (len(values) + 1))}], iterator_types = ["parallel", "parallel"]}} '
            f"ins({', '.join(values)} : {', '.join([hidden] * len(values))}) outs({empty} : {hidden}) {{\n"
            f"^bb0({', '.join(f'%a{i}: f32' for i in range(len(values)))}, %o: f32):\n{text}linalg.yield %v : f32\n}} -> {hidden}")
        part = self.value(f"tensor.extract_slice {w['down']}[0, 0] [{out}, {width}] [1, 1] : {tensor(out, f, dtype)} to "
                          f"{tensor(out, None, dtype)}")
        kind = tensor(rows[0], out, "f32")
        zeros = self.value(f"linalg.fill ins(%zero : f32) outs({self.empty(rows, out)} : {kind}) -> {kind}")
        return self.value(f"linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins({h}, {part} : {hidden}, {tensor(out, None, dtype)}) "
                          f"outs({zeros} : {kind}) -> {kind}")

    def nested(self, rows, x, w):
        d, f, dtype = self.shapes.dim, self.shapes.ffn, self.shapes.dtype

        def plain(rows, x, names):
            hidden = self.multiply(rows, x, names[0], f, d)
            hidden = self.generic(rows, f, [(hidden, "#id", tensor(rows[0], f, "f32"))], RELU)
            return self.multiply(rows, hidden, names[1], d, f)

        return self.layer(rows, x, w["inner_router"], [(w["inner_up"], (f, d), dtype), (w["inner_down"], (d, f), dtype)],
                          INNER, 2, d, plain, residual=False)

    def call(self, body, x, w, prefix, sizes):
        """The same as a function of the module."""
        d, _, out = sizes
        self.count += 1
        inside = ExpertWriter(self.shapes, self.name)
        rows, result = tensor(None, d, "f32"), tensor(None, out, "f32")
        types = [tensor(*self.slice_type(name)) for name in symbols(body, prefix).values()]
        inside.lines += [*CONSTANTS, f"%n = tensor.dim %r, %c0 : {rows}"]
        y = inside.ffn(body, (None, "%n"), "%r", {role: f"%e_{role}" for role in w}, sizes)
        parameters = ", ".join([f"%r: {rows}", *(f"%e_{role}: {kind}" for role, kind in zip(w, types, strict=True))])
        self.functions.append("\n".join([f"func.func private @{self.name}_body{self.count}({parameters}) -> {result} {{",
                                         *inside.lines, f"return {y} : {result}", "}", ""]))
        return self.value(f"func.call @{self.name}_body{self.count}({', '.join([x, *w.values()])}) : "
                          f"({', '.join([rows, *types])}) -> {result}")

    def slice_type(self, name):
        return weight_type(self.shapes, name)[1:]

    def shared(self, shared, rows, x, prefix, out):
        """The rows of an expert of all tokens."""
        s = self.shapes
        prefix = ("wide_" if shared.wide else "shared_") + prefix
        w = {role: self.weight(name) for role, name in symbols(shared.body, prefix).items()}
        y = self.ffn(shared.body, rows, x, w, (s.dim, s.ffn + 3 * shared.wide, out))
        if not shared.gate:
            return y
        gate = self.multiply(rows, x, self.weight("shared_scale"), 1, s.dim, "f32")
        return self.generic(rows, out, [(y, "#id", tensor(rows[0], out, "f32")), (gate, "#row", tensor(rows[0], 1, "f32"))],
                            SIGMOID.format("%a1") + "%s = arith.divf %one, %den : f32\n%v = arith.mulf %a0, %s : f32\n")

    def add(self, rows, x, y, width):
        kind = tensor(rows[0], width, "f32")
        return self.generic(rows, width, [(x, "#id", kind), (y, "#id", kind)], ADD)

    def reduce(self, rows, x, extents, squares):
        """Sums over the first extent after the rows."""
        kind, out = tensor(rows[0], *extents, "f32"), tensor(rows[0], *extents[1:], "f32")
        dims = ["r", *"ab"[:len(extents)]]
        empty = self.value(f"tensor.empty{f'({rows[1]})' if rows[0] is None else '()'} : {out}")
        zeros = self.value(f"linalg.fill ins(%zero : f32) outs({empty} : {out}) -> {out}")
        square = "%s = arith.mulf %a0, %a0 : f32\n" if squares else ""
        iterators = ", ".join(['"parallel"', '"reduction"', '"parallel"'][:len(dims)])
        return self.value(
            f"linalg.generic {{indexing_maps = [affine_map<({', '.join(dims)}) -> ({', '.join(dims)})>, affine_map<({', '.join(dims)}) -> "
            f"({', '.join(dims[:1] + dims[2:])})>], iterator_types = [{iterators}]}} ins({x} : {kind}) outs({zeros} : {out}) {{\n"
            f"^bb0(%a0: f32, %o: f32):\n{square}%v = arith.addf %o, {'%s' if squares else '%a0'} : f32\nlinalg.yield %v : f32\n}} "
            f"-> {out}")

    def normed(self, kind, rows, x, name, width):
        row_type, sum_type, vector = tensor(rows[0], width, "f32"), tensor(rows[0], "f32"), tensor(width, "f32")
        size = f"%size = arith.constant {float(width)} : f32\n"
        if kind == "layer":
            total = self.reduce(rows, x, (width,), False)
            x = self.generic(rows, width, [(x, "#id", row_type), (total, "#each", sum_type)],
                             size + "%m = arith.divf %a1, %size : f32\n%v = arith.subf %a0, %m : f32\n")
        if kind == "lanes" and width % 16 == 0 and width > 16:
            extent = rows[1] if rows[0] is None else rows[0]
            lanes = self.value(f"tensor.expand_shape {x} [[0], [1, 2]] output_shape [{extent}, {width // 16}, 16] : {row_type} into "
                               f"{tensor(rows[0], width // 16, 16, 'f32')}")
            squares = self.reduce(rows, self.reduce(rows, lanes, (width // 16, 16), True), (16,), False)
        else:
            squares = self.reduce(rows, x, (width,), True)
        operands = [(x, "#id", row_type), (squares, "#each", sum_type), (self.weight(name), "#column", vector)]
        text = (f"{size}%eps = arith.constant {EPSILON:.1e} : f32\n%m = arith.divf %a1, %size : f32\n%n = arith.addf %m, %eps : f32\n"
                "%r = math.sqrt %n : f32\n%i = arith.divf %one, %r : f32\n%s = arith.mulf %a0, %i : f32\n")
        if kind == "layer":
            operands.append((self.weight(f"{name}_bias"), "#column", vector))
            text += "%w = arith.mulf %s, %a2 : f32\n%v = arith.addf %w, %a3 : f32\n"
        else:
            text += "%v = arith.mulf %s, %a2 : f32\n"
        return self.generic(rows, width, operands, text)
