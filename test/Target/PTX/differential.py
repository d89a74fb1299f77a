# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Asks ptxas and moe-sim the same question about mutated PTX: is it right?

    differential.py --tool=moe-sim [--ptxas=PATH] [--count=N] [--seed=S] [--lines=REGEX] LINES

LINES has one instruction a line behind the target it is for. Each mutant drops, adds or replaces a modifier, a type
or an operand of one line (--count=0: the lines themselves), and is wrapped in a kernel that declares registers of
every type. Where LINES is a PTX file, a mutant is that file with one line deleted, doubled, or changed like this. Prints the disagreements and how often the two agree; fails below --agree percent of all, or of those that
ptxas accepts. Skips itself, and says so, where there is no ptxas.
"""

import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HEAD = """.version {version}
.target {target}
.address_size 64
.global .align 16 .b8 gv[256];
.const .align 16 .b8 cv[256];
.extern .shared .align 16 .b8 ext[];
.func (.param .b32 rv) fn(.param .b32 a) {{ ret; }}
.visible .entry k(.param .u64 p0, .param .u32 p1, .param .align 64 .b8 p2[128]) {{
.reg .pred %p<9>; .reg .b8 %rb<4>; .reg .b16 %rs<60>; .reg .b32 %r<300>; .reg .b64 %rd<60>; .reg .b128 %rq<5>;
.reg .f16 %h<5>; .reg .f16x2 %hh<5>; .reg .f32 %f<300>; .reg .f64 %fd<9>; .reg .u32 %u<5>; .reg .s32 %s<5>;
.reg .u64 %ud<5>; .reg .s64 %sd<5>; .reg .u16 %us<5>; .reg .s16 %ss<5>;
.shared .align 128 .b8 sv[1024]; .local .align 16 .b8 lv[64];
{line}
L1: ret;
}}
"""

TYPES = (
    "u8 u16 u32 u64 s8 s16 s32 s64 b8 b16 b32 b64 b128 f16 f16x2 f32 f32x2 f64 bf16 bf16x2 tf32 pred e4m3x2 e5m2x2 "
    "s16x2 u16x2"
).split()
MODIFIERS = (
    "ftz sat rn rz rm rp rni rzi approx full cta gpu sys cluster relaxed acquire release acq_rel volatile weak nc ca "
    "cg cs wb cv global shared shared::cta shared::cluster local const param v2 v4 sync aligned trans uni hi lo wide "
    "eq lt hs num nan and or xor add min inc cas exch satfinite relu noftz NaN x1 x2 x4 row col L2::cache_hint "
    "L2::128B L1::evict_last parity read m8n8 m16n8k8 m16n8k16 to cc idx up all any b1024 tile multicast::cluster"
).split()
OPERANDS = (
    "%p3 !%p3 %rb1 %rs3 %r3 %rd3 %h1 %hh1 %f3 %fd3 %u1 %s1 %ud1 %sd1 %us1 %ss1 %rq1 1 0 -1 33 1.0 0f3F800000 "
    "0d3FF0000000000000 _ [%rd3] [%r3] [gv] [sv] [p1] [cv] [lv] [%f3] gv sv fn %tid.x %tid %laneid {%r1,%r2} "
    "{%rd1,%rd2} {%rs1,%rs2} {%r1,%r2,%r3,%r4} {%f1,%f2,%f3,%f4} %r1|%p1 %p1|%p2 L1"
).split()


def split_operands(text):
    operands, depth, current = [], 0, ""
    for char in text:
        depth += (char in "[{(") - (char in "]})")
        if char == "," and depth == 0:
            operands.append(current.strip())
            current = ""
        else:
            current += char
    return operands + [current.strip()] if current.strip() else operands


def mutate(line, rng):
    """`line` with one change; None where it is no plain instruction."""
    found = re.fullmatch(r"(\w+)((?:\.[\w:]+)*)(?: (.*))?;", line)
    if not found:
        return None
    names = re.findall(r"\.([\w:]+)", found[2])
    operands = split_operands(found[3] or "")
    types = [i for i, name in enumerate(names) if name in TYPES]
    kind = rng.randrange(9)
    if kind == 0 and names:
        names.pop(rng.randrange(len(names)))
    elif kind == 1 and names:
        at = rng.randrange(len(names))
        names[at] = rng.choice(TYPES if names[at] in TYPES else MODIFIERS)
    elif kind == 2:
        names.insert(rng.randrange(len(names) + 1), rng.choice(MODIFIERS))
    elif kind == 3 and operands:
        operands.pop(rng.randrange(len(operands)))
    elif kind == 4 and operands:
        operands.insert(rng.randrange(len(operands) + 1), rng.choice(OPERANDS))
    elif kind == 5 and types:
        names[rng.choice(types)] = rng.choice(TYPES)
    elif operands:
        operands[rng.randrange(len(operands))] = rng.choice(OPERANDS)
    return found[1] + "".join("." + name for name in names) + (" " + ", ".join(operands) if operands else "") + ";"


def find_ptxas(given):
    for path in [given, os.environ.get("MOE_PTXAS"), shutil.which("ptxas"), "/usr/local/cuda/bin/ptxas"]:
        if path and os.access(path, os.X_OK):
            return path
    return None


def newest_version(ptxas):
    """The PTX ISA that this ptxas takes, at most ours."""
    text = subprocess.run([ptxas, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, re.search(r"release (\d+)\.(\d+)", text).groups())
    return "9.0" if major >= 13 else f"8.{minor - 1}" if (major, minor) >= (12, 8) else None


def read_lines(path, pattern):
    with open(path, encoding="utf-8") as file:
        rows = [row.split(" ", 1) for row in file.read().splitlines() if row and row[0] != "#"]
    return [tuple(row) for row in rows if re.match(pattern, row[1])]


def make_mutants(lines, count, rng):
    if count == 0:
        return sorted(set(lines))
    mutants = set()
    for _ in range(100 * count):
        target, line = rng.choice(lines)
        mutant = mutate(line, rng)
        if mutant and mutant != line:
            mutants.add((target, mutant))
        if len(mutants) == count:
            break
    return sorted(mutants)


def make_file_mutants(text, count, rng):
    """Of a whole file: (target, description, text)."""
    target = re.search(r"^\.target (\w+)", text, re.M)[1]
    lines = text.splitlines()
    places = [i for i, line in enumerate(lines) if line.strip() and not line.startswith((".version", ".target", "//"))]
    mutants = {}
    for _ in range(100 * count):
        at, kind = rng.choice(places), rng.randrange(3)
        changed = mutate(lines[at].strip(), rng) if kind == 2 else None
        new = [[], [lines[at], lines[at]], [changed or ""]][kind]
        mutant = "\n".join([*lines[:at], *new, *lines[at + 1 :]]) + "\n"
        what = ["without", "twice", f"{changed or 'nothing'} for"][kind]
        mutants[mutant] = (target, f"line {at + 1}: {what} {lines[at].strip()}", mutant)
        if len(mutants) == count:
            break
    return sorted(mutants.values())


def ask_ptxas(ptxas, path, target):
    command = [ptxas, "-arch", target, "-O0", "-c", path, "-o", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [row for row in (done.stdout + done.stderr).splitlines() if "error" in row or "fatal" in row]
    return done.returncode == 0, errors[0].split(";")[-1].strip() if errors else ""


def ask_tool(tool, paths):
    done = subprocess.run([tool, "ptxinfo", "--check", *paths], capture_output=True, text=True, check=False)
    refused = {}
    for row in done.stderr.splitlines():
        path, _, rest = row.partition(":")
        refused.setdefault(path, rest)
    return [(path not in refused, refused.get(path, "")) for path in paths]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lines_file")
    parser.add_argument("--tool", default="moe-sim")
    parser.add_argument("--ptxas")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", default="")
    parser.add_argument("--agree", type=float, default=97.0)
    options = parser.parse_args()
    ptxas = find_ptxas(options.ptxas)
    version = newest_version(ptxas) if ptxas else None
    if not version:
        print("skipped: no ptxas for PTX ISA 8.7 or later is found")
        return 0
    rng = random.Random(options.seed)
    if options.lines_file.endswith(".ptx"):
        with open(options.lines_file, encoding="utf-8") as file:
            mutants = make_file_mutants(file.read(), options.count, rng)
    else:
        lines = make_mutants(read_lines(options.lines_file, options.lines), options.count, rng)
        mutants = [(t, line, HEAD.format(version=version, target=t, line=line)) for t, line in lines]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, (_, _, text) in enumerate(mutants):
            paths.append(os.path.join(folder, f"{i}.ptx"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(text)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            targets = [target for target, _, _ in mutants]
            theirs = list(pool.map(lambda pair: ask_ptxas(ptxas, *pair), zip(paths, targets, strict=True)))
        ours = ask_tool(options.tool, paths)
    agreed = accepted = both = 0
    for (target, line, _), (we, our_text), (they, their_text) in zip(mutants, ours, theirs, strict=True):
        agreed += we == they
        accepted += they
        both += we and they
        if we != they:
            print(f"{'only we take' if we else 'only ptxas takes'} {target} {line}\n    {our_text or their_text}")
    print(f"agree on {agreed} of {len(mutants)}; ptxas takes {accepted}, of these we {both}")
    enough = 100 * agreed >= options.agree * len(mutants) and 100 * both >= options.agree * accepted
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
