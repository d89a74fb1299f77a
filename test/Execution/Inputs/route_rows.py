# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every published router as a moe.route, and the inputs on which they are compared.

Which module of transformers judges a row, or which formula, says test/Reference/make_route_goldens.py.
"""

import dataclasses
import zlib

import numpy as np

TOKENS = 256
VOCABULARY = 64


@dataclasses.dataclass
class Row:
    name: str
    clauses: str  # of moe.route, from top_k on
    top_k: int
    columns: int = 16
    shared: int = 0  # slots that shared experts add
    operands: tuple = ()  # in the order of moe.route
    tokens: int = TOKENS
    pre: str = ""  # what makes %logits out of %input, when it is not the input itself
    input_columns: int = 0  # then

    @property
    def slots(self):
        return self.top_k + self.shared


V3 = "score(sigmoid) groups<4, keep = 2, by = top2, mask = lowest> normalize(1.0e-20) scale(2.5)"
SIGMOID_BIAS = dict(top_k=4, operands=("bias",))

# The sums of two key scores, Doge's product keys: expert 4 i + j has score x_i + y_j.
PRODUCT_KEYS = """\
  %x = tensor.extract_slice %input[0, 0] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %y = tensor.extract_slice %input[0, 4] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4x4xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(t, i, j) -> (t, i)>, affine_map<(t, i, j) -> (t, j)>,
                                           affine_map<(t, i, j) -> (t, i, j)>],
                          iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %y : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x4x4xf32>
  %logits = tensor.collapse_shape %sums [[0], [1, 2]] : tensor<?x4x4xf32> into tensor<?x16xf32>
"""

ROWS = [
    Row("softmax_normalized", "top_k(4) score(softmax) normalize(0.0)", 4),
    Row("softmax", "top_k(4) score(softmax)", 4),
    Row("deepseek_v2_greedy", "top_k(4) score(softmax) scale(16.0)", 4),
    Row("deepseek_v2_groups",
        "top_k(4) score(softmax) groups<4, keep = 2, by = max, mask = zero_score> scale(16.0)", 4),
    Row("deepseek_v3", f"top_k(4) {V3}", **SIGMOID_BIAS),
    Row("deepseek_v3_not_normalized",
        "top_k(4) score(sigmoid) groups<4, keep = 2, by = top2, mask = lowest> scale(2.5)", **SIGMOID_BIAS),
    Row("deepseek_v4", "top_k(4) score(sqrt_softplus) normalize(1.0e-20) scale(1.5)", **SIGMOID_BIAS),
    Row("deepseek_v4_hash", "top_k(4) score(sqrt_softplus) normalize(1.0e-20) scale(1.5)", 4, operands=("table",)),
    Row("softmax_topk", "top_k(4) score(softmax_topk)", 4),
    Row("phimoe", "top_k(2) score(sparsemixer) jitter(0.01)", 2),
    Row("llama4", "top_k(1) score(sigmoid) on(logits)", 1),
    Row("ernie4_5", "top_k(4) score(softmax) normalize(1.0e-12, max)", **SIGMOID_BIAS),
    Row("minimax_m2", "top_k(4) score(sigmoid) normalize(0.0)", **SIGMOID_BIAS),
    Row("hy_v3", "top_k(4) score(sigmoid) normalize(1.0e-20) scale(2.5)", **SIGMOID_BIAS),
    Row("dbrx", "top_k(4) score(softmax) normalize(0.0, p = 1.0)", 4),
    Row("dbrx_p2", "top_k(4) score(softmax) normalize(0.0, p = 2.0)", 4),
    Row("gemma4", "top_k(4) score(softmax) normalize(0.0)", 4, operands=("expert_scale",)),
    Row("cohere2_sigmoid", "top_k(4) score(sigmoid) on(logits)", 4),
    Row("cohere2_sigmoid_normalized", "top_k(4) score(sigmoid) on(logits) normalize(0.0)", 4),
    Row("lfm2", "top_k(4) score(sigmoid) normalize(1.0e-6) scale(1.25)", **SIGMOID_BIAS),
    Row("longcat", "top_k(4) score(softmax) scale(6.0) null_experts<4, identity>", **SIGMOID_BIAS),
    Row("mistral4",
        "top_k(4) score(softmax) groups<4, keep = 2, by = top2, mask = zero> normalize(1.0e-20) scale(2.5)", 4),
    Row("inkling", "top_k(4) score(sigmoid) normalize(0.0) scale(2.5) shared_experts<2, scored>", columns=18, shared=2,
        operands=("bias", "expert_scale"), top_k=4),
    Row("kolibri1", "top_k(4) score(sigmoid) on(logits) normalize(0.0)", **SIGMOID_BIAS),
    Row("kolibri1_not_normalized", "top_k(4) score(sigmoid) on(logits)", **SIGMOID_BIAS),
    Row("laguna", "top_k(4) softcap(2.0) score(sigmoid) normalize(0.0)", **SIGMOID_BIAS),
    Row("zaya", "top_k(1) score(softmax) null_experts<1, skip>", top_k=1, columns=17, operands=("bias",)),
    Row("doge", "top_k(4) score(softmax_topk)", 4, pre=PRODUCT_KEYS, input_columns=8),
    Row("switch", "top_k(1) score(softmax) capacity<tokens = 12, overflow = drop>", 1),
    Row("nllb", "top_k(2) score(softmax) normalize(1.1920929e-07, max) "
        "capacity<tokens = 24, overflow = drop, first = slot, renormalize>", 2),
    Row("nllb_before_dropping", "top_k(2) score(softmax) normalize(1.1920929e-07, max) "
        "capacity<factor = 1.0, times = 2, overflow = drop, first = slot>", 2),
    Row("nllb_prioritized", "top_k(2) score(softmax) normalize(1.1920929e-07, max) "
        "capacity<tokens = 24, overflow = drop, first = weight, renormalize>", 2),
    # Not a row of the table, but clauses of the operation.
    Row("forced", "top_k(4) score(softmax) normalize(0.0)", 4, operands=("forced",)),
    Row("residual", "top_k(2) score(softmax) capacity<factor = 1.25, overflow = residual>", 2),
    Row("expert_choice", "top_k(16) score(softmax) expert_choice capacity<factor = 2.0, overflow = drop>", 16),
    Row("shared_given", "top_k(4) score(softmax) normalize(0.0) shared_experts<2, given>", 4, shared=2,
        operands=("shared_weights",)),
    Row("shared_one", "top_k(4) score(softmax) normalize(0.0) shared_experts<1, one>", 4, shared=1),
    Row("noise", "top_k(4) noise<seed = 7, stddev = 0.5> score(softmax_topk)", 4, operands=("noise_step",)),
]

# What the table of published routers names, and which row says it.
FAMILIES = {
    "mixtral": "softmax_normalized", "minimax": "softmax_normalized",
    "qwen2_moe": "softmax", "qwen3_next": "softmax_normalized", "qwen3_5_moe": "softmax_normalized",
    "qwen4_exp": "softmax_normalized",
    "qwen3_moe": "softmax_normalized", "olmoe": "softmax", "flex_olmo": "softmax", "mellum": "softmax_normalized",
    "deepseek_v2": "deepseek_v2_groups", "deepseek_v2 greedy": "deepseek_v2_greedy",
    "deepseek_v3": "deepseek_v3", "deepseek_v3 not normalized": "deepseek_v3_not_normalized",
    "deepseek_v32": "deepseek_v3", "glm4_moe": "deepseek_v3", "glm_moe_dsa": "deepseek_v3",
    "kimi_linear": "deepseek_v3", "nemotron_h": "deepseek_v3", "bailing_hybrid": "deepseek_v3",
    "exaone_moe": "deepseek_v3", "dots1": "deepseek_v3", "solar_open": "deepseek_v3", "hy_v4": "deepseek_v3",
    "deepseek_v4": "deepseek_v4", "deepseek_v4 hash": "deepseek_v4_hash",
    "gpt_oss": "softmax_topk",
    "granitemoe": "softmax_topk", "granitemoeshared": "softmax_topk", "granitemoehybrid": "softmax_topk",
    "jetmoe": "softmax_topk", "aria": "softmax_topk",
    "phimoe": "phimoe", "llama4": "llama4", "ernie4_5_moe": "ernie4_5",
    "minimax_m2": "minimax_m2", "minimax_m3_vl": "minimax_m2", "step3p7": "minimax_m2",
    "hunyuan_v1_moe": "softmax_normalized",
    "hy_v3": "hy_v3", "afmoe": "hy_v3",
    "dbrx": "dbrx", "dbrx p2": "dbrx_p2", "jamba": "softmax", "gemma4": "gemma4",
    "cohere2_moe": "softmax_topk", "cohere2_moe sigmoid": "cohere2_sigmoid",
    "cohere2_moe sigmoid normalized": "cohere2_sigmoid_normalized",
    "lfm2_moe": "lfm2", "longcat_flash": "longcat", "mistral4": "mistral4", "inkling": "inkling",
    "kolibri1": "kolibri1", "kolibri1 not normalized": "kolibri1_not_normalized",
    "laguna": "laguna", "zaya": "zaya", "doge": "doge", "switch_transformers": "switch",
    "nllb_moe": "nllb", "nllb_moe before dropping": "nllb_before_dropping", "nllb_moe prioritized": "nllb_prioritized",
}


def bits(seed, count):
    """splitmix64 of positions."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint64) + np.uint64(seed << 32) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def uniform(seed, *shape):
    """Numbers in [-1, 1) of 24 bits."""
    numbers = (bits(seed, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1
    return numbers.astype(np.float32).reshape(shape)


def seed_of(name):
    return zlib.crc32(name.encode()) & 0xFFFFFFF


def inputs(row):
    """The operands of a row by name: logits (half of the tokens on a coarse grid, so that many are equal), and what
    it names beside."""
    seed = seed_of(row.name)
    logits = 3 * uniform(seed, row.tokens, row.input_columns or row.columns)
    ties = row.tokens // 2
    logits[:ties] = np.round(logits[:ties] * 2) / 2
    choices = row.columns - (row.shared if "scored" in row.clauses else 0)
    made = {
        "logits": logits,
        "bias": np.round(uniform(seed + 1, choices) * 4) / 32,
        "expert_scale": 1 + uniform(seed + 2, row.columns) / 2,
        "forced": choose(seed + 3, row.tokens, choices, row.top_k),
        "table": choose(seed + 4, VOCABULARY, choices, row.top_k),
        "tokens": (bits(seed + 5, row.tokens) % np.uint64(VOCABULARY)).astype(np.int32),
        "shared_weights": uniform(seed + 6, row.tokens, max(row.shared, 1)),
        "noise_step": np.array([3], np.int32),
    }
    if row.name == "inkling":  # one scale for all
        made["expert_scale"][:] = np.float32(1.375)
    operands = ("logits", *row.operands)
    if "table" in operands:
        operands = (*operands, "tokens")
    return {name: made[name] for name in operands}


def choose(seed, rows, experts, k):
    """k different experts in each row."""
    return np.argsort(uniform(seed, rows, experts), axis=1)[:, :k].astype(np.int32)


def mlir_type(shape, dtype):
    return f"tensor<{'x'.join(str(n) for n in shape)}x{'i32' if dtype == np.int32 else 'f32'}>"


def function(row):
    """func.func @<name> of the operands in `inputs`' order."""
    types, arguments = {}, []
    for name, array in inputs(row).items():
        shape = [str(n) for n in array.shape]
        attribute = ""
        if name in ("logits", "forced", "tokens", "shared_weights"):
            attribute = f" {{moe.max_shape = array<i64: {', '.join(shape)}>}}"
            shape[0] = "?"
        types[name] = mlir_type(shape, array.dtype)
        arguments.append(f"%{'input' if name == 'logits' and row.pre else name}: {types[name]}{attribute}")
    logits = f"tensor<?x{row.columns}xf32>"
    weights, ids = f"tensor<?x{row.slots}xf32>", f"tensor<?x{row.slots}xi32>"
    clauses = "".join(
        f" table(%table[%tokens] : {types['table']}, {types['tokens']})" if name == "table" else
        f" {name}(%{name} : {types[name]})" for name in row.operands)
    pre = ""
    if row.pre:
        pre = f"  %c0 = arith.constant 0 : index\n  %t = tensor.dim %input, %c0 : {types['logits']}\n{row.pre}"
    return (f"func.func @{row.name}({', '.join(arguments)}) -> ({weights}, {ids}) {{\n{pre}"
            f"  %w, %i = moe.route %logits{clauses} {row.clauses} : {logits} -> {weights}, {ids}\n"
            f"  return %w, %i : {weights}, {ids}\n}}\n")


def module():
    return "\n".join(function(row) for row in ROWS)
