#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares losses and gradients with PyTorch's: the reference evaluator and compiled code.

usage: check_training.py MOE_COMPILE GOLDENS.npz WORK_DIR [OPTION OF MOE_COMPILE...]

moe-opt and the reference evaluator are those beside MOE_COMPILE.

Integers must be equal, floats within TOLERANCE, relative or absolute.
"""

import pathlib
import subprocess
import sys

import numpy as np
import training_cases
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated

TOLERANCE = 1e-5


def arrays_of(goldens, prefix, kind):
    names = (f"{prefix}/{kind}{i}" for i in range(100))
    return [goldens[name] for name in names if name in goldens]


def error(got, want):
    """The largest error, as a multiple of the tolerance; infinite where something is not a number."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return np.inf
    if want.dtype == np.int32:
        return 0.0 if (got == want).all() else np.inf
    errors = np.abs(got - want) / (TOLERANCE * np.maximum(1, np.abs(want)))
    return np.max(np.where(np.isnan(errors), np.inf, errors), initial=0.0)


def main():
    moe_compile, goldens, work, *options = sys.argv[1:]
    work, tools = pathlib.Path(work), pathlib.Path(moe_compile).parent
    moe_opt, reference = tools / "moe-opt", tools.parent / "lib" / "libmoe-reference.so"
    work.mkdir(parents=True, exist_ok=True)
    (work / "training.mlir").write_text(training_cases.module())
    names = ",".join(case.name for case in training_cases.CASES)
    passes = f"builtin.module(moe-differentiate{{functions={names}}},symbol-dce)"
    gradients = work / "gradients.mlir"
    subprocess.run([moe_opt, f"--pass-pipeline={passes}", work / "training.mlir", "-o", gradients], check=True)
    subprocess.run([moe_compile, gradients, "-o", work / "compiled.moe", *options], check=True)
    compiled, evaluated = Artefact(work / "compiled.moe"), Evaluated(reference, gradients)
    engines = {
        "evaluated": evaluated.call,
        "compiled": lambda entry, inputs: compiled.call(entry, inputs, run_whole),
        "compiled, split": lambda entry, inputs: compiled.call(entry, inputs, run_split),
    }
    worst = dict.fromkeys(engines, 0.0)
    with np.load(goldens) as file:
        goldens = dict(file)
    calls = 0
    for case in training_cases.CASES:
        prefixes = sorted({name.rsplit("/", 1)[0] for name in goldens if name.startswith(case.name + "/")})
        if not prefixes:
            sys.exit(f"FAILED: {case.name}: no golden")
        for prefix in prefixes:
            inputs, seeds = arrays_of(goldens, prefix, "in"), arrays_of(goldens, prefix, "seed")
            want = arrays_of(goldens, prefix, "out") + arrays_of(goldens, prefix, "grad")
            for engine, call in engines.items():
                got = call(case.name + "_grad", inputs + seeds)
                if len(got) != len(want):
                    sys.exit(f"FAILED: {prefix}, {engine}: {len(got)} results, expected {len(want)}")
                for i, (g, w) in enumerate(zip(got, want, strict=True)):
                    off = error(g, w)
                    if not off <= 1:
                        sys.exit(f"FAILED: {prefix}, {engine}: result {i} is off by {off:.2f} tolerances\n{g}\n{w}")
                    worst[engine] = max(worst[engine], off)
                calls += 1
    evaluated.close()
    for engine, off in worst.items():
        print(f"{engine}: largest error {off * TOLERANCE:.2g}")
    print(f"ok {len(training_cases.CASES)} functions, {calls} calls")


main()
