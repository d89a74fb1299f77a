#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares fused moe.grouped_matmul with the operations that it stands for, bit by bit.

usage: check_fused_matmul.py MOE_COMPILE WORK_DIR [OPTION OF MOE_COMPILE...]

The experts have a bias, a factor of each column and one of each pair, so that the epilogue reads operands in every
way that there is.
"""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole

TOKENS = (0, 1, 2, 9, 40)
HEADER = """#element = affine_map<(r, d) -> (r, d)>
#t_d = affine_map<(t, s, d) -> (t, d)>
#t_s = affine_map<(t, s, d) -> (t, s)>
#of_expert = affine_map<(r, n, e, t, s) -> (e, n)>
#of_column = affine_map<(r, n, e, t, s) -> (n, 0)>
#of_pair = affine_map<(r, n, e, t, s) -> (t, s)>
"""
# Of the products %p and %q, the expert's bias %b, the column's factor %c and the pair's weight %u.
ACTIVATION = """%biased = arith.addf %p, %b : f32
%n = arith.negf %biased : f32
%ex = math.exp %n : f32
%d = arith.addf %ex, %one : f32
%silu = arith.divf %biased, %d : f32
%scaled = arith.mulf %q, %c : f32
%gated = arith.mulf %silu, %scaled : f32
%v = arith.mulf %gated, %u : f32
"""


@dataclasses.dataclass(frozen=True)
class Case:
    experts: int
    top_k: int
    dim: int
    ffn: int
    dtype: str = "f32"
    init: bool = True


CASES = [
    Case(5, 2, 1, 1),
    Case(7, 7, 31, 65, init=False),
    Case(64, 8, 75, 64),
    Case(9, 6, 97, 33, "bf16"),
    Case(16, 1, 161, 51, "bf16", init=False),
]


class Emitter:
    """Lines of one entry; `tokens` None: dynamic."""

    def __init__(self, case, tokens):
        self.case = case
        self.t = "?" if tokens is None else str(tokens)
        self.r = "?" if tokens is None else str(tokens * case.top_k)
        self.x = f"tensor<{self.t}x{case.dim}xf32>"
        self.pairs = f"tensor<{self.t}x{case.top_k}xf32>"
        self.ids = f"tensor<{self.t}x{case.top_k}xi32>"
        self.hidden = f"tensor<{self.r}x{case.ffn}xf32>"
        self.lines = []
        self.count = 0

    def value(self, text):
        self.count += 1
        self.lines.append(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def empty(self, extent, kind):
        return self.value(f"tensor.empty({extent if '?' in kind else ''}) : {kind}")

    def start(self, name):
        k = self.case.top_k
        bound = max(TOKENS) if self.t == "?" else self.t
        arguments = ", ".join(
            f'%{n}: {t} {{moe.name = "{n}", moe.max_shape = array<i64: {bound}, {w}>}}'
            for n, t, w in (("x", self.x, self.case.dim), ("ids", self.ids, k), ("w", self.pairs, k)))
        self.lines += [
            f'func.func @{name}({arguments}) -> ({self.x} {{moe.name = "y"}}) {{',
            "%c0 = arith.constant 0 : index", f"%k = arith.constant {k} : index",
            "%zero = arith.constant 0.0 : f32", "%one = arith.constant 1.0 : f32",
            f"%t = tensor.dim %x, %c0 : {self.x}", "%r = arith.muli %t, %k : index",
            *(f"%{n} = moe.get_weight @{n} : {t}" for n, t in weights(self.case).items())]

    def end(self, y):
        self.lines += [f"return {y} : {self.x}", "}", ""]

    def product(self, x, x_type, names, groups, extent, out, region=""):
        types = ", ".join(weights(self.case)[n] for n in names)
        return self.value(
            f"moe.grouped_matmul {x}, {', '.join('%' + n for n in names)} {groups} "
            f"outs({self.empty(extent, out)} : {out}) {region} : {x_type}, {types}")

    def unfused(self, name):
        case, rows = self.case, f"tensor<{self.r}x{self.case.dim}xf32>"
        self.start(name)
        ids = f"ids(%ids : {self.ids})"
        p, q = (self.product("%x", self.x, [n], f"{ids} broadcast", "%r", self.hidden) for n in ("gate", "up"))
        h = self.value(f"""linalg.generic {{indexing_maps = [#element, #element, #element],
            iterator_types = ["parallel", "parallel"]}} ins({p}, {q} : {self.hidden}, {self.hidden})
            outs({self.empty("%r", self.hidden)} : {self.hidden}) {{
            ^bb0(%p: f32, %q: f32, %o: f32):
            %row = linalg.index 0 : index
            %column = linalg.index 1 : index
            %token = arith.divui %row, %k : index
            %slot = arith.remui %row, %k : index
            %id = tensor.extract %ids[%token, %slot] : {self.ids}
            %e = arith.index_cast %id : i32 to index
            %b = tensor.extract %bias[%e, %column] : {weights(case)["bias"]}
            %c = tensor.extract %factor[%column, %c0] : {weights(case)["factor"]}
            %u = tensor.extract %w[%token, %slot] : {self.pairs}
            {ACTIVATION} linalg.yield %v : f32 }} -> {self.hidden}""")
        o = self.product(h, self.hidden, ["down"], ids, "%r", rows)
        start = "%x"
        if not case.init:
            start = self.value(
                f"linalg.fill ins(%zero : f32) outs({self.empty('%t', self.x)} : {self.x}) -> {self.x}")
        self.end(self.value(f"""linalg.generic {{indexing_maps = [#t_s, #t_d],
            iterator_types = ["parallel", "reduction", "parallel"]}} ins(%w : {self.pairs}) outs({start} : {self.x}) {{
            ^bb0(%u: f32, %o: f32):
            %token = linalg.index 0 : index
            %slot = linalg.index 1 : index
            %column = linalg.index 2 : index
            %first = arith.muli %token, %k : index
            %row = arith.addi %first, %slot : index
            %value = tensor.extract {o}[%row, %column] : {rows}
            %sum = math.fma %u, %value, %o : f32
            linalg.yield %sum : f32 }} -> {self.x}"""))

    def fused(self, name, is_sorted=False, partial="", skipped=""):
        case, e = self.case, self.case.experts
        self.start(name)
        groups = gather = f"ids(%ids : {self.ids})"
        inverse = ""
        if is_sorted:
            types = [f"tensor<{e + 1}xi32>", f"tensor<{self.r}xi32>", self.ids]
            outs = [self.empty(n, t) for n, t in zip(("", "%r", "%t"), types, strict=True)]
            self.lines.append(f"%off, %order, %inverse = moe.sort_tokens %ids experts({e}) "
                              f"outs({', '.join(outs)} : {', '.join(types)}) : {self.ids}")
            groups = f"offsets(%off : {types[0]})"
            gather = f"{groups} order(%order : {types[1]}) top_k({case.top_k})"
            inverse = f"inverse(%inverse : {self.ids})"
        kinds = ", ".join((weights(case)["bias"], weights(case)["factor"], self.pairs))
        h = self.product(
            "%x", self.x, ["gate", "up"],
            f"{gather} broadcast {partial} "
            f"epilogue(%bias, %factor, %w : {kinds}) maps([#of_expert, #of_column, #of_pair])",
            "%r", self.hidden,
            f"{{\n^bb0(%p: f32, %q: f32, %b: f32, %c: f32, %u: f32):\n{ACTIVATION}moe.yield %v : f32\n}}")
        init = f"init(%x : {self.x})" if case.init else ""
        self.end(self.product(
            h, self.hidden, ["down"], f"{groups} {partial} combine(%w : {self.pairs}) {inverse} {skipped} {init}", "%t", self.x))


def weights(case):
    e, d, f = case.experts, case.dim, case.ffn
    wide = f"tensor<{e}x{f}x{d}x{case.dtype}>"
    return {"gate": wide, "up": wide, "down": f"tensor<{e}x{d}x{f}x{case.dtype}>",
            "bias": f"tensor<{e}x{f}xf32>", "factor": f"tensor<{f}x1xf32>"}


def write_module(case):
    entries = {
        "unfused": (None, lambda e, n: e.unfused(n)),
        "ids": (None, lambda e, n: e.fused(n)),
        "ids_1": (1, lambda e, n: e.fused(n)),
        "sorted": (None, lambda e, n: e.fused(n, is_sorted=True)),
        "sorted_2": (2, lambda e, n: e.fused(n, is_sorted=True)),
        "partial": (None, lambda e, n: e.fused(n, partial="partial")),
        "skipped": (None, lambda e, n: e.fused(n, partial="partial", skipped=f"skipped(%x : {e.x})")),
    }
    text = [HEADER]
    for seed, (name, kind) in enumerate(weights(case).items(), 1):
        text.append(f"moe.weight @{name} : {kind} from #moe.random<seed = {seed}, scale = 0.5>")
    for name, (tokens, write) in entries.items():
        emitter = Emitter(case, tokens)
        write(emitter, name)
        text += emitter.lines
    return "\n".join(text), {name: tokens for name, (tokens, _) in entries.items()}


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def check_case(moe_compile, options, work, case):
    text, entries = write_module(case)
    (work / "fused.mlir").write_text(text)
    subprocess.run([moe_compile, work / "fused.mlir", "-o", work / f"{case}.moe", *options], check=True)
    artefact = Artefact(work / f"{case}.moe")

    draw = np.random.default_rng(3)
    x = draw.standard_normal((max(TOKENS), case.dim)).astype(np.float32)
    w = draw.standard_normal((max(TOKENS), case.top_k)).astype(np.float32)
    # Half of the tokens choose the same experts, so that some experts have many rows and some none.
    ids = np.stack([draw.permutation(case.experts)[:case.top_k] for _ in x]).astype(np.int32)
    ids[::2] = ids[0]
    (expected,) = artefact.call("unfused", [x, ids, w], run_whole)
    check(np.isfinite(expected).all() and (expected != 0).any(), f"{case}: {expected}")
    for entry in ("ids", "ids_1", "sorted", "sorted_2", "partial", "skipped"):
        for tokens in TOKENS if entries[entry] is None else (entries[entry],):
            for split in (run_whole, run_split):
                (y,) = artefact.call(entry, [x[:tokens], ids[:tokens], w[:tokens]], split)
                check(y.tobytes() == expected[:tokens].tobytes(), f"{case}: {entry}, {tokens} tokens: other bits")

    # A skipped pair adds nothing, like one of weight 0, or its share of the token.
    is_skipped = draw.random(ids.shape) < 0.4
    kept = np.where(is_skipped, np.float32(0), w)
    (expected,) = artefact.call("unfused", [x, ids, kept], run_whole)
    some = np.where(is_skipped, np.int32(case.experts), ids)
    (y,) = artefact.call("partial", [x, some, w], run_split)
    check((y == expected).all(), f"{case}: skipped pairs: other bits")
    (y,) = artefact.call("skipped", [x, some, w], run_split)
    share = (w - kept).sum(axis=1, keepdims=True) * x
    scale = np.abs(expected) + np.abs(w - kept).sum(axis=1, keepdims=True) * np.abs(x)
    check((np.abs(y - expected - share) <= 1e-5 * scale.max()).all(), f"{case}: tokens of skipped pairs")
    print(f"ok {case}")


def main():
    moe_compile, work, *options = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        check_case(moe_compile, options, work, case)


main()
