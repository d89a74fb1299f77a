# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions of training graphs, whose gradients are compared with PyTorch's.

Each case is a function on tensors. make_training_goldens.py gives it random inputs and asks PyTorch for the answers;
check_training.py runs the function and what moe-differentiate makes of it.
"""

import dataclasses

MAPS = """#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#id1 = affine_map<(d) -> (d)>
#id = affine_map<(r, d) -> (r, d)>
#row = affine_map<(r, d) -> (r)>
#column = affine_map<(r, d) -> (d)>
#none1 = affine_map<(d) -> ()>
#none = affine_map<(r, d) -> ()>
"""
MAX_TOKENS = 32


def tensor(*extents, dtype="f32"):
    return f"tensor<{''.join('?x' if e is None else f'{e}x' for e in extents)}{dtype}>"


def bounded(kind):
    """A type as that of an argument or result."""
    extents = kind[len("tensor<"):-1].split("x")[:-1]
    if "?" not in extents:
        return kind
    shape = ", ".join(str(MAX_TOKENS) if e == "?" else e for e in extents)
    return f"{kind} {{moe.max_shape = array<i64: {shape}>}}"


@dataclasses.dataclass
class Case:
    """`settings` is what the golden's formula needs to know."""

    name: str
    arguments: dict  # name: type
    body: list
    results: list  # (value, type)
    settings: dict

    def text(self):
        arguments = ", ".join(f"%{name}: {bounded(kind)}" for name, kind in self.arguments.items())
        values, types = (", ".join(r[i] for r in self.results) for i in range(2))
        results = ", ".join(bounded(kind) for _, kind in self.results)
        lines = "".join(f"  {line}\n" for line in self.body)
        return f"func.func private @{self.name}({arguments}) -> ({results}) {{\n{lines}  return {values} : {types}\n}}\n"


CASES = []


def add(name, arguments, body, results, **settings):
    CASES.append(Case(name, arguments, body, results, settings))


LOSS = "tensor<f32>"
T = None  # as many tokens as a call has


def losses(name, experts, k, mask=False, batch=None, scale=0.25):
    """Counts and the balance loss of [T, E] or, with batch (B, S), of [B, S, E]; the others of [T, E]."""
    rows = batch or (T,)
    scores, ids = tensor(*rows, experts), tensor(*rows, k, dtype="i32")
    counts = tensor(*rows[:-1], experts, dtype="i32")
    mask_type = tensor(*rows, dtype="i32")
    masked = f" mask(%mask : {mask_type})" if mask else ""
    arguments = {"scores": scores, "ids": ids} | ({"mask": mask_type} if mask else {})
    settings = {"experts": experts, "k": k, "scale": scale}
    add(f"balance_{name}", arguments, [
        f"%c = moe.count_experts %ids experts({experts}){masked} : {ids} -> {counts}",
        f"%l = moe.balance_loss %scores, %c top_k({k}){masked} scale({scale}) : {scores}, {counts}",
    ], [("%l", LOSS), ("%c", counts)], kind="balance", **settings)
    if batch:
        return
    arguments = {name: kind for name, kind in arguments.items() if name != "ids"}
    add(f"variation_{name}", arguments, [f"%l = moe.variation_loss %scores{masked} scale({scale}) : {scores}"],
        [("%l", LOSS)], kind="variation", **settings)
    add(f"z_{name}", arguments, [f"%l = moe.z_loss %scores{masked} scale({scale}) : {scores}"], [("%l", LOSS)],
        kind="z", **settings)
    add(f"load_{name}", {"logits": scores, "noisy": scores}, [
        f"%p = moe.win_probability %logits, %noisy top_k({k}){' sigma(0.5)' if mask else ''} : {scores}",
        f"%l = moe.variation_loss %p scale({scale}) : {scores}",
    ], [("%l", LOSS), ("%p", scores)], kind="load", sigma=0.5 if mask else 1 / experts, **settings)


for _name, _experts, _k in (("some", 5, 2), ("one", 1, 1), ("all", 3, 3), ("many", 19, 4)):
    losses(_name, _experts, _k)
    losses(_name + "_masked", _experts, _k, mask=True, scale=1.0)
losses("sequences", 5, 2, batch=(3, 7))
losses("sequences_masked", 4, 3, batch=(3, 5), mask=True)
losses("sequences_none", 4, 3, batch=(0, 5))
losses("sequences_empty", 4, 3, batch=(2, 0))

for _experts in (1, 6):
    _bias, _counts = tensor(_experts), tensor(_experts, dtype="i32")
    add(f"update_bias_{_experts}", {"bias": _bias, "counts": _counts},
        [f"%u = moe.update_bias %bias, %counts rate(0.125) : {_bias}, {_counts}"], [("%u", _bias)], kind="update_bias")


def route(name, experts, k, score, bias=False, clauses="", with_scores=False, expert_scale=False, **settings):
    """`clauses` come after the score; what they mean is in the settings."""
    logits, weights, ids = tensor(T, experts), tensor(T, k), tensor(T, k, dtype="i32")
    vector = tensor(experts)
    arguments = {"logits": logits} | ({"bias": vector} if bias else {}) | ({"by": vector} if expert_scale else {})
    operands = (f" bias(%bias : {vector})" if bias else "") + (f" expert_scale(%by : {vector})" if expert_scale else "")
    scores = [("%s", logits)] if with_scores else []
    softcap = f" softcap({settings['softcap']})" if "softcap" in settings else ""
    add(f"route_{name}", arguments, [
        f"%w, %ids{', %s' if with_scores else ''} = moe.route %logits{operands} top_k({k}){softcap} score({score}) {clauses}",
        f"    {'with_scores ' if with_scores else ''}: {logits} -> {weights}, {ids}{f', {logits}' if with_scores else ''}",
    ], [("%w", weights), *scores, ("%ids", ids)], kind="route", k=k, score=score, with_scores=with_scores, **settings)


route("softmax", 7, 3, "softmax")
route("softmax_divided", 7, 3, "softmax", clauses="normalize(1.0e-3) scale(2.5)", normalize=1e-3, scale=2.5)
route("sigmoid", 7, 3, "sigmoid")
route("sigmoid_biased", 8, 4, "sigmoid", bias=True, clauses="normalize(1.0e-20) scale(2.5)", normalize=1e-20, scale=2.5)
route("chosen", 7, 3, "softmax_topk", clauses="scale(0.5)", scale=0.5)
route("all", 4, 4, "softmax_topk")
route("one", 1, 1, "softmax")
route("softcap", 7, 3, "sigmoid", softcap=1.5)
route("softplus", 7, 3, "sqrt_softplus", clauses="normalize(0.5, max) scale(1.5)", normalize=0.5, largest=True, scale=1.5)
route("none", 7, 3, "none")
route("scaled", 7, 3, "softmax", expert_scale=True, with_scores=True)
route("chosen_scores", 7, 3, "softmax_topk", with_scores=True)
route("groups", 8, 3, "sigmoid", clauses="groups<4, keep = 2, by = max, mask = lowest>", groups=(4, 2))
route("capacity", 7, 3, "softmax", clauses="capacity<tokens = 4, overflow = drop>", capacity=4)


def elementwise(name, count, *lines):
    """result[i] = f(a[i], b[i], c[i]); the lines are over %a, %b and %c and end with %v."""
    names = "abc"[:count]
    vector = tensor(24)
    add(f"scalar_{name}", {n: vector for n in names}, [
        f"%e = tensor.empty() : {vector}",
        f"%y = linalg.generic {{indexing_maps = [{', '.join(['#id1'] * (count + 1))}], iterator_types = [\"parallel\"]}}",
        f"    ins({', '.join(f'%{n}' for n in names)} : {', '.join([vector] * count)}) outs(%e : {vector}) {{",
        f"^bb0({', '.join(f'%{n}_: f32' for n in names)}, %o: f32):",
        *("  " + line.replace("%a", "%a_").replace("%b", "%b_").replace("%c", "%c_") for line in lines),
        "  linalg.yield %v : f32",
        f"}} -> {vector}",
    ], [("%y", vector)], kind="scalar", function=name)


for _function in ("exp", "log", "log1p", "sqrt", "rsqrt", "tanh", "erf", "sin", "cos", "absf"):
    elementwise(_function, 1, f"%v = math.{_function} %a : f32")
elementwise("negf", 1, "%v = arith.negf %a : f32")
for _function in ("addf", "subf", "mulf", "divf", "maximumf", "minimumf", "maxnumf", "minnumf"):
    elementwise(_function, 2, f"%v = arith.{_function} %a, %b : f32")
elementwise("fma", 3, "%v = math.fma %a, %b, %c : f32")
elementwise("select", 3, "%p = arith.cmpf ogt, %a, %b : f32", "%q = arith.mulf %b, %c : f32",
            "%v = arith.select %p, %q, %c : f32")


def rows_operations():
    """A softmax of rows, an RMS norm with a gain, and what moves elements."""
    x, gain, sums = tensor(T, 6), tensor(6), tensor(T)
    add("rows", {"x": x, "gain": gain}, [
        "%c0 = arith.constant 0 : index",
        "%zero = arith.constant 0.0 : f32",
        "%lowest = arith.constant 0xFF800000 : f32",
        f"%t = tensor.dim %x, %c0 : {x}",
        f"%e = tensor.empty(%t) : {sums}",
        f"%z = linalg.fill ins(%zero : f32) outs(%e : {sums}) -> {sums}",
        f"%l = linalg.fill ins(%lowest : f32) outs(%e : {sums}) -> {sums}",
        "%m = linalg.generic {indexing_maps = [#id, #row], iterator_types = [\"parallel\", \"reduction\"]}",
        f"    ins(%x : {x}) outs(%l : {sums}) {{",
        "^bb0(%v: f32, %acc: f32):",
        "  %n = arith.maximumf %acc, %v : f32",
        "  linalg.yield %n : f32",
        f"}} -> {sums}",
        f"%b = tensor.empty(%t) : {x}",
        f"%mb = linalg.broadcast ins(%m : {sums}) outs(%b : {x}) dimensions = [1]",
        f"%d = arith.subf %x, %mb : {x}",
        f"%p = math.exp %d : {x}",
        f"%s = linalg.reduce {{ arith.addf }} ins(%p : {x}) outs(%z : {sums}) dimensions = [1]",
        f"%sb = linalg.broadcast ins(%s : {sums}) outs(%b : {x}) dimensions = [1]",
        f"%soft = arith.divf %p, %sb : {x}",
        "%q = linalg.generic {indexing_maps = [#id, #row], iterator_types = [\"parallel\", \"reduction\"]}",
        f"    ins(%x : {x}) outs(%z : {sums}) {{",
        "^bb0(%v: f32, %acc: f32):",
        "  %n = math.fma %v, %v, %acc : f32",
        "  linalg.yield %n : f32",
        f"}} -> {sums}",
        "%norm = linalg.generic {indexing_maps = [#id, #row, #column, #id], iterator_types = [\"parallel\", \"parallel\"]}",
        f"    ins(%x, %q, %gain : {x}, {sums}, {gain}) outs(%b : {x}) {{",
        "^bb0(%v: f32, %sq: f32, %g: f32, %o: f32):",
        "  %six = arith.constant 6.0 : f32",
        "  %eps = arith.constant 1.0e-3 : f32",
        "  %mean = arith.divf %sq, %six : f32",
        "  %more = arith.addf %mean, %eps : f32",
        "  %r = math.rsqrt %more : f32",
        "  %n = arith.mulf %v, %r : f32",
        "  %ng = arith.mulf %n, %g : f32",
        "  linalg.yield %ng : f32",
        f"}} -> {x}",
        f"%y = arith.mulf %soft, %norm : {x}",
    ], [("%y", x)], kind="rows")
    fixed, flat, part = tensor(4, 6), tensor(24), tensor(2, 3)
    add("moved", {"x": fixed, "y": part}, [
        f"%f = tensor.collapse_shape %x [[0, 1]] : {fixed} into {flat}",
        f"%g = arith.mulf %f, %f : {flat}",
        f"%h = tensor.expand_shape %g [[0, 1]] output_shape [4, 6] : {flat} into {fixed}",
        f"%s = tensor.extract_slice %h[1, 2] [2, 3] [1, 1] : {fixed} to {part}",
        f"%p = arith.mulf %s, %y : {part}",
        f"%i = tensor.insert_slice %p into %h[2, 0] [2, 3] [1, 1] : {part} into {fixed}",
        f"%c = tensor.cast %i : {fixed} to {tensor(None, 6)}",
        f"%k = tensor.cast %c : {tensor(None, 6)} to {fixed}",
        f"%z = arith.mulf %k, %x : {fixed}",
    ], [("%z", fixed)], kind="moved")


rows_operations()


def transposes(experts, k):
    """<dispatch(x), y> and <x, combine of y with weights 1>."""
    pairs, x, ids, ones = tensor(None, 6), tensor(T, 6), tensor(T, k, dtype="i32"), tensor(T, k)

    def dot(name, a, b, kind):
        return [
            f"%z{name} = linalg.fill ins(%zero : f32) outs(%e : {LOSS}) -> {LOSS}",
            f"%{name} = linalg.generic {{indexing_maps = [#id, #id, #none], iterator_types = [\"reduction\", \"reduction\"]}}",
            f"    ins({a}, {b} : {kind}, {kind}) outs(%z{name} : {LOSS}) {{",
            "^bb0(%p: f32, %q: f32, %acc: f32):",
            "  %s = math.fma %p, %q, %acc : f32",
            "  linalg.yield %s : f32",
            f"}} -> {LOSS}",
        ]

    add(f"transposes_{experts}", {"x": x, "ids": ids, "y": tensor(T, k, 6)}, [
        "%zero = arith.constant 0.0 : f32",
        "%one = arith.constant 1.0 : f32",
        "%c0 = arith.constant 0 : index",
        f"%t = tensor.dim %x, %c0 : {x}",
        f"%e = tensor.empty() : {LOSS}",
        f"%eo = tensor.empty(%t) : {ones}",
        f"%ones = linalg.fill ins(%one : f32) outs(%eo : {ones}) -> {ones}",
        f"%yr = tensor.collapse_shape %y [[0, 1], [2]] : {tensor(T, k, 6)} into {pairs}",
        f"%rows, %plan = moe.dispatch %x, %ids experts({experts}) : {x}, {ids} -> {pairs}, !moe.plan<{experts} x {k}>",
        f"%back = moe.combine %yr, %plan, %ones : {pairs}, !moe.plan<{experts} x {k}>, {ones} -> {x}",
        *dot("a", "%rows", "%yr", pairs),
        *dot("b", "%x", "%back", x),
    ], [("%a", LOSS), ("%b", LOSS)], kind="transposes", experts=experts)


transposes(5, 2)
transposes(1, 1)
transposes(3, 3)


def matmul(name, x, w, rows, width, out):
    """x [rows, width] times w [out, width], transposed; rows is "?", with the number in %n."""
    result = tensor(None, out)
    return [
        f"%{name}_e = tensor.empty(%n) : {result}",
        f"%{name}_z = linalg.fill ins(%zero : f32) outs(%{name}_e : {result}) -> {result}",
        f"%{name} = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins({x}, {w} : {rows}, {tensor(out, width)})",
        f"    outs(%{name}_z : {result}) -> {result}",
    ]


def layer(name, experts, k, score, dim=6, ffn=9, body="swiglu", balance=False):
    """A router and its experts; with `balance`, a training loss: squared distance + auxiliary losses."""
    x, hidden = tensor(T, dim), tensor(None, ffn)
    logits, weights, ids = tensor(T, experts), tensor(T, k), tensor(T, k, dtype="i32")
    expert_weights = {"up": (ffn, dim), "down": (dim, ffn)}
    expert_weights |= {"gate": (ffn, dim)} if body == "swiglu" else {"shift": (ffn,)}
    arguments = {"x": x, "router": tensor(experts, dim)}
    arguments |= {n: tensor(experts, *shape) for n, shape in expert_weights.items()}
    arguments |= {"target": x} if balance else {}
    names = ", ".join(f"%{n}" for n in expert_weights)
    types = ", ".join(arguments[n] for n in expert_weights)
    blocks = ", ".join(f"%{n}_1: {tensor(*shape)}" for n, shape in expert_weights.items())
    activation = {
        "swiglu": ("%gate_p", "%up_p", "#id", hidden, [
            "%neg = arith.negf %p : f32", "%x1 = math.exp %neg : f32", "%den = arith.addf %one, %x1 : f32",
            "%act = arith.divf %p, %den : f32", "%v = arith.mulf %act, %q : f32"]),
        # gelu(up x + shift)
        "gelu": ("%up_p", "%shift_1", "#column", tensor(ffn), [
            "%half = arith.constant 0.5 : f32", "%root = arith.constant 0.70710678 : f32",
            "%s = arith.addf %p, %q : f32", "%sr = arith.mulf %s, %root : f32", "%er = math.erf %sr : f32",
            "%er1 = arith.addf %one, %er : f32", "%sh = arith.mulf %s, %half : f32", "%v = arith.mulf %sh, %er1 : f32"]),
    }[body]
    a, b, b_map, b_type, lines = activation
    text = [
        "%zero = arith.constant 0.0 : f32",
        "%one = arith.constant 1.0 : f32",
        "%c0 = arith.constant 0 : index",
        f"%n = tensor.dim %x, %c0 : {x}",
        *matmul("logits", "%x", "%router", x, dim, experts),
        f"%w, %ids = moe.route %logits top_k({k}) {score} : {logits} -> {weights}, {ids}",
        f"%rows, %plan = moe.dispatch %x, %ids experts({experts}) : {x}, {ids} -> {x}, !moe.plan<{experts} x {k}>",
        f"%y = moe.expert %rows, %plan weights({names} : {types}) {{",
        f"^bb0(%r: {x}, {blocks}):",
        f"  %n = tensor.dim %r, %c0 : {x}",
        *("  " + line for line in matmul("up_p", "%r", "%up_1", x, dim, ffn)),
        *("  " + line for line in (matmul("gate_p", "%r", "%gate_1", x, dim, ffn) if body == "swiglu" else ())),
        f"  %h = linalg.generic {{indexing_maps = [#id, {b_map}, #id], iterator_types = [\"parallel\", \"parallel\"]}}",
        f"      ins({a}, {b} : {hidden}, {b_type}) outs(%up_p_e : {hidden}) {{",
        "  ^bb1(%p: f32, %q: f32, %unused: f32):",
        *("    " + line for line in lines),
        "    linalg.yield %v : f32",
        f"  }} -> {hidden}",
        *("  " + line for line in matmul("o", "%h", "%down_1", hidden, ffn, dim)),
        f"  moe.yield %o : {x}",
        f"}} : {x}, !moe.plan<{experts} x {k}> -> {x}",
        f"%out = moe.combine %y, %plan, %w residual(%x : {x}) : {x}, !moe.plan<{experts} x {k}>, {weights} -> {x}",
    ]
    # The name %n is taken inside the region by its own rows.
    inside = text.index(f"^bb0(%r: {x}, {blocks}):")
    for i in range(inside, text.index(f"  moe.yield %o : {x}")):
        text[i] = text[i].replace("(%n)", "(%m)").replace("%n =", "%m =")
    results = [("%out", x)]
    if balance:
        counts = tensor(experts, dtype="i32")
        text += [
            f"%c = moe.count_experts %ids experts({experts}) : {ids} -> {counts}",
            f"%lb = moe.balance_loss %logits, %c top_k({k}) scale(0.5) : {logits}, {counts}",
            f"%lz = moe.z_loss %logits scale(0.25) : {logits}",
            f"%lv = moe.variation_loss %w scale(0.125) : {weights}",
            f"%e0 = tensor.empty() : {LOSS}",
            f"%z0 = linalg.fill ins(%zero : f32) outs(%e0 : {LOSS}) -> {LOSS}",
            "%sq = linalg.generic {indexing_maps = [#id, #id, #none], iterator_types = [\"reduction\", \"reduction\"]}",
            f"    ins(%out, %target : {x}, {x}) outs(%z0 : {LOSS}) {{",
            "^bb0(%p: f32, %q: f32, %acc: f32):",
            "  %d = arith.subf %p, %q : f32",
            "  %s = math.fma %d, %d, %acc : f32",
            "  linalg.yield %s : f32",
            f"}} -> {LOSS}",
            f"%l1 = arith.addf %sq, %lb : {LOSS}",
            f"%l2 = arith.addf %l1, %lz : {LOSS}",
            f"%l3 = arith.addf %l2, %lv : {LOSS}",
        ]
        results = [("%l3", LOSS)]
    add(f"layer_{name}", arguments, text, results, kind="layer", k=k, score=score, expert=body, balance=balance)


layer("swiglu", 5, 2, "score(softmax)")
layer("sigmoid", 16, 3, "score(sigmoid) normalize(1.0e-20) scale(2.5)")
layer("gelu", 4, 2, "score(softmax_topk)", body="gelu")
layer("one", 1, 1, "score(softmax)")
layer("all", 3, 3, "score(softmax)", body="gelu")
layer("loss", 5, 2, "score(softmax) normalize(0.0)", balance=True)


def module():
    return MAPS + "".join(case.text() for case in CASES)
