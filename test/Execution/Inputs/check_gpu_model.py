#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the greedy tokens of a model on the CPU and on the simulated GPU: check_gpu_model.py MOE_COMPILE MOE_RUN MODEL WORK_DIR"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

CACHES = ("static", "sliding:16")
ASYNC = ("late", "early", "1", "2")
# One token, and more than a window and a block.
PROMPTS = ("900", ",".join(str(i) for i in range(3, 43)))


def run(moe_run, artefact, device, prompt, logits, asynchronous="late"):
    command = [moe_run, artefact, f"--device={device}", f"--prompt-ids={prompt}", "-n", "12", "--temperature=0", "--json",
               f"--logits={logits}"]
    env = dict(os.environ, MOE_SIM_ASYNC=asynchronous)
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    return json.loads(output)["tokens"], np.load(logits)


def main():
    moe_compile, moe_run, model, work = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    for kv in CACHES:
        cpu, gpu = work / "cpu.moe", work / "gpu.moe"
        subprocess.run([moe_compile, model, f"--kv={kv}", "-o", cpu], check=True)
        subprocess.run([moe_compile, model, f"--kv={kv}", "-o", gpu, "--target=sm_80"], check=True)
        for kernel in json.loads((gpu / "kernels" / "model.json").read_text())["kernels"]:
            if kernel.get("n_spills", 0):
                sys.exit(f"FAILED: {kernel['name']} spills {kernel['n_spills']} bytes")
        for prompt in PROMPTS:
            tokens, logits = run(moe_run, cpu, "cpu", prompt, work / "cpu.npy")
            for asynchronous in ASYNC:
                found, numbers = run(moe_run, gpu, "sim", prompt, work / "gpu.npy", asynchronous)
                if found != tokens or not np.allclose(numbers, logits, rtol=0, atol=1e-4):
                    sys.exit(f"FAILED: {kv}, {asynchronous}, prompt {prompt}: expected {tokens}, got {found}; "
                             f"logits differ by {abs(numbers - logits).max()}")
        print(f"ok {kv}")


main()
