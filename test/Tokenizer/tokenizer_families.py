# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small tokenizers of every kind that model families use, trained on `corpus` by the `tokenizers` package."""
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
              r"\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
             r"\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
             r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
             r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
                r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    # Syntax that Oniguruma and PCRE2 read differently.
    "kimi": r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{M}&&[^\p{Han}]]+|\p{N}{1,3}|"
            r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "syntax": r"^\h{2,3}$|\w{2}?x|\p{N}{1,2}+|[\W&&[^\s]]|[^\S\n]+|\bth\w*\b|(?<=a)b++|\P{L}{,2}(?=[[a-c]z])|.|\n",
}
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def trained(tokenizer, corpus, size, alphabet, **options):
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=alphabet, **options)
    tokenizer.train_from_iterator(corpus.splitlines(keepends=True), trainer)
    return tokenizer


def byte_level(corpus, size, split=None, normalizer=None, prefix=False, use_regex=False, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, last]) if split else last
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trained(tokenizer, corpus, size, pre_tokenizers.ByteLevel.alphabet())
    if model:  # the trainer makes a model with options of its own
        tokenizer = with_model(tokenizer, model)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>"])
    return tokenizer


def with_model(tokenizer, options):
    data = json.loads(tokenizer.to_str())
    data["model"].update(options)
    return Tokenizer.from_str(json.dumps(data))


def byte_fallback(corpus, size, normalizer, pre_tokenizer, decoder, legacy_merges=False):
    """Llama 2 and Mixtral: pieces with ▁ for a space, unknown code points as bytes."""
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    trained(base, corpus, size, [])
    data = json.loads(base.to_str())
    names = ["<unk>", "<s>", "</s>", *BYTES, *sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)]
    merges = data["model"]["merges"]
    tokenizer = with_model(base, {
        "vocab": {name: i for i, name in enumerate(names)}, "byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>",
        "merges": [" ".join(m) for m in merges] if legacy_merges else merges})
    if normalizer:
        tokenizer.normalizer = normalizer
    data = json.loads(tokenizer.to_str())
    data["pre_tokenizer"] = json.loads(pre_tokenizer.__getstate__()) if pre_tokenizer else None
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 1)])
    return tokenizer


def llama_decoder():
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                              decoders.Strip(" ", 1, 0)])


def with_tokens(tokenizer, tokens):
    tokenizer.add_tokens(tokens)
    return tokenizer


def odd_tokens():
    return [AddedToken("[L]", lstrip=True, normalized=False), AddedToken("[R]", rstrip=True, normalized=False),
            AddedToken("[LR]", lstrip=True, rstrip=True), AddedToken("word", single_word=True, normalized=False),
            AddedToken("Straße", normalized=True), AddedToken("[L][R]", normalized=False), AddedToken("<|x|>", special=True),
            AddedToken("ÀB", single_word=True, lstrip=True), AddedToken("  ", normalized=False), AddedToken("\n\n\n")]


def words(corpus, size, pre_tokenizer, normalizer=None, decoder=None, **model):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", **model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    options = {key: model[key] for key in ("continuing_subword_prefix", "end_of_word_suffix") if key in model}
    trained(tokenizer, corpus, size, [], special_tokens=["[UNK]"], **options)
    if decoder:
        tokenizer.decoder = decoder
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def families(corpus, size=500):
    """Name to function that makes the tokenizer."""
    p, n, sequence = pre_tokenizers, normalizers, normalizers.Sequence
    made = {
        "gpt2": lambda: byte_level(corpus, size, use_regex=True),
        "gpt2-prefix": lambda: byte_level(corpus, size, use_regex=True, prefix=True),
        "llama3": lambda: byte_level(corpus, size, [split(PATTERNS["llama3"])], ignore_merges=True),
        "qwen2": lambda: byte_level(corpus, size, [split(PATTERNS["qwen2"])], n.NFC()),
        "o200k": lambda: byte_level(corpus, size, [split(PATTERNS["o200k"], "removed", True)]),
        "deepseek": lambda: byte_level(corpus, size, [split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"),
                                                      split(PATTERNS["deepseek"])]),
        "kimi": lambda: byte_level(corpus, size, [split(PATTERNS["kimi"])]),
        "syntax": lambda: byte_level(corpus, size, [split(PATTERNS["syntax"])]),
        "olmoe": lambda: with_tokens(byte_level(corpus, size, None, n.NFC(), use_regex=True),
                                     [AddedToken(" " * k, normalized=True) for k in range(24, 1, -1)] +
                                     [AddedToken("|||IP_ADDRESS|||", normalized=True)]),
        "mixtral": lambda: byte_fallback(corpus, size, sequence([n.Prepend("▁"), n.Replace(" ", "▁")]), None,
                                         llama_decoder(), legacy_merges=True),
        "llama-first": lambda: byte_fallback(corpus, size, None, p.Metaspace(prepend_scheme="first", split=False),
                                             llama_decoder()),
        "metaspace": lambda: byte_fallback(corpus, size, n.NFKC(), p.Metaspace(), decoders.Metaspace()),
        "metaspace-never": lambda: byte_fallback(
            corpus, size, n.Replace(Regex(r"\s{2,}"), " "), p.Metaspace(prepend_scheme="never"),
            decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="never"), decoders.Fuse(),
                               decoders.Replace("  ", "·"), decoders.Strip(" ", 2, 0)])),
        "added-byte-level": lambda: with_tokens(byte_level(corpus, size, use_regex=True,
                                                           normalizer=sequence([n.NFKD(), n.Lowercase()])), odd_tokens()),
        "added-llama": lambda: with_tokens(byte_fallback(corpus, size, sequence([n.Prepend("▁"), n.Replace(" ", "▁")]), None,
                                                         llama_decoder()), odd_tokens()),
        "added-first": lambda: with_tokens(byte_fallback(corpus, size, n.NFC(), p.Metaspace(prepend_scheme="first"),
                                                         llama_decoder()), odd_tokens()),
        "words": lambda: words(corpus, size, p.Whitespace(), n.NFD(), continuing_subword_prefix="##"),
        "words-fused": lambda: words(corpus, size, p.Sequence([p.WhitespaceSplit(), p.Punctuation(), p.Digits(True)]),
                                     sequence([n.Strip(left=True, right=False), n.Lowercase()]),
                                     decoders.Fuse(), fuse_unk=True, end_of_word_suffix="</w>"),
    }
    for behavior in ("removed", "isolated", "contiguous", "merged_with_previous", "merged_with_next"):
        for invert in (False, True):
            made[f"split-{behavior}{'-inverted' if invert else ''}"] = (
                lambda b=behavior, i=invert: words(corpus, size, p.Sequence([
                    split(r"[\s\d]|e+", b, i), p.Digits(False), p.Punctuation(b)]), n.Lowercase() if i else n.NFKC()))
    return made
