# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A top-k gate and the grouped product of a Mixture-of-Experts layer in Triton, compared with PyTorch."""

import torch
import triton
import triton.language as tl

DEVICE = triton.runtime.driver.active.get_active_torch_device()


@triton.jit
def topk_gate(logits, weights, ids, E: tl.constexpr, K: tl.constexpr):
    """The K best experts of a token: lower ids win ties, weights are a softmax over all, normalised over the K."""
    token = tl.program_id(0)
    expert = tl.arange(0, E)
    score = tl.load(logits + token * E + expert).to(tl.float32)
    p = tl.exp(score - tl.max(score, 0))
    p = p / tl.sum(p, 0)
    slot = tl.arange(0, K)
    best_p = tl.zeros((K,), tl.float32)
    best_id = tl.zeros((K,), tl.int32)
    for k in tl.static_range(K):
        top = tl.max(p, 0)
        which = tl.min(tl.where(p == top, expert, E), 0)
        best_p = tl.where(slot == k, top, best_p)
        best_id = tl.where(slot == k, which, best_id)
        p = tl.where(expert == which, -1.0, p)
    tl.store(weights + token * K + slot, best_p / tl.sum(best_p, 0))
    tl.store(ids + token * K + slot, best_id)


@triton.jit
def grouped_product(x, w, out, rows, experts, weights, N, D, n_pairs,
                    TOPK: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):  # fmt: skip
    """Each block of BM rows belongs to one expert; rows behind the last pair are padding."""
    block, column = tl.program_id(0), tl.program_id(1)
    row = tl.load(rows + block * BM + tl.arange(0, BM))
    valid = row < n_pairs
    n = column * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    a = x + (row[:, None] // TOPK) * D + k[None, :]
    b = w + tl.load(experts + block).to(tl.int64) * N * D + n[None, :] * D + k[:, None]
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, D, BK):
        inside = k < D - start
        left = tl.load(a + start, mask=valid[:, None] & inside[None, :], other=0.0)
        right = tl.load(b + start, mask=inside[:, None] & (n[None, :] < N), other=0.0)
        acc = tl.dot(left, right, acc)
    acc *= tl.load(weights + row, mask=valid, other=0.0)[:, None]
    tl.store(out + row[:, None] * N + n[None, :], acc.to(tl.bfloat16), mask=valid[:, None] & (n[None, :] < N))


def sort_by_expert(ids, n_experts, block):
    """Pairs (token, slot) in the order of their experts, each expert's padded to whole blocks."""
    rows, experts = [], []
    for expert in range(n_experts):
        pairs = (ids.flatten() == expert).nonzero().flatten().tolist()
        pairs += [ids.numel()] * (-len(pairs) % block)
        rows += pairs
        experts += [expert] * (len(pairs) // block)
    return (torch.tensor(values, dtype=torch.int32, device=DEVICE) for values in (rows, experts))


def main(tokens=50, n_experts=8, topk=2, n=96, d=80, block=16):
    torch.manual_seed(0)
    x = torch.randn(tokens, d, device=DEVICE).bfloat16()
    w = (torch.randn(n_experts, n, d, device=DEVICE) / d**0.5).bfloat16()
    logits = torch.randn(tokens, n_experts, device=DEVICE)
    weights = torch.empty(tokens, topk, device=DEVICE)
    ids = torch.empty(tokens, topk, dtype=torch.int32, device=DEVICE)
    topk_gate[(tokens,)](logits, weights, ids, n_experts, topk, num_warps=1)
    p, expected_ids = logits.softmax(-1).topk(topk)
    assert torch.equal(ids.long(), expected_ids)
    torch.testing.assert_close(weights, p / p.sum(-1, keepdim=True))

    rows, experts = sort_by_expert(ids, n_experts, block)
    out = torch.zeros(tokens * topk, n, device=DEVICE).bfloat16()
    grouped_product[(len(experts), triton.cdiv(n, 32))](
        x, w, out, rows, experts, weights, n, d, tokens * topk, topk, block, 32, 32
    )
    expected = torch.einsum("td,tknd->tkn", x.float(), w[ids.long()].float()) * weights[..., None]
    error = (out.view(tokens, topk, n).float() - expected).abs().max() / expected.abs().max()
    assert error < 2**-8, error
    print("gate and grouped product agree with PyTorch")


main()
