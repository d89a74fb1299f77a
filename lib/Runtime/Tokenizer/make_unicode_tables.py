#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes UnicodeTables.inc: where the `tokenizers` package and our libraries know different Unicodes.

`tokenizers` splits with Oniguruma, normalises with an old Unicode and lowercases with the newest; PCRE2 and
libutf8proc sit between. Every code point is put through both sides and the differences are written down, so
that ids agree on all of Unicode. Known and left: U+1171E is Mn for PCRE2 and Mc for Oniguruma (only a pattern
that says \\p{Mn} or \\p{Mc} without the other could tell).

Usage: make_unicode_tables.py > UnicodeTables.inc    (needs the tokenizers package, libpcre2-8, libutf8proc)
"""
import ctypes

from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
ALL = "".join(map(chr, CODE_POINTS))
CATEGORIES = ("L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po "
              "S Sm Sc Sk So Z Zs Zl Zp Cc Cf Co").split()
SCRIPTS = ("Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Georgian Greek Gujarati Han Hangul Hebrew "
           "Hiragana Katakana Khmer Lao Latin Mongolian Myanmar Sinhala Tamil Telugu Thai Tibetan").split()
PUNCT_ASCII = r"!-/:-@\[-`{-~"
WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"
SPACE = r"\t-\r\x{85}\p{Z}"

pcre2 = ctypes.CDLL("libpcre2-8.so.0")
pcre2.pcre2_compile_8.restype = ctypes.c_void_p
pcre2.pcre2_match_data_create_8.restype = ctypes.c_void_p
pcre2.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(ctypes.c_size_t)
UTF, UCP, NO_UTF_CHECK = 0x00080000, 0x00020000, 0x40000000


def in_pcre2(items):
    """The code points of the class [items] for PCRE2."""
    subject, pattern = ALL.encode(), f"[{items}]+".encode()
    error, offset = ctypes.c_int(), ctypes.c_size_t()
    code = ctypes.c_void_p(pcre2.pcre2_compile_8(pattern, ctypes.c_size_t(len(pattern)), ctypes.c_uint32(UTF | UCP),
                                                 ctypes.byref(error), ctypes.byref(offset), None))
    assert code, (items, error.value)
    data = ctypes.c_void_p(pcre2.pcre2_match_data_create_8(ctypes.c_uint32(1), None))
    span = pcre2.pcre2_get_ovector_pointer_8(data)
    found, position = set(), 0
    while pcre2.pcre2_match_8(code, subject, ctypes.c_size_t(len(subject)), ctypes.c_size_t(position),
                              ctypes.c_uint32(NO_UTF_CHECK), data, None) > 0:
        found.update(map(ord, subject[span[0]:span[1]].decode()))
        position = span[1]
    return found


def kept_by(pre_tokenizer, text=ALL):
    return {ord(c) for piece, _ in pre_tokenizer.pre_tokenize_str(text) for c in piece}


def in_oniguruma(pattern):
    return kept_by(pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed", invert=True))


def joined(pre_tokenizer, left, right):
    """The code points c for which the piece is left + c + right."""
    text = "".join(f" {left}{chr(c)}{right} " for c in CODE_POINTS)
    return {ord(p[len(left)]) for p, _ in pre_tokenizer.pre_tokenize_str(text)
            if len(p) == len(left + right) + 1 and p.startswith(left) and p.endswith(right)}


def ranges(points):
    result = []
    for c in sorted(points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def class_text(points):
    return "".join(f"\\x{{{a:x}}}" if a == b else f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in ranges(points))


def string_literal(text, indent):
    width, quoted = 96 - indent, text.replace("\\", "\\\\")
    lines = []
    while quoted:
        cut = width if len(quoted) <= width else quoted.rfind("\\\\x", 1, width)
        lines.append(f'{" " * indent}"{quoted[:cut]}"')
        quoted = quoted[cut:]
    return "\n".join(lines) or f'{" " * indent}""'


class Utf8procProperty(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining", ctypes.c_int16), ("bidi", ctypes.c_int16),
                ("decomposition", ctypes.c_int16), ("sequence", ctypes.c_uint16)]


utf8proc = ctypes.CDLL("libutf8proc.so.2")
utf8proc.utf8proc_get_property.restype = ctypes.POINTER(Utf8procProperty)
utf8proc.utf8proc_tolower.restype = ctypes.c_int32
utf8proc.utf8proc_NFD.restype = ctypes.c_char_p


def inert_in_tokenizers():
    """What normalises in libutf8proc and is left alone by tokenizers, with the halves of what would compose."""
    nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
    inert = set()
    for c in CODE_POINTS:
        prop = utf8proc.utf8proc_get_property(c).contents
        if prop.combining == 0 and prop.sequence == 0xFFFF:
            continue
        s = chr(c)
        if (nfkd.normalize_str(s) == s and nfd.normalize_str("a\u0315" + s) == "a\u0315" + s
                and nfd.normalize_str("a" + s + "\u0334") == "a" + s + "\u0334" and not 0xAC00 <= c <= 0xD7A3):
            inert.add(c)
            inert.update(map(ord, utf8proc.utf8proc_NFD(s.encode()).decode()))
    return inert


def main():
    print("// Generated by make_unicode_tables.py; do not edit.\n// clang-format off")
    print("static const PropertyFragment kProperties[] = {")
    for name in CATEGORIES + SCRIPTS:
        ours = rf"\p{{{name}}}" if name in CATEGORIES else rf"\p{{sc:{name}}}"
        theirs = in_oniguruma(rf"\p{{{name}}}")
        base = in_pcre2(ours)
        assert base - theirs <= {0x1171E}, (name, class_text(base - theirs))
        print(f'    {{"{name}",\n{string_literal(ours + class_text(theirs - base), 5)}}},')
    print("};")

    punctuation = kept_by(pre_tokenizers.Punctuation("removed"))
    digits = joined(pre_tokenizers.Digits(individual_digits=False), "1", "1")
    word_rust = joined(pre_tokenizers.Whitespace(), "a", "a")
    word_onig = in_oniguruma(r"\w")
    base_word, base_number = in_pcre2(WORD), in_pcre2(r"\p{N}")
    assert base_word <= word_rust and base_word <= word_onig and base_number <= digits
    assert in_oniguruma(r"\s") == in_pcre2(SPACE) == set(CODE_POINTS) - kept_by(pre_tokenizers.WhitespaceSplit())
    for name, comment, text in (
            ("kSpace", r"\s of Oniguruma and of Rust.", SPACE),
            ("kOnigurumaWord", r"\w of Oniguruma.", WORD + class_text(word_onig - base_word)),
            ("kRustWord", r"\w of Rust's regex crate.", WORD + class_text(word_rust - base_word)),
            ("kRustNumeric", "char::is_numeric of Rust.", r"\p{N}" + class_text(digits - base_number)),
            ("kPunctuation", "What the Punctuation pre-tokenizer takes.", class_text(set(CODE_POINTS) - punctuation))):
        print(f"// {comment}\nstatic const char {name}[] =\n{string_literal(text, 4)};")

    print("// Code points that tokenizers' (older) normalisation forms leave alone.")
    print("static const CodePointRange kNormalizationInert[] = {")
    for a, b in ranges(inert_in_tokenizers()):
        print(f"    {{0x{a:x}, 0x{b:x}}},")
    print("};\n// Lower case where it is not utf8proc_tolower's.\nstatic const LowercaseException kLowercase[] = {")
    lower = normalizers.Lowercase()
    for c in CODE_POINTS:
        mapped = lower.normalize_str(chr(c))
        if mapped != chr(utf8proc.utf8proc_tolower(c)):
            points = [ord(m) for m in mapped] + [0]
            print(f"    {{0x{c:x}, {{0x{points[0]:x}, 0x{points[1]:x}}}}},")
    print("};\n// clang-format on")


if __name__ == "__main__":
    main()
