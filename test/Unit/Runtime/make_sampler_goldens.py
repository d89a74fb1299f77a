#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes sampler_goldens.json: what transformers' logits processors keep, and
with which probabilities, in the order in which `generate` applies them.

usage: make_sampler_goldens.py > sampler_goldens.json
"""

import json

import numpy as np
import torch
import transformers
from transformers.generation import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 2.5},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 0.8, "top_k": 1000},
    {"temperature": 1.0, "top_p": 0.9},
    {"temperature": 1.5, "top_p": 0.35},
    {"temperature": 1.0, "top_p": 0.0},
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 1.0, "min_p": 1.0},
    {"temperature": 1.0, "repetition_penalty": 1.3},
    {"temperature": 1.0, "repetition_penalty": 0.8},
    {"temperature": 0.7, "top_k": 40, "top_p": 0.95},
    {"temperature": 0.9, "top_k": 12, "top_p": 0.8, "min_p": 0.1},
    {
        "temperature": 1.2,
        "top_k": 20,
        "top_p": 0.9,
        "min_p": 0.02,
        "repetition_penalty": 1.2,
    },
]


def processors(case: dict) -> LogitsProcessorList:
    chain = LogitsProcessorList()
    if "repetition_penalty" in case:
        chain.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    chain.append(TemperatureLogitsWarper(case["temperature"]))
    if "top_k" in case:
        chain.append(TopKLogitsWarper(case["top_k"]))
    if "top_p" in case:
        chain.append(TopPLogitsWarper(case["top_p"]))
    if "min_p" in case:
        chain.append(MinPLogitsWarper(case["min_p"]))
    return chain


def main() -> None:
    random = np.random.default_rng(7)
    goldens = []
    for vocab in (60, 500):
        # Two decimals: top-k then meets ties.
        logits = np.round(random.normal(0, 2.5, vocab), 2).astype(np.float32)
        seen = random.integers(0, vocab, 12).tolist()
        # Something to penalise among the likely ones, and one token twice.
        seen += [int(logits.argmax()), int(logits.argmax()), int(logits.argmin())]
        for case in CASES:
            scores = processors(case)(
                torch.tensor([seen]), torch.from_numpy(logits)[None].clone()
            )
            probabilities = torch.softmax(scores.double(), -1)[0]
            kept = torch.isfinite(scores[0]).nonzero()[:, 0].tolist()
            goldens.append(
                {
                    "options": case,
                    "seen": seen,
                    "logits": [round(float(x), 2) for x in logits],
                    "kept": kept,
                    "probabilities": [float(f"{probabilities[t]:.9g}") for t in kept],
                }
            )
    lines = ",\n".join(json.dumps(golden) for golden in goldens)
    print(
        f'{{"transformers": "{transformers.__version__}", "goldens": [\n{lines}\n]}}'
    )


if __name__ == "__main__":
    main()
