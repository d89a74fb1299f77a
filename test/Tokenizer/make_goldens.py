#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes what `tokenizer-check` compares with: what the `tokenizers` package says.

  make_goldens.py write DIR               the committed files: tokenizers of every kind and up to 160 strings each
  make_goldens.py compare CHECKER         10,000 strings through every kind and the demo model, live (a quarter of them
                                          through each way to split)
  make_goldens.py compare CHECKER --real PACKAGES
                                          the same for real vocabularies, from the packages (wheels or sdists) in PACKAGES:
                                          pip download --no-deps dashscope==2.0.2 mistral-common==1.13.1
  --every-code-point                      adds all of Unicode to the strings
Exit code 77 (skipped) when the package is not there.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    from tokenizers import Tokenizer
except ImportError:
    print("skipped: no python package 'tokenizers'")
    sys.exit(77)

import real_vocabularies
import tokenizer_families
import tokenizer_strings

DEMO = pathlib.Path(__file__).resolve().parent.parent / "Models" / "moe-demo-9m"
LONGEST = 36  # code points of a committed string


def corpus():
    return "".join(path.read_text(encoding="utf-8") for path in sorted((DEMO / "heldout").glob("*.txt")))


def answers(tokenizer, ids):
    return {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "skipped": tokenizer.decode(ids, skip_special_tokens=True)}


def cases(tokenizer, texts, random_ids, seed=2):
    """Every text, then `random_ids` lists of any ids at all (for the decoder)."""
    for text in texts:
        with_special = tokenizer.encode(text).ids
        yield {"text": text, "plain": tokenizer.encode(text, add_special_tokens=False).ids,
               **answers(tokenizer, with_special)}
    rng, size = random.Random(seed), tokenizer.get_vocab_size()
    few = range(min(size, 270))  # bytes and special tokens are among the first
    for _ in range(random_ids):
        ids = [rng.choice(few) if rng.random() < 0.5 else rng.randrange(size + 2) for _ in range(rng.randint(0, 12))]
        yield {**answers(tokenizer, ids)}


def pieces_of(tokenizer):
    return [token.content for token in tokenizer.get_added_tokens_decoder().values()]


def dump(case):
    """One line, without what tokenizer-check assumes when it is missing."""
    usual = {"plain": case["ids"], "decoded": case.get("text"), "skipped": case["decoded"]}
    short = {key: value for key, value in case.items() if key not in usual or value != usual[key]}
    return json.dumps(short, ensure_ascii=False, separators=(",", ":")) + "\n"


def count_for(name, strings):
    """Ways to split differ in little and share one implementation: each is given fewer."""
    return strings // 4 if name.startswith("split-") else strings


def write(directory, strings):
    text = corpus()
    made = tokenizer_families.families(text, size=360)
    short = [s for s in tokenizer_strings.strings(80 * strings, "", seed=3) if len(s) < LONGEST]
    for index, (name, make) in enumerate(made.items()):
        tokenizer = make()
        pieces = pieces_of(tokenizer)
        count = count_for(name, strings)
        own = [s for s in tokenizer_strings.strings(8 * count, text, pieces, seed=index) if len(s) < LONGEST][:count // 2]
        texts = random.Random(index).sample(short, count - len(own)) + own
        (directory / name).mkdir(parents=True, exist_ok=True)
        data = json.loads(tokenizer.to_str())
        (directory / name / "tokenizer.json").write_text(
            json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        with open(directory / name / "cases.jsonl", "w", encoding="utf-8") as out:
            out.writelines(map(dump, cases(tokenizer, texts, count // 10)))


def compare(checker, name, tokenizer, texts, random_ids):
    """Number of differences; the first few are shown."""
    begin = time.time()
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "tokenizer.json"
        path.write_text(tokenizer.to_str(), encoding="utf-8")
        with open(path.with_name("cases"), "w+", encoding="utf-8") as file:
            file.writelines(map(dump, cases(tokenizer, texts, random_ids)))
            file.seek(0)
            made = time.time()
            run = subprocess.run([checker, path], stdin=file, capture_output=True, encoding="utf-8", check=False)
    lines = run.stdout.splitlines()
    print(f"{name}: {lines[-1] if lines else run.stderr.strip()} "
          f"(tokenizers {made - begin:.1f} s, ours {time.time() - made:.1f} s)", flush=True)
    for line in lines[:-1][:3]:
        print("  " + line[:1500])
    return 0 if run.returncode == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser("write")
    writer.add_argument("directory", type=pathlib.Path)
    writer.add_argument("--strings", type=int, default=160)
    comparer = commands.add_parser("compare")
    comparer.add_argument("checker")
    comparer.add_argument("--strings", type=int, default=10000)
    comparer.add_argument("--only", help="one kind of tokenizer")
    comparer.add_argument("--real", type=pathlib.Path, metavar="PACKAGES")
    comparer.add_argument("--every-code-point", action="store_true")
    args = parser.parse_args()
    if args.command == "write":
        return write(args.directory, args.strings)

    text = corpus()
    if args.real:
        made = real_vocabularies.vocabularies(args.real)
    else:
        made = {"demo": lambda: Tokenizer.from_file(str(DEMO / "tokenizer.json")), **tokenizer_families.families(text)}
    failed = 0
    for name, make in made.items():
        if args.only and name != args.only:
            continue
        tokenizer = make()
        texts = tokenizer_strings.strings(count_for(name, args.strings), text, pieces_of(tokenizer))
        if args.every_code_point:
            texts += tokenizer_strings.every_code_point()
        failed += compare(args.checker, name, tokenizer, texts, len(texts) // 10)
    print(f"{failed} tokenizers differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
