#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls compiled code with arguments that its checks refuse, and compares what they say.

usage: check_failures.py MOE_COMPILE WORK_DIR [OPTION OF MOE_COMPILE...]
"""

import pathlib
import re
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split

HERE = pathlib.Path(__file__).parent


def floats(rows, columns):
    return np.ones((rows, columns), np.float32)


def ids(*rows):
    return np.array(rows, np.int32).reshape(-1, 2)


TABLE = ids((0, 1), (7, 2), (3, 9), (-5, 1), (1, 2))
GOOD = ids((0, 1), (2, 3), (3, 0))
FORCED = "moe.route of layer 3: expected forced ids"
OF_TABLE = "moe.route of layer 4: expected"
DISPATCH, COMBINE = "moe.dispatch of layer 6: expected", "moe.combine of layer 6: expected"

# Entry, arguments, message (None: nothing is wrong).
CALLS = [
    ("forced", [floats(3, 8), ids((0, 7), (3, 3), (7, 0))], None),
    ("forced", [floats(0, 8), ids()], None),
    ("forced", [floats(3, 8), ids((0, 7), (3, 8), (7, 0))], f"{FORCED} to be 0 to 7, got 8"),
    ("forced", [floats(1, 8), ids((0, -1))], f"{FORCED} to be 0 to 7, got -1"),
    ("forced", [floats(3, 8), ids((0, 7), (3, 3))], f"{FORCED} to have as many rows as logits, got 2 and 3"),
    ("table", [floats(3, 8), TABLE, np.array([0, 4, 1])], None),
    ("table", [floats(0, 8), TABLE, np.array([])], None),
    ("table", [floats(2, 8), TABLE, np.array([0, 5])], f"{OF_TABLE} tokens to be rows of the table, got 5"),
    ("table", [floats(2, 8), TABLE, np.array([-3, 0])], f"{OF_TABLE} tokens to be rows of the table, got -3"),
    ("table", [floats(2, 8), TABLE, np.array([0, 2])], f"{OF_TABLE} ids of the table to be 0 to 7, got 9"),
    ("table", [floats(2, 8), TABLE, np.array([3, 0])], f"{OF_TABLE} ids of the table to be 0 to 7, got -5"),
    ("table", [floats(3, 8), TABLE, np.array([0, 1])], f"{OF_TABLE} tokens to have as many rows as logits, got 2 and 3"),
    ("shared", [floats(2, 8), floats(3, 1)],
     "moe.route of layer 5: expected shared_weights to have as many rows as logits, got 3 and 2"),
    ("layer", [floats(3, 4), GOOD, floats(3, 2), floats(3, 4), floats(3, 4)], None),
    ("layer", [floats(2, 4), GOOD, floats(3, 2), floats(3, 4), floats(3, 4)],
     f"{DISPATCH} input to have as many rows as ids, got 2 and 3"),
    ("layer", [floats(3, 4), GOOD, floats(4, 2), floats(3, 4), floats(3, 4)],
     f"{DISPATCH} scale to have as many rows as ids, got 4 and 3"),
    ("layer", [floats(3, 4), ids((0, 1), (2, 4), (3, 0)), floats(3, 2), floats(3, 4), floats(3, 4)],
     f"{DISPATCH} ids to be 0 to 3, got 4"),
    ("layer", [floats(3, 4), GOOD, floats(3, 2), floats(0, 4), floats(3, 4)],
     f"{COMBINE} residual to have as many rows as weights, got 0 and 3"),
    ("layer", [floats(3, 4), GOOD, floats(3, 2), floats(3, 4), floats(5, 4)],
     f"{COMBINE} skipped to have as many rows as weights, got 5 and 3"),
    ("counted", [np.array([3, 3, 2, 2]), np.array([1])], None),
    ("counted", [np.array([3, 3, 2, 2]), np.array([9])], "sums to be 0 to 7, got 9"),
    ("loss", [floats(3, 8), np.ones(2)], "moe.z_loss of z-loss: expected mask to have as many rows as logits, got 2 and 3"),
]

ROWS = "moe.sort_tokens of layer 3: expected"
LAYER = [floats(3, 4), ids((0, 1), (2, 0), (1, 0)), ids((1, 1), (1, 1), (1, 1)), floats(3, 2)]

# What a broken pass or kernel would do to the checked code: text, text instead, arguments, message.
FAULTS = [
    ("", "", LAYER, None),
    ("", "", [LAYER[0], ids((0, 1), (2, 3), (1, 0)), *LAYER[2:]], f"{ROWS} ids to be 0 to 2, got 3"),
    ("moe.sort_tokens %arg1", "moe.sort_tokens %arg2", LAYER,
     f"{ROWS} no pair to be in no row, in two, or in a row of another expert, got 4"),
    # The memory of the gather and of the combination, looked at in place of what they have written.
    ("tensor.extract %GATHERED", "tensor.extract %MEMORY_OF_GATHERED", LAYER,
     "moe.gather_rows of layer 3: expected no row to stay unwritten, got 6"),
    ("tensor.extract %COMBINED", "tensor.extract %MEMORY_OF_COMBINED", LAYER,
     "moe.combine_rows of layer 3: expected no row to stay unwritten, got 3"),
]


def call(artefact, entry, arguments):
    """What the checks say."""
    kinds = [np.float32 if a.dtype == np.float32 else np.int32 for a in arguments]
    try:
        artefact.call(entry, [a.astype(kind) for a, kind in zip(arguments, kinds, strict=True)], run_split)
    except RuntimeError as error:
        return str(error)
    return None


def compile_text(moe_compile, text, path, options):
    source = path.with_suffix(".mlir")
    source.write_text(text)
    subprocess.run([moe_compile, source, "-o", path, *options], check=True)
    return Artefact(path)


def main():
    moe_compile, work, *options = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    failures = []
    artefact = compile_text(moe_compile, (HERE / "checks.mlir").read_text(), work / "checks", options)
    for entry, arguments, message in CALLS:
        if (got := call(artefact, entry, arguments)) != message:
            failures.append(f"{entry}: expected '{message}', got '{got}'")
    passes = "--pass-pipeline=builtin.module(func.func(moe-check-conservation))"
    command = ["moe-opt", passes, "--mlir-print-debuginfo", HERE / "conservation.mlir"]
    checked = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = re.findall(r"(%\w+) = linalg.fill", checked) + re.findall(r"(%\w+) = moe.(?:gather|combine)_rows", checked)
    names = dict(zip(("%MEMORY_OF_GATHERED", "%MEMORY_OF_COMBINED", "%GATHERED", "%COMBINED"), names, strict=True))
    for i, (old, new, arguments, message) in enumerate(FAULTS):
        for name, value in names.items():
            old, new = old.replace(name, value), new.replace(name, value)
        text = checked.replace(old, new) if old else checked
        if old and text == checked:
            sys.exit(f"FAILED: '{old}' does not occur in\n{checked}")
        got = call(compile_text(moe_compile, text, work / f"fault{i}", options), "layer", arguments)
        if got != message:
            failures.append(f"{old}: expected '{message}', got '{got}'")
    if failures:
        sys.exit("FAILED: " + "\nFAILED: ".join(failures))
    print(f"ok {len(CALLS) + len(FAULTS)} calls")


main()
