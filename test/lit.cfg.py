# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lit suite: shell tests with FileCheck, mirroring include/ and lib/.

Every moe-opt runs with --verify-roundtrip, so that its input must also survive printing and parsing. It then
does what it does without; MOE_LIT_VERIFY_ROUNDTRIP=0 in the environment leaves the check out.
"""

import os
import subprocess

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "MOE"
config.test_format = lit.formats.ShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".test"]
config.excludes = ["CMakeLists.txt", "Inputs", "Models", "Unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.moe_obj_root, "test")

# Strict FileCheck: unset variables do not leak between functions, unused prefixes are mistakes.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"

roundtrip = [] if os.environ.get("MOE_LIT_VERIFY_ROUNDTRIP") == "0" else ["--verify-roundtrip"]
tool_dirs = [config.moe_tools_dir, config.llvm_tools_dir]
llvm_config.add_tool_substitutions(
    [
        ToolSubst("moe-opt", extra_args=roundtrip, unresolved="ignore"),
        *(
            ToolSubst(tool, unresolved="ignore")
            for tool in ("moe-translate", "moe-compile", "moe-run", "moe-bench", "moe-lsp-server", "moe-reduce", "moe-sim")
        ),
        "FileCheck",
        "not",
        "count",
        "split-file",
        "mlir-opt",
        "mlir-runner",
    ],
    tool_dirs,
)
llvm_config.with_environment("PATH", tool_dirs, append_path=True)
config.substitutions += [
    ("%python", config.moe_python),
    ("%moe_reference", os.path.join(config.moe_obj_root, "lib", "libmoe-reference.so")),
    ("%models", os.path.join(config.moe_src_root, "test", "Models")),
    ("%src_root", config.moe_src_root),
    ("%moe_lib_dir", os.path.join(config.moe_obj_root, "lib")),
    ("%llvm_lib_dir", config.llvm_lib_dir),
    ("%shlibext", config.llvm_shlib_ext),
]


def host_features():
    """lit features from the names in /proc/cpuinfo."""
    names = {"amx_tile": "amx", "avx512_bf16": "avx512bf16", "avx512f": "avx512f", "avx2": "avx2"}
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        flags = next((line.split() for line in cpuinfo if line.startswith("flags")), [])
    return {feature for flag, feature in names.items() if flag in flags}


def can_import(module):
    command = [config.moe_python, "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True).returncode == 0


config.available_features |= host_features()
config.available_features |= {
    feature
    for module, feature in (("numpy", "python"), ("tokenizers", "tokenizers"))
    if can_import(module)
}
if can_import("torch, triton"):
    config.available_features.add("triton")
if os.environ.get("MOE_WITH_TORCH") == "1" and can_import("transformers"):
    config.available_features.add("transformers")
