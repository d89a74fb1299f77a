#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs: reference evaluator = unfused code = fused code.

usage: check_random.py MOE_COMPILE REFERENCE_LIBRARY WORK_DIR [--modules=N] [--programs=N] [--seed=S]
                       [--also=OPTIONS OF MOE_COMPILE]...

Each program runs with no token, one, few and many, the work split into ranges in two ways. Expert ids are equal in
all; fused and unfused code, and what --also asks for, give the same bits; the evaluator's values are within the bound
of the arithmetic.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Execution" / "Inputs"))
from compiled import Artefact, run_split, run_whole
from draw import draw_module
from evaluated import Evaluated
from program_text import write_module
from programs import MAX_TOKENS, bound, make_inputs, make_weights, write_checkpoint


def compile_module(options, source, target, variant):
    subprocess.run([options.moe_compile, source, "-o", target, *variant.split()], check=True)
    return Artefact(target)


def difference(program, expected, got, allowed):
    """What differs from the evaluator's results, if something does."""
    (y, weights, ids, *more), (got_y, got_weights, got_ids, *got_more) = expected, got
    if not np.array_equal(got_ids, ids):
        t = np.nonzero((got_ids != ids).any(axis=1))[0][0]
        return f"ids of token {t} are {got_ids[t]}, expected {ids[t]}"
    if not np.allclose(got_weights, weights, rtol=4e-6, atol=1e-30):
        return f"weights differ by {np.abs(got_weights - weights).max()}"
    if program.counts and not np.array_equal(got_more[-1], more[-1]):
        return f"counts are {got_more[-1]}, expected {more[-1]}"
    if program.scores and not np.allclose(got_more[0], more[0], rtol=4e-6, atol=1e-30):
        return f"scores differ by {np.abs(got_more[0] - more[0]).max()}"
    if not (np.abs(got_y - y) <= allowed).all():
        return f"{(np.abs(got_y - y) / allowed).max():.1f} times the allowed error"
    return None


def check_program(name, program, data, variants, evaluated):
    counts = [0, 1, 3, MAX_TOKENS] if program.tokens is None else [program.tokens]
    for tokens in counts:
        inputs = make_inputs(program, tokens)
        expected = evaluated.call(name, inputs)
        allowed = bound(program, data, inputs[0], *expected[1:3])
        first = None
        for variant, artefact in variants.items():
            for split in (run_whole, run_split):
                got = artefact.call(name, inputs, split)
                where = f"{tokens} tokens, {variant}, {'whole' if split is run_whole else 'split'}"
                if error := difference(program, expected, got, allowed):
                    return f"{where}: {error}"
                bits = [array.tobytes() for array in got]
                if first is None:
                    first = bits
                elif bits != first:
                    return f"{where}: other bits than unfused"
    return None


def check_module(options, seed, work):
    directory = work / f"seed{seed}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    programs = draw_module(seed, options.programs)
    data = make_weights(programs[0].shapes, seed)
    write_checkpoint(directory / "model.safetensors", programs[0].shapes, data)
    source = directory / "module.mlir"
    write_module(source, programs)
    try:
        variants = {variant: compile_module(options, source, directory / f"{i}.moe", variant)
                    for i, variant in enumerate(["--fuse=false", "--fuse=true", *options.also])}
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {error}")
        return len(programs)
    evaluated = Evaluated(options.reference, source)
    failed = 0
    for i, program in enumerate(programs):
        error = check_program(f"p{i}", program, data, variants, evaluated)
        if error:
            failed += 1
            print(f"FAILED: {source} @p{i}: {error}\n  {program}")
    evaluated.close()
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
    failed = sum(check_module(options, options.seed + i, options.work.resolve()) for i in range(options.modules))
    count = options.modules * options.programs
    print(f"{count - failed} of {count} programs agree")
    sys.exit(failed > 0)


main()
