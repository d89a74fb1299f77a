#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the tiny random checkpoints of test/Models/tiny and transformers' answers on them.

usage: make_goldens.py [NAME...]      (needs torch and transformers 5.23; no NAME = all)

Each model directory is what `save_pretrained` writes, plus
  golden.json  seed, prompts, greedy continuations, smallest top-2 logit and router gaps on the way
  golden.npz   f32 logits of the last prompt position, one array per prompt: "1", "37", "300"

All arithmetic is f32 on the weights as stored (f32, bf16 or f16). Seeds are searched upward until every
greedy step is clear by MIN_LOGIT_GAP and every routing decision by MIN_ROUTER_GAP, so that another order of
summation cannot change a token, and every continuation has MIN_DISTINCT different tokens.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    OlmoeConfig,
    OlmoeForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

ROOT = pathlib.Path(__file__).parent / "tiny"
PROMPT_LENGTHS = (1, 37, 300)
NEW_TOKENS = 24
MIN_LOGIT_GAP = 1e-3
MIN_ROUTER_GAP = 1e-5
MIN_DISTINCT = 5
COMMON = {"num_hidden_layers": 2, "max_position_embeddings": 400, "pad_token_id": None}


def rope(theta):
    return {"rope_type": "default", "rope_theta": theta}


def mixtral(**kw):
    return MixtralForCausalLM, MixtralConfig(**(COMMON | {"bos_token_id": 1, "eos_token_id": 2} | kw))


def olmoe(**kw):
    return OlmoeForCausalLM, OlmoeConfig(**(COMMON | {"bos_token_id": None, "eos_token_id": 3} | kw))


def qwen3_moe(**kw):
    return Qwen3MoeForCausalLM, Qwen3MoeConfig(**(COMMON | {"bos_token_id": 5, "eos_token_id": 7} | kw))


# name: (class and config, dtype on disk, spelling of config.json's keys, sharded)
MODELS = {
    "mixtral-e5k2": (
        mixtral(vocab_size=131, hidden_size=48, intermediate_size=40, num_attention_heads=4,
                num_key_value_heads=2, num_local_experts=5, num_experts_per_tok=2,
                rope_parameters=rope(1e6)),
        torch.float32, "new", False),
    "mixtral-window29-e7k3": (
        mixtral(vocab_size=211, hidden_size=64, intermediate_size=56, num_attention_heads=6,
                num_key_value_heads=3, head_dim=10, num_local_experts=7, num_experts_per_tok=3,
                num_hidden_layers=3, sliding_window=29, rope_parameters=rope(1e4)),
        torch.bfloat16, "old", False),
    "mixtral-tied-e1k1": (
        mixtral(vocab_size=101, hidden_size=36, intermediate_size=72, num_attention_heads=5,
                num_key_value_heads=1, head_dim=14, num_local_experts=1, num_experts_per_tok=1,
                tie_word_embeddings=True, rope_parameters=rope(1e4)),
        torch.float16, "new", False),
    "mixtral-window101-e11k11": (
        mixtral(vocab_size=163, hidden_size=40, intermediate_size=33, num_attention_heads=4,
                num_key_value_heads=4, head_dim=6, num_local_experts=11, num_experts_per_tok=11,
                sliding_window=101, rope_parameters=rope(1e6)),
        torch.bfloat16, "new", True),
    "olmoe-e7k3": (
        olmoe(vocab_size=151, hidden_size=60, intermediate_size=44, num_attention_heads=6,
              num_key_value_heads=2, num_experts=7, num_experts_per_tok=3, norm_topk_prob=False,
              rope_parameters=rope(1e4)),
        torch.float32, "new", True),
    "olmoe-clip-e11k4": (
        olmoe(vocab_size=199, hidden_size=80, intermediate_size=35, num_attention_heads=5,
              num_key_value_heads=5, num_experts=11, num_experts_per_tok=4, norm_topk_prob=True,
              clip_qkv=0.75, rope_parameters=rope(1e4)),
        torch.bfloat16, "old", False),
    "olmoe-bias-tied-e5k5": (
        olmoe(vocab_size=331, hidden_size=56, intermediate_size=51, num_attention_heads=4,
              num_key_value_heads=1, num_experts=5, num_experts_per_tok=5, norm_topk_prob=False,
              num_hidden_layers=3, attention_bias=True, clip_qkv=1.5, tie_word_embeddings=True,
              rope_parameters=rope(5e5)),
        torch.float16, "new", False),
    "qwen3-moe-dense0-tied-e5k2": (
        qwen3_moe(vocab_size=173, hidden_size=32, intermediate_size=75, moe_intermediate_size=24,
                  num_attention_heads=4, num_key_value_heads=2, head_dim=20, num_hidden_layers=3,
                  num_local_experts=5, num_experts_per_tok=2, norm_topk_prob=True,
                  mlp_only_layers=[0], tie_word_embeddings=True, rope_parameters=rope(1e4)),
        torch.bfloat16, "old", False),
    "qwen3-moe-step2-bias-e7k7": (
        qwen3_moe(vocab_size=239, hidden_size=72, intermediate_size=57, moe_intermediate_size=28,
                  num_attention_heads=6, num_key_value_heads=2, head_dim=16, num_hidden_layers=3,
                  num_local_experts=7, num_experts_per_tok=7, norm_topk_prob=False,
                  decoder_sparse_step=2, attention_bias=True, rope_parameters=rope(1e6)),
        torch.float32, "new", False),
    "qwen3-moe-window23-e11k3": (
        qwen3_moe(vocab_size=257, hidden_size=44, intermediate_size=40, moe_intermediate_size=31,
                  num_attention_heads=3, num_key_value_heads=3, head_dim=12,
                  num_local_experts=11, num_experts_per_tok=3, norm_topk_prob=True,
                  use_sliding_window=True, sliding_window=23, rope_parameters=rope(1e5)),
        torch.float16, "old", True),
}


def randomise(model, generator):
    """Weights at a scale where logits, routing and attention all vary clearly from token to token."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator, dtype=torch.float32)
        if name.endswith("norm.weight"):
            value = 1 + 0.2 * noise
        elif name.endswith("bias"):
            value = 0.3 * noise
        elif "embed_tokens" in name:
            # A tied head would only repeat its input if the embedding ruled the residual stream.
            value = (0.15 if model.config.tie_word_embeddings else 1.0) * noise
        else:
            gain = 2.0 if "gate.weight" in name or "lm_head" in name else 1.3
            value = gain * noise / p.shape[-1] ** 0.5
        p.data.copy_(value)


def to_old_spelling(path):
    """config.json as files made before transformers 5 spell it."""
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["rope_scaling"] = None
    if config["model_type"] == "qwen3_moe":
        config["num_experts"] = config.pop("num_local_experts")
        config["max_window_layers"] = config["num_hidden_layers"]
    config["transformers_version"] = "4.51.0"
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def router_gap(scores, k):
    """Distance between the last expert taken and the first one left out."""
    if k == scores.shape[-1]:
        return float("inf")
    top = scores.topk(k + 1, dim=-1).values
    return float((top[..., k - 1] - top[..., k]).min())


@torch.no_grad()
def answer(model, prompt):
    """Greedy tokens, last-position logits, and the smallest gaps along the path."""
    x = torch.tensor([prompt])
    y = model.generate(x, attention_mask=torch.ones_like(x), max_new_tokens=NEW_TOKENS,
                       min_new_tokens=NEW_TOKENS, do_sample=False)
    new = y[0, len(prompt):].tolist()
    out = model(input_ids=y[:, :-1], use_cache=False, output_router_logits=True)
    path = out.logits[0, len(prompt) - 1:]
    if path.argmax(-1).tolist() != new:
        raise ValueError("generate with a cache and the full forward pass disagree")
    top = path.topk(2).values
    k = model.config.num_experts_per_tok
    gap = min(router_gap(r.softmax(-1), k) for r in out.router_logits)
    return new, path[0].numpy(), float((top[:, 0] - top[:, 1]).min()), gap


def build(name, seed):
    """Writes the checkpoint and its answers; None when a decision is too close or the text too dull."""
    (cls, config), dtype, spelling, sharded = MODELS[name]
    generator = torch.Generator().manual_seed(seed)
    out = ROOT / name
    shutil.rmtree(out, ignore_errors=True)
    model = cls(config)
    randomise(model, generator)
    model.to(dtype).save_pretrained(out, max_shard_size="48KB" if sharded else "1GB")
    (out / "generation_config.json").unlink(missing_ok=True)
    if spelling == "old":
        to_old_spelling(out / "config.json")
    model = AutoModelForCausalLM.from_pretrained(
        out, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager").eval()
    model.generation_config.eos_token_id = None  # every prompt gets all its tokens

    golden = {"seed": seed, "new_tokens": NEW_TOKENS, "prompts": []}
    logits = {}
    for length in PROMPT_LENGTHS:
        prompt = torch.randint(config.vocab_size, (length,), generator=generator).tolist()
        new, last, logit_gap, expert_gap = answer(model, prompt)
        if (logit_gap < MIN_LOGIT_GAP or expert_gap < MIN_ROUTER_GAP
                or len(set(new)) < MIN_DISTINCT):
            return None
        golden["prompts"].append({
            "prompt_ids": prompt, "new_ids": new, "min_top2_gap": round(logit_gap, 6),
            "min_router_gap": None if expert_gap == float("inf") else round(expert_gap, 7)})
        logits[str(length)] = last
    (out / "golden.json").write_text(json.dumps(golden) + "\n")
    np.savez(out / "golden.npz", **logits)
    return golden


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        seed, golden = 0, None
        while golden is None:
            golden = build(name, seed)
            seed += 1
        distinct = [len(set(p["new_ids"])) for p in golden["prompts"]]
        gaps = [(p["min_top2_gap"], p["min_router_gap"]) for p in golden["prompts"]]
        size = sum(f.stat().st_size for f in (ROOT / name).iterdir())
        print(f"{name}: seed {golden['seed']}, {size / 1e3:.0f} KB, distinct {distinct}, gaps {gaps}")


if __name__ == "__main__":
    main()
