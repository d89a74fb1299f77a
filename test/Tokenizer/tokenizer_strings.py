# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Strings that a tokenizer may get wrong: text, code, numbers, spaces and all of Unicode. Deterministic."""
import random
import unicodedata

PLANES = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x590, 0x8FF), (0x900, 0xDFF),
          (0xE00, 0x109F), (0x1100, 0x1FFF), (0x2000, 0x2BFF), (0x2E80, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FF),
          (0xE000, 0xF8FF), (0xF900, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x3FFFF), (0xE0000, 0xE01FF),
          (0x10FF00, 0x10FFFF)]
MARKS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me")]
CASED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Lu", "Lt")]
COMPOSED = [chr(c) for c in range(0x110000) if unicodedata.decomposition(chr(c))]
NUMBERS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c))[0] == "N"]
SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\r", "\n\n", "\v", "\f", "\x85", "\xa0", "\u1680", "\u180e", "\u2003",
          "\u200b", "\u2028", "\u2029", "\u202f", "\u3000", "\ufeff"]
EMOJI = ["😀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "1️⃣", "🧑🏿‍🚀", "☺", "🫠"]
SCRIPTS = ["Wer das Wort „Öl“ schätzt", "naïve café Ångström", "Привет, мир", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم",
           "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界", "こんにちは世界", "カタカナ", "안녕하세요", "ᄒ\u1161ᆫ", "Ἀρχή", "ﬁﬂﬀ", "①②③", "ǅ",
           "İstanbul", "ſtraße", "e\u0301\u0323", "\u0958", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𠮷野家", "\u202eabc\u202c", "▁▁a▁", "Ġthe", "<0x41>"]
CODE = ["for (int i = 0; i < n; ++i) {\n    sum += a[i] * 2.5e-3f;\n}\n", "def f(x: int) -> str:\n\treturn f\"{x!r}\"\n",
        "SELECT * FROM t WHERE a='b' AND c<>1;", "<div class=\"x\">&nbsp;</div>", "#!/bin/sh\necho $((1+2)) >>/dev/null\n",
        "https://example.org/a?b=c&d=%20#e", "\\begin{equation} x^{2}_{i} \\end{equation}", "!!!???...---___", "//====//"]
WORDS = ["I'm", "we'll", "THEY'RE", "it'S", "don't", "o'clock", "'twas", "I'd've", "x's", "’s", "12345678", "3.14159", "1,000,000",
         "0xDEADBEEF", "v2.0.1-rc3", "CamelCaseWord", "snake_case", "ALLCAPS", "e.g.", "a", "antidisestablishmentarianism"]


def random_code_point(rng):
    low, high = rng.choice(PLANES) if rng.random() < 0.9 else (0, 0x10FFFF)
    while True:
        c = rng.randint(low, high)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def random_text(rng, pieces):
    """Something like text, of `pieces` (a list of strings of the tokenizer: added tokens, say) among others."""
    makers = [
        lambda: "".join(random_code_point(rng) for _ in range(rng.randint(1, 12))),
        lambda: rng.choice("aeiouAEnsc가ก한") + "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 4))),
        lambda: "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 5))),
        lambda: " " * rng.randint(1, 40),
        lambda: "".join(chr(rng.randint(0, 0x20)) for _ in range(rng.randint(1, 4))),
        lambda: "".join(rng.choice(NUMBERS) for _ in range(rng.randint(1, 6))),
        lambda: "".join(rng.choice(CASED) for _ in range(rng.randint(1, 4))),
        lambda: "".join(rng.choice(COMPOSED) for _ in range(rng.randint(1, 4))),
        lambda: str(rng.randint(0, 10 ** rng.randint(1, 20))),
        lambda: rng.choice(EMOJI), lambda: rng.choice(SCRIPTS), lambda: rng.choice(CODE), lambda: rng.choice(WORDS),
        lambda: " " + rng.choice(WORDS), lambda: rng.choice(pieces or WORDS), lambda: rng.choice(pieces or SPACES),
    ]
    return "".join(rng.choice(makers)() for _ in range(rng.randint(1, 8)))


def strings(count, corpus, pieces=(), seed=1):
    """`count` strings: fixed ones, slices of `corpus`, and random ones."""
    rng = random.Random(seed)
    result = [""] + SPACES + EMOJI + SCRIPTS + CODE + WORDS
    while len(result) < count // 5 and corpus:
        start = rng.randrange(len(corpus))
        result.append(corpus[start:start + rng.randint(1, 300)])
    while len(result) < count:
        result.append(random_text(rng, list(pieces)))
    rng.shuffle(result)
    return result[:count]


def every_code_point():
    """All of Unicode, each code point behind a letter, a digit, a space and a mark."""
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    for start in range(0, len(points), 16):
        yield "".join(f"a{c}1{c} {c}\u0301" for c in points[start:start + 16])
