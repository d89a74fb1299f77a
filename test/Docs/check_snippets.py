# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every ```mlir block of Markdown pages: check_snippets.py PAGE... -- COMMAND...

The command gets a module on its standard input. Examples of operations use values and symbols that
they do not define; these are declared around them with the types that the examples themselves give.
"""

import re
import subprocess
import sys

BLOCK = re.compile(r"^ *```mlir\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
VALUE = re.compile(r"%[\w.]+")


def split_types(text):
    """Splits at commas outside of any brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        if char in "<([{":
            depth += 1
        elif char in ">)]}" and text[i - 1] != "-":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def split_statements(block):
    """A statement starts in the first column; what is indented, a block or a closing brace goes on."""
    statements = []
    for line in block.splitlines():
        if statements and (not line or line[0] in " ^}"):
            statements[-1] += "\n" + line
        elif line.strip():
            statements.append(line)
    return statements


def operand_types(statement):
    """Types of the values that a statement of an operation uses."""
    types = {}
    text = re.sub(r"\{\n.*\n\}", "", statement, flags=re.DOTALL)  # the region
    text = re.sub(r"^(%[\w.]+(:\d+)?(, *)?)+ *= *", "", text)  # the results

    def take_group(match):
        names, _, group = match[2].partition(" : ")
        names = VALUE.findall(names)
        types.update(zip(names, split_types(group) if group else ["index"] * len(names), strict=False))
        return " "

    text = re.sub(r"(\w* *)\(([^()]*%[^()]*)\)", take_group, text)
    names, _, rest = text.partition(" : ")
    rest = rest.split(" -> ")[0]
    types.update(zip(VALUE.findall(names), split_types(rest), strict=False))
    return types


def declare_symbols(block):
    declarations = {}
    for name, type_ in re.findall(r"moe\.get_weight @([\w.]+) : (\S+)", block):
        declarations[name] = f"moe.weight @{name} : {type_} from #moe.random<seed = 1, scale = 1.0>"
    for name, signature in re.findall(r"call @(\w+)\([^)]*\) : (.*)", block):
        inputs, _, results = signature.partition(" -> ")
        declarations[name] = f"func.func private @{name}{inputs} -> {results}"
    for name, captures in re.findall(r"moe\.launch @(\w+) .*\(.* : (.*)\)", block):
        declarations[name] = f"func.func private @{name}(index, index, {captures})"
    return [text for name, text in declarations.items() if f"moe.weight @{name} " not in block]


def wrap(block):
    """The block as a module."""
    block = "\n".join(line.split(" //")[0].rstrip() for line in block.splitlines())
    lines = block.splitlines()
    if lines[0].startswith("!"):
        return "\n".join(f"func.func private @f{i}({line})" for i, line in enumerate(lines))
    if lines[0].startswith("#moe"):
        return "\n".join(f"func.func private @f{i}() attributes {{moe.a = {line}}}" for i, line in enumerate(lines))
    statements = split_statements(block)
    if any(s.startswith(("func.func", "module")) for s in statements):
        return block
    top = [s for s in statements if s.startswith("moe.weight")]
    body = [s for s in statements if s not in top]
    used, defined = {}, set()
    for statement in body:
        for name, type_ in operand_types(statement).items():
            if name not in defined:
                used.setdefault(name, type_)
        defined.update(VALUE.findall(statement.split(" = ")[0]) if " = " in statement else [])
    arguments = ", ".join(f"{name}: {type_}" for name, type_ in used.items())
    function = [f"func.func @example({arguments}) {{", *body, "return", "}"] if body else []
    return "\n".join([*declare_symbols(block), *top, *function])


def main():
    split = sys.argv.index("--")
    pages, command = sys.argv[1:split], sys.argv[split + 1 :]
    count = failed = 0
    for page in pages:
        with open(page, encoding="utf-8") as file:
            text = file.read()
        for match in BLOCK.finditer(text):
            indent = len(match[0]) - len(match[0].lstrip())
            block = "\n".join(line[indent:] for line in match[1].splitlines())
            module = wrap(block)
            result = subprocess.run(command, input=module, capture_output=True, text=True)
            count += 1
            if result.returncode:
                failed += 1
                line = text[: match.start()].count("\n") + 1
                print(f"{page}:{line}: error: the example does not run\n{module}\n{result.stderr}")
    print(f"{count} examples, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
