#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs what a page of documentation shows: commands, IR, output, links.

  run_commands.py --bin=build/bin docs/pipeline.md

The word after the language of a fenced block says how it is checked:

  sh                  run by bash; must exit with 0
  sh exit N           the same, with N
  sh needs NAME…      run where there are programs of these names; python:NAME is a module of python3
  sh no-run           each line must be one that tools/demo.sh or tools/check.sh run, or these themselves
  mlir                parsed, verified and sent round by moe-opt
  mlir|text output    these lines, in this order, are in the output of the sh block before
  mlir from PATH      these lines, in this order, are in the file
  mlir excerpt        not checked

In `output` and `from` the sign … stands for anything. Blocks of a page run one after another in one
scratch directory, in which the repository's files appear as at its root. Exit codes: 0 all hold, 1 not.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+)?[ ]*(.*?)\s*$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
LINK_IN_CODE = re.compile(r"`[^`]*`")
SCRIPTS = ("tools/demo.sh", "tools/check.sh")
TIMEOUT_S = 600
# nvcc is often there without being in PATH.
TOOL_PATH = f"{os.environ['PATH']}{os.pathsep}/usr/local/cuda/bin"


class Block:
    def __init__(self, line, language, info, text):
        self.line, self.language, self.info, self.text = line, language, info.split(), text


def read_page(path):
    """The fenced blocks of a page, and (line, target) of the links outside of them."""
    blocks, links, start = [], [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if start is None and fence:
            start, header, body = number, fence, []
        elif start is not None and line == "```":
            text = "".join(row + "\n" for row in body)
            blocks.append(Block(start, header[1] or "", header[2], text))
            start = None
        elif start is not None:
            body.append(line)
        else:
            links += [(number, target) for target in LINK.findall(LINK_IN_CODE.sub("", line))]
    if start is not None:
        raise SystemExit(f"{path}:{start}: fence is not closed")
    return blocks, links


def missing_line(lines, text):
    """The first of `lines` that does not follow in `text` after the ones before it, or None."""
    rows = iter(text.splitlines())
    for line in lines:
        if line.strip() in ("", "…"):
            continue
        pattern = ".*".join(re.escape(part.strip()) for part in line.strip().split("…"))
        if not any(re.fullmatch(pattern, row.strip()) for row in rows):
            return line.strip()
    return None


def is_there(name):
    """Whether a program is in PATH, or a module can be imported."""
    if name.startswith("python:"):
        command = ["python3", "-c", f"import {name.removeprefix('python:')}"]
        return subprocess.run(command, capture_output=True).returncode == 0
    return shutil.which(name, path=TOOL_PATH) is not None


def anchors(path):
    """What links to headings of a page may name, as GitHub spells it."""
    headings = re.findall(r"^#+ +(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


class Page:
    def __init__(self, path, bin_dir, scratch):
        self.path, self.bin_dir, self.scratch = path, bin_dir, scratch
        self.output = None
        self.skipped = False
        self.failures = []

    def fail(self, line, message):
        self.failures.append(f"{self.path}:{line}: {message}")

    def run(self, command, stdin=None):
        environment = dict(os.environ)
        environment["PATH"] = f"{self.bin_dir}{os.pathsep}{TOOL_PATH}"
        environment["XDG_CACHE_HOME"] = f"{self.scratch}/cache"
        return subprocess.run(
            command,
            cwd=self.scratch,
            env=environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )

    def check_shell(self, block):
        if block.info == ["no-run"]:
            self.output = None
            return self.check_not_run(block)
        if block.info[:1] == ["needs"] and not all(map(is_there, block.info[1:])):
            self.skipped = True
            self.output = None
            return None
        self.skipped = False
        expected = int(block.info[1]) if block.info[:1] == ["exit"] else 0
        result = self.run(["bash", "-euo", "pipefail", "-c", block.text])
        self.output = result.stdout
        if result.returncode != expected:
            self.fail(
                block.line,
                f"expected exit code {expected}, got {result.returncode}:\n{result.stdout}",
            )

    def check_not_run(self, block):
        known = "\n".join((ROOT / script).read_text(encoding="utf-8") for script in SCRIPTS)
        for line in block.text.splitlines():
            command = line.split("#")[0].strip()
            if command and command.split()[0] not in SCRIPTS and command not in known:
                self.fail(block.line, f"neither run here nor by {' or '.join(SCRIPTS)}: {command}")

    def check_lines(self, block, text, where):
        line = missing_line(block.text.splitlines(), text)
        if line is not None:
            self.fail(block.line, f"not in {where}, or not in this order: {line}\n{text}")

    def check_block(self, block):
        if block.language == "sh":
            self.check_shell(block)
        elif block.info == ["output"]:
            if self.skipped:
                return
            if self.output is None:
                self.fail(block.line, "no command before this output")
            else:
                self.check_lines(block, self.output, "the output")
        elif block.info[:1] == ["from"]:
            source = ROOT / block.info[1]
            self.check_lines(block, source.read_text(encoding="utf-8"), block.info[1])
        elif block.language == "mlir" and not block.info:
            command = ["moe-opt", "--verify-roundtrip", "-", "-o", os.devnull]
            result = self.run(command, stdin=block.text)
            if result.returncode != 0:
                self.fail(block.line, f"moe-opt rejects this:\n{result.stdout}")
        elif block.info and block.info != ["excerpt"]:
            self.fail(block.line, f"unknown kind of block: {' '.join(block.info)}")

    def check_link(self, line, target):
        if "://" in target:
            return
        name, _, anchor = target.partition("#")
        path = self.path.parent / name if name else self.path
        if not path.exists() or (anchor and anchor not in anchors(path)):
            self.fail(line, f"broken link: {target}")


def check_page(path, bin_dir):
    blocks, links = read_page(path)
    with tempfile.TemporaryDirectory(prefix="moe-docs-") as scratch:
        for entry in ROOT.iterdir():
            if not entry.name.startswith((".", "build")):
                os.symlink(entry, os.path.join(scratch, entry.name))
        page = Page(path, bin_dir, scratch)
        for block in blocks:
            page.check_block(block)
        for line, target in links:
            page.check_link(line, target)
    return page.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the tools")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    failures = []
    for page in arguments.pages:
        failures += check_page(page.resolve(), arguments.bin.resolve())
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
