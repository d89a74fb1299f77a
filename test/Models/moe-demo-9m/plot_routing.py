#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Heat maps of expert use by text domain, and the loss curve. usage: plot_routing.py MODEL_DIR"""
import json, sys, csv, numpy as np, matplotlib; matplotlib.use("Agg"); import matplotlib.pyplot as plt
d = sys.argv[1]; r = json.load(open(f"{d}/reference.json")); doms = ["scripture", "plays", "python"]
H = {k: np.array([v[l] for l in sorted(v, key=int)], float) for k, v in r["expert_hits"].items() if k in doms}
ls = sorted(r["expert_hits"]["plays"], key=int); fig, ax = plt.subplots(1, 4, figsize=(15, 3.4), gridspec_kw=dict(width_ratios=[1, 1, 1, 1.25]))
vm = max((h / h.sum(1, keepdims=True)).max() for h in H.values()) * 16
for a, k in zip(ax, doms):
    s = H[k] / H[k].sum(1, keepdims=True) * 16; im = a.imshow(s, vmin=0, vmax=vm, cmap="magma", aspect="auto"); a.set_title(f"{k}: expert load (1 = even)"); a.set_xlabel("expert"); a.set_ylabel("layer"); a.set_yticks(range(len(ls)), ls); a.set_xticks(range(0, 16, 2))
fig.colorbar(im, ax=ax[:3].tolist(), fraction=.02, pad=.01)
L = list(csv.DictReader(open(f"{d}/loss.csv"))); ax[3].plot([int(x["tokens"]) / 1e6 for x in L], [float(x["loss"]) for x in L], lw=1); ax[3].set_xlabel("million tokens"); ax[3].set_title("training loss (nats a token)"); ax[3].grid(alpha=.3)
fig.savefig(f"{d}/routing.png", dpi=90, bbox_inches="tight")
T = {k: h / h.sum(1, keepdims=True) for k, h in H.items()}
for a, b in (("scripture", "plays"), ("scripture", "python"), ("plays", "python")): print(a, b, "total variation by layer", np.round(np.abs(T[a] - T[b]).sum(1) / 2, 2))
A = sum(H.values()); A = A / A.sum(1, keepdims=True) * 16; print("all: max/mean", np.round(A.max(1), 2), "min/mean", np.round(A.min(1), 2))
