#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Layer-by-layer f32 reference of one short prompt, for finding the first wrong layer. usage: reference_trace.py MODEL_DIR"""
import sys, torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
torch.set_num_threads(1)
d = sys.argv[1]; tok = AutoTokenizer.from_pretrained(d); m = AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32).eval()
text = "He said to them, “Go up to the mountain.”\ndef f(x):\n    return x"
x = torch.tensor([[0] + tok(text).input_ids]); out = {"input_ids": x[0].to(torch.int32)}
def keep(n, t): out[n] = t.detach().float().reshape(-1, t.shape[-1]).clone() if t.is_floating_point() else t.detach().to(torch.int32).reshape(-1, t.shape[-1]).clone()
for l, layer in enumerate(m.model.layers):
    layer.self_attn.register_forward_hook(lambda mod, i, o, l=l: keep(f"layers.{l}.attn_out", o[0]))
    layer.mlp.register_forward_hook(lambda mod, i, o, l=l: keep(f"layers.{l}.mlp_out", o[0] if isinstance(o, tuple) else o))
    layer.register_forward_hook(lambda mod, i, o, l=l: keep(f"layers.{l}.out", o[0] if isinstance(o, tuple) else o))
    if hasattr(layer.mlp, "experts"):
        ex = layer.mlp.experts; of = ex.forward
        def f(h, idx, w, of=of, l=l): keep(f"layers.{l}.experts_in", h); keep(f"layers.{l}.topk_index", idx); keep(f"layers.{l}.topk_weight", w); o = of(h, idx, w); keep(f"layers.{l}.experts_out", o); return o
        ex.forward = f
with torch.no_grad(): keep("logits", m(input_ids=x).logits)
save_file(out, f"{d}/reference_trace.safetensors", metadata={"text": text, "dtype": "f32 arithmetic on the bf16 weights", "made_by": "reference_trace.py"})
print({k: tuple(v.shape) for k, v in list(out.items())[:8]}, len(out), "tensors")
