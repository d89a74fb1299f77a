#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares every router of route_rows.py with route-goldens.npz: ids exactly, weights to f32 rounding.

usage: check_route.py reference LIBMOE_REFERENCE WORK_DIR [MOE_OPT OPTION...: what changes the module before]
       check_route.py compiled MOE_COMPILE WORK_DIR [OPTION...]
"""

import pathlib
import subprocess
import sys

import numpy as np
from compiled import Artefact, run_split, run_whole
from evaluated import Evaluated
from route_rows import FAMILIES, ROWS, inputs, module

# The published routers, as the table of families names them.
PUBLISHED = """
mixtral minimax qwen2_moe qwen3_next qwen3_5_moe qwen4_exp qwen3_moe olmoe flex_olmo mellum deepseek_v2 deepseek_v3
deepseek_v32 glm4_moe glm_moe_dsa kimi_linear nemotron_h bailing_hybrid exaone_moe dots1 solar_open hy_v4 deepseek_v4
gpt_oss granitemoe granitemoeshared granitemoehybrid jetmoe aria phimoe llama4 ernie4_5_moe minimax_m2 minimax_m3_vl
step3p7 hunyuan_v1_moe hy_v3 afmoe dbrx jamba gemma4 cohere2_moe lfm2_moe longcat_flash mistral4 inkling kolibri1
laguna zaya doge switch_transformers nllb_moe
""".split()


def compare(row, golden, got):
    weights, ids = golden[f"{row.name}.weights"], golden[f"{row.name}.ids"]
    assert row.tokens >= 200 and ids.shape == (row.tokens, row.slots)
    wrong = np.argwhere(got[1] != ids)
    assert not len(wrong), f"{row.name}: token {wrong[0][0]} chose {got[1][wrong[0][0]]}, not {ids[wrong[0][0]]}"
    # A sum of 16 numbers, an exponential and a few products.
    np.testing.assert_allclose(got[0], weights, rtol=32 * 2.0**-24, atol=1e-9, err_msg=row.name)


def main():
    mode, tool, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    assert {family.split()[0] for family in FAMILIES} == set(PUBLISHED)
    assert set(FAMILIES.values()) <= {row.name for row in ROWS}
    golden = np.load(pathlib.Path(__file__).with_name("route-goldens.npz"))
    work.mkdir(parents=True)
    source = work / "rows.mlir"
    source.write_text(module())
    if mode == "reference":
        if len(sys.argv) > 4:
            subprocess.run([*sys.argv[4:], source, "-o", source], check=True)
        evaluated = Evaluated(tool, source)
        calls = [lambda name, data: evaluated.call(name, data)]
    else:
        subprocess.run([tool, source, "-o", work / "artefact", *sys.argv[4:]], check=True)
        artefact = Artefact(work / "artefact")
        calls = [lambda name, data, run=run: artefact.call(name, data, run) for run in (run_whole, run_split)]
    for row in ROWS:
        for call in calls:
            compare(row, golden, call(row.name, list(inputs(row).values())))
        print("ok", row.name, *(family for family, name in FAMILIES.items() if name == row.name))


if __name__ == "__main__":
    main()
