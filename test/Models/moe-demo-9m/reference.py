#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Reference numbers by transformers in f32: held-out perplexity (windows of 512, first token has no loss), greedy text, routing by domain.
usage: reference.py MODEL_DIR"""
import sys, json, math, torch, numpy as np
torch.set_num_threads(1); torch.manual_seed(0)
from transformers import AutoModelForCausalLM, AutoTokenizer
d = sys.argv[1]; tok = AutoTokenizer.from_pretrained(d)
m = AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32).eval()
W = 512; res = {"window": W, "perplexity": {}, "tokens": {}, "bits_per_byte": {}}
E = getattr(m.config, "num_experts", None) or getattr(m.config, "n_routed_experts"); K = m.config.num_experts_per_tok
hits = {}; cur = [None]
def hook(l):
    def f(mod, i, o):
        idx = next(x for x in (o if isinstance(o, tuple) else (o,)) if x.dtype in (torch.int64, torch.int32))
        hits.setdefault(cur[0], {}).setdefault(l, np.zeros(E, int)); hits[cur[0]][l] += np.bincount(idx.reshape(-1).numpy(), minlength=E)
    return f
DSM = m.config.model_type == "deepseek_v3"
for l, layer in enumerate(m.model.layers):
    if hasattr(layer.mlp, "experts"):
        if not DSM: layer.mlp.gate.register_forward_hook(hook(l))
        else:
            def wrap(mlp, l):
                ex = mlp.experts; of = ex.forward
                def f(h, idx, w):
                    hook(l)(None, None, idx); return of(h, idx, w)
                ex.forward = f
            wrap(layer.mlp, l)
tot = totn = totb = 0
with torch.no_grad():
    for dom in ("scripture", "plays", "python"):
        cur[0] = dom; text = open(f"{d}/heldout/{dom}.txt").read(); ids = [0] + tok(text).input_ids; s = n = 0
        for i in range(0, len(ids) - 1, W):
            x = torch.tensor(ids[i:i + W + 1])[None]
            lg = m(input_ids=x[:, :-1]).logits.float()
            s += torch.nn.functional.cross_entropy(lg[0], x[0, 1:], reduction="sum").double().item(); n += x.shape[1] - 1
        res["perplexity"][dom] = math.exp(s / n); res["tokens"][dom] = n; res["bits_per_byte"][dom] = s / math.log(2) / len(text.encode()); tot += s; totn += n; totb += len(text.encode())
res["perplexity"]["all"] = math.exp(tot / totn); res["tokens"]["all"] = totn; res["bits_per_byte"]["all"] = tot / math.log(2) / totb
res["expert_hits"] = {k: {str(l): c.tolist() for l, c in v.items()} for k, v in hits.items()}
prompts = ["Genesis 1\n\nIn the beginning, God", "The king said to his servants, “", "It happened in the days of", "HAMLET.\nTo be, or not to be", "KING RICHARD.\n", "def main():\n", "import os\nimport sys\n\nclass "]
res["greedy"] = []
cur[0] = "generation"
for p in prompts:
    ids = tok(p).input_ids; x = torch.tensor([[0] + ids])
    with torch.no_grad(): y = m.generate(x, max_new_tokens=96, do_sample=False, pad_token_id=0)
    with torch.no_grad(): lg = m(input_ids=x).logits[0, -1]
    # smallest gap between best and second logit along the way: how fragile the greedy path is
    with torch.no_grad(): al = m(input_ids=y[:, :-1]).logits[0, x.shape[1] - 1:].topk(2).values
    res["greedy"].append({"prompt": p, "prompt_ids": x[0].tolist(), "new_ids": y[0, x.shape[1]:].tolist(), "text": tok.decode(y[0, x.shape[1]:]), "min_top2_gap": float((al[:, 0] - al[:, 1]).min()), "first_logits": [round(float(v), 5) for v in lg[:16]]})
res["sampled"] = []
for p in prompts[:4] + prompts[5:6]:
    torch.manual_seed(1); x = torch.tensor([[0] + tok(p).input_ids])
    with torch.no_grad(): y = m.generate(x, max_new_tokens=160, do_sample=True, temperature=0.7, top_k=40, pad_token_id=0)
    res["sampled"].append({"prompt": p, "temperature": 0.7, "top_k": 40, "text": tok.decode(y[0, x.shape[1]:])})
json.dump(res, open(f"{d}/reference.json", "w"), indent=1, ensure_ascii=False)
print({k: {a: round(b, 3) for a, b in v.items()} for k, v in res.items() if k in ("perplexity", "bits_per_byte", "tokens")})
for g in res["greedy"]: print("###", repr(g["prompt"]), "gap", round(g["min_top2_gap"], 5)); print(g["text"])
for g in res["sampled"]: print("### T=0.7", repr(g["prompt"])); print(g["text"])
