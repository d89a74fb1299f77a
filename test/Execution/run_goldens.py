#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares moe-run with transformers' recorded answers. One call is one test case.

usage: run_goldens.py --bin=DIR CASE ...

  compile MODEL ART DTYPE        writes the artefact the other cases read
  rebuild MODEL ART DTYPE        a second build has the same bytes, file by file
  greedy MODEL ART LENGTH        tokens exact, logits of the last prompt position to 1e-4
  chunks MODEL ART LENGTH        prefill in chunks of 1, 16, 17 and the default: the same bits
  threads MODEL ART LENGTH       1 and 2 threads: the same bits
  first-use MODEL LENGTH         moe-run on the model directory itself: compiles once, the same tokens
  reference MODEL LENGTH         as greedy, by the reference evaluator on the model directory
  perplexity MODEL ART DOMAIN TOLERANCE   on MODEL/heldout/DOMAIN.txt, against MODEL/reference.json
  continue MODEL ART             every greedy text of reference.json whose choices are clear, from text to text

Exit status: 0 passed, 1 failed, 77 skipped (no numpy).
"""

import argparse
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)

LOGIT_TOLERANCE = 1e-4  # relative to max(1, |x|)
CLEAR_GAP = 0.03  # below this, another arithmetic may choose another token
PERPLEXITY_WINDOW = 512
COMMAND_TIMEOUT_S = 300


class Failure(Exception):
    """What differs, in one line."""


class Tools:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def call(self, tool, *args, env=None):
        command = [str(self.directory / tool), *map(str, args)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=COMMAND_TIMEOUT_S)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)[:400]}: exit {done.returncode}\n{done.stderr[-2000:]}")
        return done

    def compile(self, model, out, dtype, isa="host"):
        self.call("moe-compile", model, "-o", out, f"--dtype={dtype}", f"--isa={isa}")

    def run_json(self, target, *args, env=None):
        out = self.call("moe-run", target, "--json", *args, env=env).stdout
        try:
            return json.loads(out)
        except json.JSONDecodeError as e:
            raise Failure(f"moe-run --json printed something else: {e}: {out[:200]!r}") from None

    def generate(self, target, prompt_ids, new_tokens, *args, env=None):
        """Greedy token ids and the last prompt position's logits."""
        with tempfile.TemporaryDirectory() as tmp:
            logits = pathlib.Path(tmp, "logits.npy")
            result = self.run_json(
                target, "--temperature=0", "--prompt-ids=" + ",".join(map(str, prompt_ids)),
                "-n", new_tokens, "--ignore-eos", f"--logits={logits}", *args, env=env)
            values = np.load(logits)
        if values.dtype != np.float32:
            raise Failure(f"--logits wrote {values.dtype}, expected float32")
        if result["prompt_tokens"] != len(prompt_ids):
            raise Failure(f"prompt_tokens is {result['prompt_tokens']}, expected {len(prompt_ids)}")
        return result["tokens"], values.reshape(-1)


def load_golden(model, length):
    golden = json.loads((model / "golden.json").read_text())
    entry = next(p for p in golden["prompts"] if len(p["prompt_ids"]) == length)
    with np.load(model / "golden.npz") as arrays:
        return entry["prompt_ids"], entry["new_ids"], arrays[str(length)]


def expect_tokens(got, want, what):
    if got != want:
        at = next((i for i, (a, b) in enumerate(zip(got, want, strict=False)) if a != b),
                  min(len(got), len(want)))
        raise Failure(f"{what}: tokens part at step {at}: got {got[at:at + 4]}…, "
                      f"expected {want[at:at + 4]}… ({len(got)} and {len(want)} tokens)")


def expect_close(got, want):
    if got.shape != want.shape:
        raise Failure(f"logits: {got.size} values, expected {want.size}")
    error = np.abs(got - want) / np.maximum(1, np.abs(want))
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    print(f"largest logit difference {error[worst]:.3g} (at {worst})")
    if not error[worst] <= LOGIT_TOLERANCE:
        raise Failure(f"logits: {got[worst]} at {worst}, expected {want[worst]}: "
                      f"difference {error[worst]:.3g} > {LOGIT_TOLERANCE}")


def expect_same_runs(tools, art, prompt, new_tokens, variants):
    """All variants of the command line give the bits of the first."""
    first = None
    for args in variants:
        tokens, logits = tools.generate(art, prompt, new_tokens, *args)
        what = " ".join(args) or "default"
        if first is None:
            first = what, tokens, logits
            continue
        expect_tokens(tokens, first[1], f"{what} against {first[0]}")
        if logits.tobytes() != first[2].tobytes():
            differ = int(np.sum(logits.view(np.uint32) != first[2].view(np.uint32)))
            raise Failure(f"{what} against {first[0]}: {differ} of {logits.size} logits "
                          f"differ in bits, at most {np.abs(logits - first[2]).max():.3g}")


def case_compile(tools, model, art, dtype, isa="host"):
    shutil.rmtree(art, ignore_errors=True)
    pathlib.Path(art).parent.mkdir(parents=True, exist_ok=True)
    tools.compile(model, art, dtype, isa)


def case_rebuild(tools, model, art, dtype):
    with tempfile.TemporaryDirectory(dir=pathlib.Path(art).parent) as tmp:
        again = pathlib.Path(tmp, "again")
        tools.compile(model, again, dtype)
        names = sorted(p.name for p in pathlib.Path(art).iterdir())
        if names != sorted(p.name for p in again.iterdir()):
            raise Failure(f"the second build has other files than {names}")
        _, differ, errors = filecmp.cmpfiles(art, again, names, shallow=False)
        if differ or errors:
            raise Failure(f"the second build differs in {', '.join(differ + errors)}")


def case_greedy(tools, model, art, length):
    prompt, want, logits = load_golden(model, int(length))
    tokens, got = tools.generate(art, prompt, len(want))
    expect_close(got, logits)
    expect_tokens(tokens, want, f"prompt of {length}")


def case_reference(tools, model, length):
    prompt, want, logits = load_golden(model, int(length))
    tokens, got = tools.generate(model, prompt, len(want), "--device=reference")
    expect_close(got, logits)
    expect_tokens(tokens, want, f"prompt of {length}")


def case_chunks(tools, model, art, length):
    prompt, want, _ = load_golden(model, int(length))
    variants = [()] + [(f"--prefill-chunk={c}",) for c in (1, 16, 17)]
    expect_same_runs(tools, art, prompt, len(want), variants)


def case_threads(tools, model, art, length):
    prompt, want, _ = load_golden(model, int(length))
    expect_same_runs(tools, art, prompt, len(want), [("--threads=1",), ("--threads=2",)])


def case_first_use(tools, model, length):
    prompt, want, logits = load_golden(model, int(length))
    with tempfile.TemporaryDirectory() as tmp:
        copy = pathlib.Path(tmp, model.name)
        shutil.copytree(model, copy)
        env = dict(os.environ, HOME=tmp, XDG_CACHE_HOME=str(pathlib.Path(tmp, "cache")))
        for what in ("first use", "second use"):
            tokens, got = tools.generate(copy, prompt, len(want), "--dtype=f32", env=env)
            expect_tokens(tokens, want, what)
            expect_close(got, logits)


def case_perplexity(tools, model, art, domain, tolerance):
    reference = json.loads((model / "reference.json").read_text())
    result = tools.run_json(art, "--bos", f"--perplexity={model / 'heldout' / (domain + '.txt')}",
                            f"--window={PERPLEXITY_WINDOW}")
    want, tokens = reference["perplexity"][domain], reference["tokens"][domain]
    if result["tokens"] != tokens:
        raise Failure(f"{domain}: {result['tokens']} tokens, expected {tokens}")
    off = result["perplexity"] / want - 1
    print(f"{domain}: perplexity {result['perplexity']:.4f}, reference {want:.4f} ({100 * off:+.4f} %)")
    if not abs(off) <= float(tolerance):
        raise Failure(f"{domain}: perplexity off by {100 * off:.4f} %, allowed {100 * float(tolerance)} %")


def case_continue(tools, model, art):
    reference = json.loads((model / "reference.json").read_text())
    clear = [g for g in reference["greedy"] if g["min_top2_gap"] >= CLEAR_GAP]
    if not clear:
        raise Failure("reference.json has no clear greedy text")
    for entry in clear:
        result = tools.run_json(art, "--temperature=0", "--bos", f"--prompt={entry['prompt']}",
                                "-n", len(entry["new_ids"]), "--ignore-eos")
        expect_tokens(result["tokens"], entry["new_ids"], repr(entry["prompt"]))
        if result["text"] != entry["text"]:
            raise Failure(f"{entry['prompt']!r}: the text differs: {result['text']!r}")


CASES = {
    "compile": case_compile, "rebuild": case_rebuild, "greedy": case_greedy,
    "chunks": case_chunks, "threads": case_threads, "first-use": case_first_use,
    "reference": case_reference,
    "perplexity": case_perplexity, "continue": case_continue,
}


def main():
    parser = argparse.ArgumentParser(description="Compare moe-run with transformers' answers.")
    parser.add_argument("--bin", required=True, help="directory of moe-compile and moe-run")
    parser.add_argument("case", choices=CASES)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("rest", nargs="*")
    args = parser.parse_args()
    try:
        CASES[args.case](Tools(args.bin), args.model, *args.rest)
    except (Failure, subprocess.TimeoutExpired, OSError, KeyError) as e:
        print(f"FAILED: {type(e).__name__}: {e}" if not isinstance(e, Failure) else f"FAILED: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
