#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""train_*.txt -> *.bin (uint16 ids, documents shuffled, each behind token 0). usage: encode_corpus.py CORPUS_DIR TOKENIZER_JSON"""
import random, sys, numpy as np
from tokenizers import Tokenizer
c, tj = sys.argv[1:3]; t = Tokenizer.from_file(tj)
for d in ("scripture", "plays", "python"):
    s = open(f"{c}/train_{d}.txt").read().split("<|endoftext|>"); random.Random(0).shuffle(s); a = []
    for e in t.encode_batch(s): a += [0] + e.ids
    np.array(a, dtype=np.uint16).tofile(f"{c}/{d}.bin"); print(d, len(a))
