#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Trains the small MoE demo models on one CPU core in bf16 (AMX), writes a Hugging Face checkpoint.

usage: train.py ARCH(qwen3_moe|deepseek_v3) CORPUS_BIN_DIR OUT_DIR MINUTES [INIT_DIR]
INIT_DIR: a checkpoint of the other architecture; tensors of the same name and shape (embedding, experts, norms, router)
are taken from it and the run is at 8 x 512 from the start (how the deepseek_v3 one was made in 15 minutes).
The learning-rate schedule follows the clock, so it fits whatever share of a core it gets.
Dispatch is sort-by-expert + one GEMM an expert; hidden matrices use Muon, the rest AdamW."""
import json, math, sys, time, os
import numpy as np, torch, torch.nn.functional as F
torch.set_num_threads(1); torch.manual_seed(0)
arch, corpus, out, minutes = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
DS = arch == "deepseek_v3"
V, D, L, H, KV, HD, E, K, I, ID = 4096, 256, 6, 8, 2, 32, 16, 4, 112, 512
B, T = 16, 256                # the last quarter of the time runs at 8 x 512
MIX = {"scripture": .55, "plays": .20, "python": .25}
AUX = 0.01 if not DS else 0.0005            # V3: tiny sequence loss, balance comes from the bias
QL, KVL, NOPE, ROPE, VD = 128, 64, 32, 16, 32   # MLA
SCALE = 2.5 if DS else 1.0
bf = torch.bfloat16
C = lambda f: torch.compile(f, dynamic=False) if os.environ.get("NOCOMPILE") is None else f

P, names = {}, []
def par(n, *s, std=None, one=False):
    P[n] = torch.nn.Parameter(torch.ones(*s) if one else torch.randn(*s) * (std or 0.02)); return P[n]
par("model.embed_tokens.weight", V, D)
rs = 0.02 / math.sqrt(2 * L)
for l in range(L):
    p = f"model.layers.{l}."
    par(p + "input_layernorm.weight", D, one=True); par(p + "post_attention_layernorm.weight", D, one=True)
    a = p + "self_attn."
    if DS:
        par(a + "q_a_proj.weight", QL, D); par(a + "q_a_layernorm.weight", QL, one=True)
        par(a + "q_b_proj.weight", H * (NOPE + ROPE), QL)
        par(a + "kv_a_proj_with_mqa.weight", KVL + ROPE, D); par(a + "kv_a_layernorm.weight", KVL, one=True)
        par(a + "kv_b_proj.weight", H * (NOPE + VD), KVL); par(a + "o_proj.weight", D, H * VD, std=rs)
    else:
        par(a + "q_proj.weight", H * HD, D); par(a + "k_proj.weight", KV * HD, D); par(a + "v_proj.weight", KV * HD, D)
        par(a + "o_proj.weight", D, H * HD, std=rs)
        par(a + "q_norm.weight", HD, one=True); par(a + "k_norm.weight", HD, one=True)
    m = p + "mlp."
    if l == 0: pre = [(m, ID)]
    else:
        par(m + "gate.weight", E, D); par(m + "experts.gate_up", E, 2 * I, D); par(m + "experts.down", E, D, I, std=rs)
        pre = [(m + "shared_experts.", I)] if DS else []
    for q, w in pre:
        par(q + "gate_proj.weight", w, D); par(q + "up_proj.weight", w, D); par(q + "down_proj.weight", D, w, std=rs)
par("model.norm.weight", D, one=True)
INIT = sys.argv[5] if len(sys.argv) > 5 else None
if INIT:
    from safetensors.torch import load_file
    sd = load_file(f"{INIT}/model.safetensors"); B, T = 8, 512; took = 0
    with torch.no_grad():
        for n, p in P.items():
            if n.endswith("experts.gate_up"): q = n[:-7]; t = torch.stack([torch.cat((sd[f"{q}{e}.gate_proj.weight"], sd[f"{q}{e}.up_proj.weight"])) for e in range(E)])
            elif n.endswith("experts.down"): q = n[:-4]; t = torch.stack([sd[f"{q}{e}.down_proj.weight"] for e in range(E)])
            else: t = sd.get(n)
            if t is not None and t.shape == p.shape: p.copy_(t.float()); took += 1
    print("took", took, "of", len(P), "tensors from", INIT, flush=True)
bias = {l: torch.zeros(E) for l in range(1, L)}     # V3 e_score_correction_bias
nparam = sum(x.numel() for x in P.values())
active = nparam - (L - 1) * (E - K) * 3 * I * D
print(f"{arch}: {nparam/1e6:.2f} M parameters, {active/1e6:.2f} M active a token", flush=True)

rd = ROPE if DS else HD
inv = 1.0 / (10000.0 ** (torch.arange(0, rd, 2).float() / rd))
def rope():
    global COS, SIN
    ang = torch.arange(T).float()[:, None] * inv; ang = torch.cat((ang, ang), -1); COS, SIN = ang.cos(), ang.sin()
rope()
def rms(x, w): x = x.float(); return (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w)
def rot(x):
    h = x.shape[-1] // 2; return x * COS + torch.cat((-x[..., h:], x[..., :h]), -1) * SIN
@C
def attn_q(x, ln, wq, wk, wv, wo, qn, kn):
    h = rms(x, ln).to(bf)
    q = rms(F.linear(h, wq).view(B, T, H, HD), qn).transpose(1, 2)
    k = rms(F.linear(h, wk).view(B, T, KV, HD), kn).transpose(1, 2)
    v = F.linear(h, wv).view(B, T, KV, HD).transpose(1, 2)
    q, k = rot(q), rot(k); v = v.float()          # f32 SDPA: its backward is faster than the bf16 one
    k = k[:, :, None].expand(B, KV, H // KV, T, HD).reshape(B, H, T, HD)
    v = v[:, :, None].expand(B, KV, H // KV, T, HD).reshape(B, H, T, HD)
    o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return x + F.linear(o.transpose(1, 2).reshape(B, T, H * HD).to(bf), wo).float()
@C
def attn_ds(x, ln, qa, qln, qb, kva, kvln, kvb, wo):
    # rope_interleave=False layout (halves), as HF's config flag of that name
    h = rms(x, ln).to(bf)
    q = F.linear(rms(F.linear(h, qa), qln).to(bf), qb).view(B, T, H, NOPE + ROPE).transpose(1, 2)
    qp, qr = q.split([NOPE, ROPE], -1)
    c, kr = F.linear(h, kva).split([KVL, ROPE], -1)
    kv = F.linear(rms(c, kvln).to(bf), kvb).view(B, T, H, NOPE + VD).transpose(1, 2)
    kp, v = kv.split([NOPE, VD], -1)
    kr = rot(kr.float().view(B, 1, T, ROPE)).expand(B, H, T, ROPE)
    q = torch.cat((qp.float(), rot(qr.float())), -1); k = torch.cat((kp.float(), kr), -1); v = v.float().contiguous()
    o = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=(NOPE + ROPE) ** -0.5)
    return x + F.linear(o.transpose(1, 2).reshape(B, T, H * VD).to(bf), wo).float()
@C
def mlp(h, g, u, d): return F.linear(F.silu(F.linear(h, g)) * F.linear(h, u), d).float()
@C
def norm_router(x, ln, wr):
    h = rms(x.view(-1, D), ln); return h.to(bf), F.linear(h, wr)
@C
def act_f(gu): g, u = gu.float().chunk(2, -1); return (F.silu(g) * u).to(bf)
@C
def act_b(gu, da):
    g, u = gu.float().chunk(2, -1); da = da.float(); s = torch.sigmoid(g); sg = g * s
    return torch.cat((da * u * (s + sg * (1 - s)), da * sg), -1).to(bf)
@C
def comb_f(yk, w): return (yk.float() * w[..., None]).sum(1)
@C
def comb_b(yk, w, do):
    do = do[:, None]; return (do * w[..., None]).to(bf), (do * yk.float()).sum(-1)
@C
def sumk(x): return x.float().sum(1).to(bf)
class Experts(torch.autograd.Function):
    # Segments are padded to multiples of 128 rows: oneDNN builds a kernel for every new shape (~10 ms each).
    @staticmethod
    def forward(ctx, h, wgu, wd, idx, w):
        flat = idx.reshape(-1); N = len(flat); order = flat.argsort(stable=True)
        cnt = torch.bincount(flat, minlength=E); pc = (cnt + 127) // 128 * 128; st = pc.cumsum(0) - pc
        pos = torch.arange(N) + (st - (cnt.cumsum(0) - cnt)).repeat_interleave(cnt)
        seg = [slice(a, a + n) for a, n in zip(st.tolist(), pc.tolist()) ]
        ordp = torch.full((N + E * 128,), N); ordp[pos] = order; inv = torch.empty_like(order); inv[order] = pos
        xs = h.index_select(0, (ordp // K).clamp(max=N // K - 1)); R = len(ordp)
        gu = torch.empty(R, 2 * I, dtype=bf); y = torch.empty(R, D, dtype=bf)
        for e, s in enumerate(seg): torch.mm(xs[s], wgu[e].t(), out=gu[s])
        a = act_f(gu)
        for e, s in enumerate(seg): torch.mm(a[s], wd[e].t(), out=y[s])
        yk = y.index_select(0, inv).view(-1, K, D)
        ctx.save_for_backward(xs, gu, a, yk, wgu, wd, ordp, inv, w); ctx.seg = seg
        return comb_f(yk, w)
    @staticmethod
    def backward(ctx, do):
        xs, gu, a, yk, wgu, wd, ordp, inv, w = ctx.saved_tensors; seg = ctx.seg
        dyk, dw = comb_b(yk, w, do.contiguous())
        dy = torch.cat((dyk.view(-1, D), torch.zeros(1, D, dtype=bf))).index_select(0, ordp)
        da = torch.empty_like(a); dwd = torch.zeros_like(wd); dwgu = torch.zeros_like(wgu); dxs = torch.empty_like(xs)
        for e, s in enumerate(seg): torch.mm(dy[s], wd[e], out=da[s]); torch.mm(dy[s].t(), a[s], out=dwd[e])
        dgu = act_b(gu, da)
        for e, s in enumerate(seg): torch.mm(dgu[s], wgu[e], out=dxs[s]); torch.mm(dgu[s].t(), xs[s], out=dwgu[e])
        return sumk(dxs.index_select(0, inv).view(-1, K, D)), dwgu, dwd, None, dw
@C
def head(x, ln, emb, y):
    lg = F.linear(rms(x.view(-1, D), ln).to(bf), emb).float()
    return F.cross_entropy(lg, y.view(-1))
load = torch.zeros(L, E)
def forward(x, y):
    W = {n: (p.to(bf) if p.dim() >= 2 and "gate.weight" not in n else p) for n, p in P.items()}
    h = F.embedding(x, P["model.embed_tokens.weight"]); aux = 0.0
    for l in range(L):
        p = f"model.layers.{l}."; a = p + "self_attn."; m = p + "mlp."
        if DS: h = attn_ds(h, W[p + "input_layernorm.weight"], *[W[a + n + ".weight"] for n in ("q_a_proj", "q_a_layernorm", "q_b_proj", "kv_a_proj_with_mqa", "kv_a_layernorm", "kv_b_proj", "o_proj")])
        else: h = attn_q(h, W[p + "input_layernorm.weight"], *[W[a + n + ".weight"] for n in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")])
        if l == 0:
            n = rms(h.view(-1, D), W[p + "post_attention_layernorm.weight"]).to(bf)
            d = mlp(n, *[W[m + q + ".weight"] for q in ("gate_proj", "up_proj", "down_proj")])
        else:
            n, r = norm_router(h, W[p + "post_attention_layernorm.weight"], W[m + "gate.weight"])
            if DS:
                s = r.sigmoid(); idx = (s.detach() + bias[l]).topk(K, -1).indices; w = s.gather(1, idx)
                w = w / (w.sum(-1, keepdim=True) + 1e-20) * SCALE; prob = s / s.sum(-1, keepdim=True)
            else:
                prob = r.softmax(-1); w, idx = prob.topk(K, -1); w = w / w.sum(-1, keepdim=True)
            f = torch.bincount(idx.reshape(-1), minlength=E).float() / idx.shape[0]; load[l] += f / K
            if DS: bias[l] += BIAS_RATE * torch.sign(f.mean() - f)
            aux = aux + E * (f / K * prob.mean(0)).sum() / (L - 1)
            d = Experts.apply(n, W[m + "experts.gate_up"], W[m + "experts.down"], idx, w)
            if DS: d = d + mlp(n, *[W[m + "shared_experts." + q + ".weight"] for q in ("gate_proj", "up_proj", "down_proj")])
        h = h + d.view(B, T, D)
    return head(h, W["model.norm.weight"], W["model.embed_tokens.weight"], y), aux
BIAS_RATE = 1e-3

data = {d: np.fromfile(f"{corpus}/{d}.bin", dtype=np.uint16) for d in MIX}
rng = np.random.default_rng(0); doms = list(MIX); probs = np.array(list(MIX.values()))
def batch():
    rows, ds = [], rng.choice(len(doms), B, p=probs)
    for d in ds:
        a = data[doms[d]]; i = rng.integers(0, len(a) - T - 1); rows.append(a[i:i + T + 1].astype(np.int64))
    t = torch.from_numpy(np.stack(rows)); return t[:, :-1].contiguous(), t[:, 1:].contiguous()

def is_muon(n): return P[n].dim() >= 2 and "embed" not in n and "mlp.gate.weight" not in n
mu = [n for n in P if is_muon(n)]; mbuf = {n: torch.zeros_like(P[n]) for n in mu}
adam = torch.optim.AdamW([P[n] for n in P if not is_muon(n)], lr=1e-3, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
def ns(G):
    X = G.to(bf); tr = X.shape[-2] > X.shape[-1]
    if tr: X = X.mT
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for a, b, c in [(3.4445, -4.7750, 2.0315)] * 5:
        A = X @ X.mT; X = a * X + (b * A + c * A @ A) @ X
    return (X.mT if tr else X).float()
@torch.no_grad()
def muon(lr):
    for n in mu:
        p = P[n]; g = p.grad
        if "gate_up" in n: gs = g.view(E * 2, I, D)      # orthogonalise gate and up by themselves
        else: gs = g
        b = mbuf[n].view_as(gs); b.mul_(0.95).add_(gs, alpha=0.05); u = ns(gs.lerp(b, 0.95))
        u = u * (0.2 * math.sqrt(max(u.shape[-2:])))
        p.mul_(1 - lr * 0.1).add_(u.view_as(p), alpha=-lr)
LR = 2e-3 if INIT else 3e-3
def save():
    from safetensors.torch import save_file
    sd = {}
    for n, p in P.items():
        t = p.detach().to(bf)
        if n.endswith("experts.gate_up"):
            for e in range(E):
                q = n[:-len("gate_up")] + f"{e}."; sd[q + "gate_proj.weight"] = t[e, :I].contiguous(); sd[q + "up_proj.weight"] = t[e, I:].contiguous()
        elif n.endswith("experts.down"):
            for e in range(E): sd[n[:-len("down")] + f"{e}.down_proj.weight"] = t[e].contiguous()
        else: sd[n] = t.contiguous()
    cfg = dict(vocab_size=V, hidden_size=D, intermediate_size=ID, num_hidden_layers=L, num_attention_heads=H, hidden_act="silu",
               max_position_embeddings=512, initializer_range=0.02, rms_norm_eps=1e-6, use_cache=True, tie_word_embeddings=True,
               rope_theta=10000.0, attention_bias=False, attention_dropout=0.0, moe_intermediate_size=I, num_experts_per_tok=K,
               norm_topk_prob=True, bos_token_id=0, eos_token_id=0, torch_dtype="bfloat16")
    if DS:
        for l in bias: sd[f"model.layers.{l}.mlp.gate.e_score_correction_bias"] = bias[l].float()
        cfg.update(architectures=["DeepseekV3ForCausalLM"], model_type="deepseek_v3", num_key_value_heads=H, n_routed_experts=E, n_shared_experts=1,
                   n_group=1, topk_group=1, routed_scaling_factor=SCALE, scoring_func="sigmoid", topk_method="noaux_tc", first_k_dense_replace=1,
                   moe_layer_freq=1, q_lora_rank=QL, kv_lora_rank=KVL, qk_nope_head_dim=NOPE, qk_rope_head_dim=ROPE, v_head_dim=VD, rope_interleave=False)
    else:
        cfg.update(architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe", num_key_value_heads=KV, head_dim=HD, num_experts=E,
                   mlp_only_layers=[0], decoder_sparse_step=1, use_sliding_window=False, sliding_window=None, output_router_logits=False,
                   router_aux_loss_coef=AUX)
    json.dump(cfg, open(f"{out}/config.json", "w"), indent=1)
    save_file(sd, f"{out}/model.safetensors", metadata={"format": "pt"})
os.makedirs(out, exist_ok=True)
log = open(f"{out}/loss.csv", "w"); log.write("step,seconds,tokens,loss,aux,lr_scale,max_load,min_load\n")
t0 = time.time(); budget = minutes * 60; step = 0; el = 0.0; run = []; tprev = t0; last_save = t0
while True:
    fr = (time.time() - t0) / budget
    if fr >= 1: break
    sc = min(1.0, (step + 1) / (30 if INIT else 100)) * min(1.0, max(0.02, (1 - fr) / 0.45))
    if fr > 0.75 and T == 256: B, T = 8, 512; rope(); torch._dynamo.reset()
    x, y = batch(); ce, aux = forward(x, y); loss = ce + AUX * aux; loss.backward()
    torch.nn.utils.clip_grad_norm_([P[n] for n in P if not is_muon(n)], 1.0)
    muon(LR * sc)
    for g in adam.param_groups: g["lr"] = LR * sc
    adam.step()
    for p in P.values(): p.grad = None
    step += 1; run.append(float(ce.detach()))
    if step == 1: print(f"first step (compile) {time.time()-t0:.0f} s", flush=True)
    if step % 20 == 0:
        n = time.time(); mx = (load[1:] / 20 * E).max().item(); mn = (load[1:] / 20 * E).min().item(); load.zero_()
        log.write(f"{step},{n-t0:.1f},{step*B*T},{np.mean(run):.4f},{float(aux.detach()):.4f},{sc:.4f},{mx:.3f},{mn:.3f}\n"); log.flush()
        if step % 100 == 0: print(f"step {step} {n-t0:.0f}s {step*B*T/1e6:.2f}M tok loss {np.mean(run):.3f} aux {float(aux.detach()):.3f} load x{mx:.2f}/{mn:.2f} {20*B*T/(n-tprev):.0f} tok/s lr {sc:.2f}", flush=True)
        run = []; tprev = n
        if n - last_save > 300: save(); last_save = n
save(); print("done", step, "steps", step * B * T, "tokens", f"{time.time()-t0:.0f} s")
