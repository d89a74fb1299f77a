#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs: reference evaluator = unfused code = fused code.

usage: check_random.py MOE_COMPILE REFERENCE_LIBRARY WORK_DIR [--modules=N] [--programs=N] [--seed=S]

Each program runs with no token, one, few and many, the work split into ranges in two ways. Expert ids are equal in
all; fused and unfused code give the same bits; the evaluator's values are within the bound of the arithmetic.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Execution" / "Inputs"))
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated
from programs import MAX_TOKENS, bound, draw_module, eighths, make_weights, write_checkpoint, write_module


def compile_module(options, source, target, fuse):
    subprocess.run([options.moe_compile, source, "-o", target, f"--fuse={fuse}"], check=True)
    return Artefact(target)


def check_program(name, program, data, variants, evaluated):
    counts = [0, 1, 3, MAX_TOKENS] if program.tokens is None else [program.tokens]
    for tokens in counts:
        x = eighths(np.random.default_rng(tokens), (tokens, program.shapes.dim), 8)
        expected, weights, ids = evaluated.call(name, [x])
        allowed = bound(program, data, x, weights, ids)
        first = None
        for fuse, artefact in variants.items():
            for split in (run_whole, run_split):
                got = artefact.call(name, [x], split)
                where = f"{tokens} tokens, fuse={fuse}, {'whole' if split is run_whole else 'split'}"
                if not np.array_equal(got[2], ids):
                    t = np.nonzero((got[2] != ids).any(axis=1))[0][0]
                    return f"{where}: ids of token {t} are {got[2][t]}, expected {ids[t]}"
                if not np.allclose(got[1], weights, rtol=4e-6, atol=1e-30):
                    return f"{where}: weights differ by {np.abs(got[1] - weights).max()}"
                if not (np.abs(got[0] - expected) <= allowed).all():
                    worst = (np.abs(got[0] - expected) / allowed).max()
                    return f"{where}: {worst:.1f} times the allowed error"
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
    variants = {fuse: compile_module(options, source, directory / f"fuse-{fuse}.moe", fuse) for fuse in ("false", "true")}
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
    parser.add_argument("work", type=pathlib.Path)
    options = parser.parse_args()
    failed = sum(check_module(options, options.seed + i, options.work.resolve()) for i in range(options.modules))
    count = options.modules * options.programs
    print(f"{count - failed} of {count} programs agree")
    sys.exit(failed > 0)


main()
