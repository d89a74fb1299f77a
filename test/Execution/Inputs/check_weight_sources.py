#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares what entries without arguments return, compiled and evaluated, bit by bit.

usage: check_weight_sources.py MOE_COMPILE REFERENCE WORK_DIR MODULE.mlir [OPTION OF MOE_COMPILE...]
"""

import pathlib
import subprocess
import sys

from compiled import Artefact, run_whole
from evaluated import Evaluated


def main():
    moe_compile, reference, work, module, *options = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([moe_compile, module, "-o", work / "sources.moe", *options], check=True)
    artefact, evaluated = Artefact(work / "sources.moe"), Evaluated(reference, module)
    for entry in artefact.manifest["entries"]:
        results, expected = artefact.call(entry, [], run_whole), evaluated.call(entry, [])
        for i, (a, b) in enumerate(zip(results, expected, strict=True)):
            if a.tobytes() != b.tobytes():
                sys.exit(f"FAILED: {entry} result {i}: {a} instead of {b}")
        print(f"ok {entry}: {len(results)}")
    evaluated.close()


main()
