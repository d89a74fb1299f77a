# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Real vocabularies, out of Python packages that ship them, as tokenizers of the `tokenizers` package."""
import base64
import json
import pathlib
import struct
import zipfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tokenizer_families import PATTERNS, llama_decoder

LETTERS = {}
for _b in range(256):
    _printable = 0x21 <= _b <= 0x7E or 0xA1 <= _b <= 0xAC or _b >= 0xAE
    LETTERS[_b] = chr(_b if _printable else 0x100 + sum(1 for k in LETTERS.values() if ord(k) >= 0x100))


def spell(data):
    return "".join(LETTERS[b] for b in data)


def last_merge(token, ranks):
    """The pair whose merge gives `token`, found by merging its bytes with the better ranks only."""
    parts = [bytes([b]) for b in token]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 40))
        if ranks.get(parts[best] + parts[best + 1], 1 << 40) >= ranks[token]:
            return None
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
    return parts if len(parts) == 2 else None


def from_ranks(ranks, pattern, specials, normalizer=None, first_id=0):
    """A tiktoken vocabulary (bytes to rank) as byte-level BPE."""
    vocabulary = {spell(token): rank + first_id for token, rank in ranks.items()}
    merges = [last_merge(token, ranks) for token in sorted(ranks, key=ranks.get) if len(token) > 1]
    pairs = [(spell(m[0]), spell(m[1])) for m in merges if m]
    for name in specials[:first_id]:
        vocabulary[name] = len(vocabulary) - len(ranks)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, ignore_merges=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(specials)
    return tokenizer


def protobuf_fields(data):
    """(number, value) of a protobuf message: integers, bytes, or four raw bytes."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[position:position + size]
        position += size


def from_sentencepiece(data):
    """A sentencepiece BPE model as transformers converts it for Mixtral."""
    pieces = []
    for number, value in protobuf_fields(data):
        if number == 1:
            fields = dict(protobuf_fields(value))
            pieces.append((fields[1].decode(), struct.unpack("<f", fields[2])[0], fields.get(3, 1)))
    vocabulary = {piece: i for i, (piece, _, _) in enumerate(pieces)}
    merges = []
    for piece, score, _ in pieces:
        halves = [(piece[:i], piece[i:], score) for i in range(1, len(piece))
                  if piece[:i] in vocabulary and piece[i:] in vocabulary]
        merges += sorted(halves, key=lambda m: (vocabulary[m[0]], vocabulary[m[1]]))
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[m[:2] for m in merges], unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = llama_decoder()
    tokenizer.add_special_tokens([AddedToken(p, normalized=False, special=True) for p in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", vocabulary["<s>"])])
    return tokenizer


def from_tekken(text):
    data = json.loads(text)
    config = data["config"]
    count, first = config["default_vocab_size"], config["default_num_special_tokens"]
    ranks = {base64.b64decode(v["token_bytes"]): v["rank"] for v in data["vocab"][:count - first]}
    specials = ["<unk>", "<s>", "</s>"] + [f"<SPECIAL_{i}>" for i in range(3, first)]
    return from_ranks(ranks, config["pattern"], specials, first_id=first)


def qwen(text):
    ranks = {base64.b64decode(token): int(rank) for token, rank in map(str.split, text.splitlines())}
    return from_ranks(ranks, PATTERNS["qwen2"], ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizers.NFC())


def vocabularies(directory):
    """Name to maker, for each known package in `directory`."""
    def member(package, path):
        wheel = next(iter(pathlib.Path(directory).glob(package)))
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(path)

    mistral = "mistral_common-*.whl"
    return {
        "qwen (dashscope)": lambda: qwen(member("dashscope-*.whl", "dashscope/resources/qwen.tiktoken").decode()),
        "mixtral (mistral-common v1)": lambda: from_sentencepiece(
            member(mistral, "mistral_common/data/tokenizer.model.v1")),
        "tekken (mistral-common 240718)": lambda: from_tekken(member(mistral, "mistral_common/data/tekken_240718.json")),
    }
