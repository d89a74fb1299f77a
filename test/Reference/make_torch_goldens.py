#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes torch-goldens.mlir: operations on random inputs beside PyTorch's answers.

usage: make_torch_goldens.py > torch-goldens.mlir      (needs torch)

Each function evaluates an operation and returns whether every element is within TOLERANCE of PyTorch's formula.
"""

import torch
import torch.nn.functional as F

TOLERANCE = 2e-6


def dense(tensor):
    def text(values):
        if isinstance(values, list):
            return "[" + ", ".join(text(v) for v in values) + "]"
        return f"{values:.9e}" if isinstance(values, float) else str(values)

    return f"dense<{text(tensor.tolist())}> : {type_of(tensor)}"


def type_of(tensor):
    element = "i32" if tensor.dtype == torch.int32 else "f32"
    return f"tensor<{''.join(f'{n}x' for n in tensor.shape)}{element}>"


class Function:
    """The text of one function; constants get the names they are given."""

    sizes = set()  # of the comparisons that any function makes

    def __init__(self, name, caches=()):
        self.name, self.caches = name, caches
        self.lines = []
        self.results = []  # (value, type, what test-moe-evaluate prints)

    def constants(self, **tensors):
        for name, tensor in tensors.items():
            self.lines.append(f"%{name} = arith.constant {dense(tensor)}")

    def op(self, text):
        self.lines.append(text)

    def expect_close(self, value, want):
        size = want.numel()
        self.sizes.add(size)
        flat = f"tensor<{size}xf32>"
        dims = ", ".join(map(str, range(want.dim())))
        self.op(f"%want = arith.constant {dense(want.flatten())}")
        self.op(f"%flat = tensor.collapse_shape {value} [[{dims}]] : {type_of(want)} into {flat}")
        self.op(f"%close = func.call @close_{size}(%flat, %want) : ({flat}, {flat}) -> i1")
        self.results.append(("%close", "i1", "i1 1"))

    def expect_equal(self, value, want):
        kind = type_of(want)
        rows = str(want.tolist()).replace("[[", "{{\\[\\[}}")
        self.results.append((value, kind, f"{kind[7:-1]} {rows}"))

    def print(self):
        for i, (_, _, check) in enumerate(self.results):
            print(f"// CHECK{'' if i else '-LABEL'}: {self.name} result {i}: {check}")
        arguments = ", ".join(f"%{name}: {kind}" for name, kind in self.caches)
        values, types = (", ".join(r[i] for r in self.results) for i in range(2))
        print(f"func.func @{self.name}({arguments}) -> ({types}) {{")
        for line in self.lines:
            print("  " + line)
        print(f"  return {values} : {types}\n}}\n")


def print_close(size):
    print(f"""\
func.func private @close_{size}(%a: tensor<{size}xf32>, %b: tensor<{size}xf32>) -> i1 {{
  %tolerance = arith.constant {TOLERANCE:.1e} : f32
  %true = arith.constant dense<true> : tensor<i1>
  %all = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
                         iterator_types = ["reduction"]}}
      ins(%a, %b : tensor<{size}xf32>, tensor<{size}xf32>) outs(%true : tensor<i1>) {{
  ^bb0(%x: f32, %y: f32, %acc: i1):
    %d = arith.subf %x, %y : f32
    %m = math.absf %d : f32
    %ok = arith.cmpf ole, %m, %tolerance : f32
    %both = arith.andi %acc, %ok : i1
    linalg.yield %both : i1
  }} -> tensor<i1>
  %r = tensor.extract %all[] : tensor<i1>
  return %r : i1
}}
""")


def route(name, score, experts, k, normalize):
    logits = torch.randn(5, experts)
    scores = {"softmax": lambda x: x.softmax(-1), "sigmoid": torch.sigmoid, "softmax_topk": lambda x: x}[score](logits)
    values, ids = scores.topk(k)
    if score == "softmax_topk":
        values = values.softmax(-1)
    if normalize:
        values = values / values.sum(-1, keepdim=True)
    f = Function(name)
    f.constants(logits=logits)
    f.op(f"%w, %ids = moe.route %logits top_k({k}) score({score}){' normalize(0.0)' if normalize else ''}")
    f.op(f"    : {type_of(logits)} -> {type_of(values)}, {type_of(ids.int())}")
    f.expect_close("%w", values)
    f.expect_equal("%ids", ids.int())
    return f


def layer(name, tokens, experts, k, width, inner):
    """SwiGLU experts, against a loop over all experts for all tokens."""
    x = torch.randn(tokens, width)
    gate, up = (torch.randn(experts, inner, width) * 0.3 for _ in range(2))
    down = torch.randn(experts, width, inner) * 0.3
    weights, ids = torch.randn(tokens, experts).softmax(-1).topk(k)
    want = torch.zeros(tokens, width)
    for e in range(experts):
        y = (F.silu(x @ gate[e].T) * (x @ up[e].T)) @ down[e].T
        want += y * torch.where(ids == e, weights, 0).sum(-1, keepdim=True)
    rows, plan = f"tensor<{tokens * k}x{width}xf32>", f"!moe.plan<{experts} x {k}>"
    block, hidden = f"tensor<?x{width}xf32>", f"tensor<?x{inner}xf32>"
    one, other = f"tensor<{inner}x{width}xf32>", f"tensor<{width}x{inner}xf32>"
    maps = ("indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, "
            "affine_map<(m, n, k) -> (m, n)>]")
    f = Function(name)
    f.constants(x=x, ids=ids.int(), w=weights, gate=gate, up=up, down=down)
    f.op(f"%rows, %plan = moe.dispatch %x, %ids experts({experts}) : {type_of(x)}, {type_of(ids.int())} -> {rows}, {plan}")
    f.op(f"%y = moe.expert %rows, %plan weights(%gate, %up, %down : {type_of(gate)}, {type_of(up)}, {type_of(down)}) {{")
    f.op(f"^bb0(%r: {block}, %g: {one}, %u: {one}, %d: {other}):")
    f.op("  %c0 = arith.constant 0 : index")
    f.op("  %zero = arith.constant 0.0 : f32")
    f.op("  %one = arith.constant 1.0 : f32")
    f.op(f"  %n = tensor.dim %r, %c0 : {block}")
    f.op(f"  %e = tensor.empty(%n) : {hidden}")
    f.op(f"  %i = linalg.fill ins(%zero : f32) outs(%e : {hidden}) -> {hidden}")
    f.op(f"  %a = linalg.matmul {maps} ins(%r, %g : {block}, {one}) outs(%i : {hidden}) -> {hidden}")
    f.op(f"  %b = linalg.matmul {maps} ins(%r, %u : {block}, {one}) outs(%i : {hidden}) -> {hidden}")
    f.op("  %h = linalg.map ins(%a, %b : " + f"{hidden}, {hidden}) outs(%e : {hidden})")
    f.op("    (%p: f32, %q: f32, %unused: f32) {")
    f.op("      %m = arith.negf %p : f32")
    f.op("      %x1 = math.exp %m : f32")
    f.op("      %s = arith.addf %one, %x1 : f32")
    f.op("      %silu = arith.divf %p, %s : f32")
    f.op("      %v = arith.mulf %silu, %q : f32")
    f.op("      linalg.yield %v : f32")
    f.op("    }")
    f.op(f"  %e2 = tensor.empty(%n) : {block}")
    f.op(f"  %i2 = linalg.fill ins(%zero : f32) outs(%e2 : {block}) -> {block}")
    f.op(f"  %o = linalg.matmul {maps} ins(%h, %d : {hidden}, {other}) outs(%i2 : {block}) -> {block}")
    f.op(f"  moe.yield %o : {block}")
    f.op(f"}} : {rows}, {plan} -> {rows}")
    f.op(f"%out = moe.combine %y, %plan, %w : {rows}, {plan}, {type_of(weights)} -> {type_of(x)}")
    f.expect_close("%out", want)
    return f


def attention(name, tokens, heads, kv_heads, key_dim, value_dim, window=None):
    """One chunk of positions 0..tokens-1, against masked full attention."""
    q = torch.randn(tokens, heads, key_dim)
    k, v = torch.randn(tokens, kv_heads, key_dim), torch.randn(tokens, kv_heads, value_dim)
    scale = key_dim**-0.5
    row, column = torch.arange(tokens)[:, None], torch.arange(tokens)[None]
    mask = (column <= row) & (column > row - (window or tokens))
    repeat = heads // kv_heads
    want = F.scaled_dot_product_attention(
        q.transpose(0, 1), k.transpose(0, 1).repeat_interleave(repeat, 0),
        v.transpose(0, 1).repeat_interleave(repeat, 0), attn_mask=mask, scale=scale).transpose(0, 1).contiguous()
    policy = f"sliding_window<{window}>" if window else f"static<{tokens}>"
    values = f", values = {value_dim}" if value_dim != key_dim else ""
    chunk = f", chunk = {tokens}" if window else ""
    cache = f"!moe.kv_cache<{policy}, {kv_heads} x {key_dim} x f32{values}{chunk}>"
    positions = f"tensor<{tokens}xi32>"
    f = Function(name, [("cache", cache)])
    f.constants(q=q, k=k, v=v, pos=torch.arange(tokens, dtype=torch.int32))
    f.op(f"moe.kv_append %cache, %k, %v at %pos : {cache}, {type_of(k)}, {type_of(v)}, {positions}")
    f.op(f"%a = moe.attention %q, %cache at %pos scale({scale:.9e}) : {type_of(q)}, {cache}, {positions} -> {type_of(want)}")
    f.expect_close("%a", want)
    return f


def main():
    torch.manual_seed(0)
    functions = [
        route("softmax", "softmax", 7, 3, normalize=False),
        route("softmax_normalized", "softmax", 7, 3, normalize=True),
        route("sigmoid", "sigmoid", 5, 2, normalize=True),
        route("softmax_topk", "softmax_topk", 6, 4, normalize=False),
        layer("swiglu", tokens=5, experts=5, k=2, width=6, inner=3),
        layer("dense", tokens=3, experts=3, k=3, width=4, inner=5),
        attention("causal", tokens=6, heads=4, kv_heads=2, key_dim=5, value_dim=3),
        attention("sliding", tokens=9, heads=2, kv_heads=1, key_dim=4, value_dim=4, window=3),
    ]
    print("// RUN: moe-opt %s -test-moe-evaluate -o /dev/null | FileCheck %s\n")
    print("// Made by make_torch_goldens.py.\n")
    for size in sorted(Function.sizes):
        print_close(size)
    for function in functions:
        function.print()


if __name__ == "__main__":
    main()
