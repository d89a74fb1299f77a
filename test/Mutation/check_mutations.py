#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Breaks what passes write, and checks that each fault is caught by what mutations.py says.

usage: check_mutations.py MOE_OPT DOCS_PAGE [--write]

The page lists the faults and what catches them; --write makes it anew.
"""

import pathlib
import subprocess
import sys

from mutations import MUTATIONS

HERE = pathlib.Path(__file__).parent
VERIFY = "--pass-pipeline=builtin.module(func.func(moe-verify-conservation))"
HEADER = """# Faults that are caught

Each line is a fault that a pass could have: a change of the IR that it writes. Tests make every one of them and check
what notices it first: the **verifier** when the IR is read, **conservation** (`moe-verify-conservation`, which runs in
every compilation), or **execution** (results differ from the unbroken program's, which the tests of every pass compare).

| Fault | Pass that would be at fault | Caught by |
|---|---|---|
"""


def run(moe_opt, text, option):
    """Exit status and what is printed."""
    command = [moe_opt, "-", option, "-o", "-" if option == VERIFY else "/dev/null"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr}")
    return done


def function_of(text, name):
    begin = text.index(f"func.func @{name}(")
    end = text.find("\nfunc.func", begin)
    return begin, len(text) if end < 0 else end


def catcher(moe_opt, text, expected_results):
    """Who notices, and what is said."""
    proof = run(moe_opt, text, VERIFY)
    if proof.returncode:
        read = run(moe_opt, text, "--mlir-print-op-generic")
        return ("verifier" if read.returncode else "conservation"), proof.stderr.splitlines()[0]
    results = run(moe_opt, text, "--test-moe-evaluate")
    return ("execution" if results.returncode or results.stdout != expected_results else "nobody"), ""


def main():
    moe_opt, page, *options = sys.argv[1:]
    moe_opt = moe_opt.split()[0]
    layers = (HERE / "Inputs" / "layers.mlir").read_text()
    if (proof := run(moe_opt, layers, VERIFY)).returncode:
        sys.exit(f"the unbroken program is refused\n{proof.stderr}")
    expected_results = run(moe_opt, layers, "--test-moe-evaluate").stdout
    failed, lines = 0, []
    for name, culprit, function, old, new, expected in MUTATIONS:
        begin, end = function_of(layers, function)
        body = layers[begin:end]
        context = layers if body.count(old) == 0 else body
        if context.count(old) != 1:
            sys.exit(f"{name}: '{old}' occurs {context.count(old)} times in @{function}")
        broken = layers.replace(old, new) if context is layers else layers[:begin] + body.replace(old, new) + layers[end:]
        caught, message = catcher(moe_opt, broken, expected_results)
        if caught != expected:
            failed += 1
            print(f"FAILED: {name}: caught by {caught}, expected {expected}\n  {message}")
        lines.append(f"| {name} | `{culprit}` | {expected} |\n")
    text = HEADER + "".join(lines)
    if "--write" in options:
        pathlib.Path(page).write_text(text)
    elif pathlib.Path(page).read_text() != text:
        failed += 1
        print(f"FAILED: {page} does not list these faults; --write makes it anew")
    print(f"{len(MUTATIONS) - failed} of {len(MUTATIONS)} faults are caught as expected")
    sys.exit(failed > 0)


main()
