#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs: reference evaluator = unfused code = fused code.

usage: check_random.py MOE_COMPILE REFERENCE_LIBRARY WORK_DIR [--modules=N] [--programs=N] [--seed=S]
                       [--also=OPTIONS OF MOE_COMPILE]...

Each program runs with no token, one, few and many, the work split into ranges in two ways. Expert ids are equal in
all; fused and unfused code, and what --also asks for, give the same bits; the evaluator's values and the code's are both
within the bound of the arithmetic of what numpy computes for the ids and weights that they chose.
"""

import argparse
import collections
import pathlib
import shutil
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Execution" / "Inputs"))
from compiled import Artefact, run_split, run_whole
from coverage import count_fusions, summary
from draw import draw_module
from evaluated import Evaluated
from expected import expected
from program_text import write_module
from programs import MAX_TOKENS, arguments
from weights import make_inputs, make_weights, write_checkpoint


def compile_module(options, source, target, variant):
    subprocess.run([options.moe_compile, source, "-o", target, *variant.split()], check=True)
    return Artefact(target)


class Runner:
    """Runs a program by name; `call(entry, inputs)` gives an entry's results and `names(entry)` what they are."""

    def __init__(self, call, entries):
        self.call, self.entries = call, entries

    def run(self, name, inputs):
        found = {}
        for entry in (name, f"{name}_choice"):
            if entry in self.entries:
                names = [result["name"] for result in self.entries[entry]["results"]]
                found |= dict(zip(names, self.call(entry, inputs), strict=True))
        return found


def difference(wanted, got):
    """What differs from the evaluator's results that must not."""
    if wanted.keys() != got.keys():
        return f"results are {list(got)}, expected {list(wanted)}"
    for name in wanted:
        if name in ("ids", "ids2", "counts") and not np.array_equal(got[name], wanted[name]):
            t = np.nonzero((got[name] != wanted[name]).reshape(len(got[name]), -1).any(axis=1))[0][0]
            return f"{name}[{t}] are {got[name][t]}, expected {wanted[name][t]}"
        if name in ("weights", "weights2", "scores", "logits") and not np.allclose(got[name], wanted[name], rtol=4e-6, atol=1e-30):
            return f"{name} differ by {np.abs(got[name] - wanted[name]).max()}"
    return None


def error_of_rows(program, data, inputs, got):
    """Which rows are not what numpy computes for the choice in `got`."""
    named = dict(zip(["x", *arguments(program)], inputs, strict=True))
    routes = [(got["weights"], got["ids"])] + ([(got["weights2"], got["ids2"])] if program.own_route else [])
    for name, value in expected(program, data, named, routes).items():
        if name not in got:
            continue
        error, allowed = np.abs(got[name] - value.v), value.e + 1e-30
        if not (error <= allowed).all():
            t = np.nonzero(~(error <= allowed).all(axis=1))[0][0]
            return f"{name}[{t}] is off by {(error / allowed)[t].max():.1f} times the allowed error"
    return None


def check_program(name, program, data, variants, evaluated):
    counts = [0, 1, 3, MAX_TOKENS] if program.tokens is None else [program.tokens]
    for tokens in counts:
        inputs = make_inputs(program, tokens)
        wanted = evaluated.run(name, inputs)
        if error := error_of_rows(program, data, inputs, wanted):
            return f"{tokens} tokens, evaluator: {error}"
        first = None
        for where, runner in variants.items():
            got = runner.run(name, inputs)
            where = f"{tokens} tokens, {where}"
            if error := difference(wanted, got):
                return f"{where}: {error}"
            bits = {result: array.tobytes() for result, array in got.items()}
            if first is None:
                first = bits
                if error := error_of_rows(program, data, inputs, got):
                    return f"{where}: {error}"
            elif bits != first:
                return f"{where}: other bits than unfused in {[result for result in bits if bits[result] != first[result]]}"
    return None


def run_variant(artefact, split):
    return Runner(lambda entry, inputs: artefact.call(entry, inputs, split), artefact.manifest["entries"])


def check_module(options, programs, seed, directory, fusions):
    """How many of the programs fail. Where the module does not compile, each is tried by itself."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    data = make_weights(programs[0].shapes, seed)
    write_checkpoint(directory / "model.safetensors", programs[0].shapes, data)
    source = directory / "module.mlir"
    write_module(source, programs)
    variants = {}
    try:
        changed = count_fusions(options.moe_compile, source)
        for i, variant in enumerate(["--fuse=false", "--fuse=true", *options.also]):
            artefact = compile_module(options, source, directory / f"{i}.moe", variant)
            variants |= {f"{variant}, whole": run_variant(artefact, run_whole),
                         f"{variant}, split": run_variant(artefact, run_split)}
    except subprocess.CalledProcessError as error:
        if len(programs) > 1:
            return sum(check_module(options, [program], seed, directory.with_name(f"{directory.name}_{i}"), fusions)
                       for i, program in enumerate(programs))
        print(f"FAILED: {error}\n{error.stderr or ''}\n  {programs[0]}")
        return 1
    fusions += changed
    evaluator = Evaluated(options.reference, source)
    evaluated = Runner(evaluator.call, evaluator.entries)
    failed = 0
    for i, program in enumerate(programs):
        error = check_program(f"p{i}", program, data, variants, evaluated)
        if error:
            failed += 1
            print(f"FAILED: {source} @p{i}: {error}\n  {program}")
    evaluator.close()
    if not failed:
        shutil.rmtree(directory)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("moe_compile")
    parser.add_argument("reference")
    parser.add_argument("--modules", type=int, default=3)
    parser.add_argument("--programs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("work", type=pathlib.Path)
    options = parser.parse_args()
    failed, programs, fusions = 0, [], collections.Counter()
    for seed in range(options.seed, options.seed + options.modules):
        drawn = draw_module(seed, options.programs)
        failed += check_module(options, drawn, seed, options.work.resolve() / f"seed{seed}", fusions)
        programs += drawn
    print("\n".join(summary(programs, fusions)))
    print(f"{len(programs) - failed} of {len(programs)} programs agree")
    sys.exit(failed > 0)


main()
