#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""4096-entry byte-level BPE with Qwen2/3's pre-tokenizer pattern. usage: train_tokenizer.py CORPUS_DIR OUT_DIR"""
import sys, json
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, trainers, normalizers, Regex
c, out = sys.argv[1:3]
PAT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
t = Tokenizer(models.BPE())
t.normalizer = normalizers.NFC()
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PAT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
t.decoder = decoders.ByteLevel()
sp = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
tr = trainers.BpeTrainer(vocab_size=4096, special_tokens=sp, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
def it():
    for d, n in (("scripture", 3_000_000), ("plays", 1_800_000), ("python", 1_800_000)):
        s = open(f"{c}/train_{d}.txt").read()[:n]
        for x in s.split("<|endoftext|>"): yield x
t.train_from_iterator(it(), tr)
t.save(out + "/tokenizer.json")
from transformers import PreTrainedTokenizerFast
f = PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>")
f.save_pretrained(out)
for d in ("scripture", "plays", "python"):
    x = open(f"{c}/heldout_{d}.txt").read(); n = len(t.encode(x).ids); print(d, len(x) / n, "chars/token", n)
    assert t.decode(t.encode(x).ids) == x or print("roundtrip differs")
