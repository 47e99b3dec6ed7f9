#!/usr/bin/env python3
"""Writes the CHECK lines of lit tests that ask for it, from what the programs print now. Read the difference before you commit it: the
script takes whatever comes out for right.

A test asks by the line "// UPDATE: ..."; its other comments, RUN lines and IR stay. Each RUN line that ends in "| FileCheck %s", with or
without a prefix, is run without FileCheck, and every line of its output becomes one of the test, above the IR that it is of: parts
between "// -----" are updated each by itself. Names of values become variables, so that others than those with a meaning may change.

usage: update-tests.py [--build FOLDER] [TEST...]   by default build/release, and all tests of tests/passes, tests/kernels and
tests/verifiers
"""
from __future__ import annotations

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
MARK = "// UPDATE:"
SPLIT = "// -----"
RUN = re.compile(r"^// RUN:(.*)\| *FileCheck %s(?: +--check-prefix=([\w-]+))?\s*$")
NAME = re.compile(r"%[\w$.-]+")
# Where a value's name is defined: results, loops and what they carry, arguments of functions and blocks.
RESULTS = re.compile(r"^\s*%[\w$.-]+(?::\d+)?(?:, *%[\w$.-]+(?::\d+)?)* = ")
HEADS = re.compile(r"(?:scf\.for |iter_args\(|, |\()(%[\w$.-]+)(?= = )|(?:^\s*func\.func|^\s*\^bb).*$")
ARGUMENT = re.compile(r"(%[\w$.-]+): ")


def definitions(line: str) -> set[int]:
    """Where names stand that the line defines."""
    found = set()
    if results := RESULTS.match(line):
        found |= {name.start() for name in NAME.finditer(results[0])}
    for head in HEADS.finditer(line):
        if head[1]:
            found.add(head.start(1))
        else:
            found |= {argument.start(1) for argument in ARGUMENT.finditer(line)}
    return found


def pattern(line: str) -> str:
    """The line as FileCheck reads it: a variable for each name, set where the name is defined."""
    defined = definitions(line)
    parts, at = [], 0
    for name in NAME.finditer(line):
        variable = re.sub(r"\W", "_", name[0][1:]).upper()
        variable = "V" + variable if variable[0].isdigit() else variable
        parts.append(re.sub(r"\[\[|\{\{", lambda m: "{{" + re.escape(m[0]) + "}}", line[at:name.start()]))
        parts.append(f"%[[{variable}:[^ :,)]+]]" if name.start() in defined else f"%[[{variable}]]")
        at = name.end()
    parts.append(re.sub(r"\[\[|\{\{", lambda m: "{{" + re.escape(m[0]) + "}}", line[at:]))
    return "".join(parts)


def checks(output: str, prefix: str) -> list[str]:
    """The CHECK lines of one part of the output."""
    lines = [line for line in output.splitlines() if line.strip() and not re.fullmatch(r"module( attributes .*)? \{|\}", line)]
    result = []
    for line in lines:
        label = re.match(r"\s*((?:func\.func|module) (?:private )?@(?:\"[^\"]*\"|[\w$.-]+))(.*)", line)
        if label:
            result.append(f"// {prefix}-LABEL: {label[1]}")
            if rest := label[2].strip():
                result.append(f"// {prefix}-SAME: {pattern('func.func' + rest)[len('func.func'):]}")
        else:
            kind = "-NEXT" if result else ""
            result.append(f"// {prefix}{kind}: {pattern(line.strip() if not RESULTS.match(line) else line).strip()}")
    return result


def update(path: pathlib.Path, build: pathlib.Path) -> bool:
    """Whether the test changed. A test that does not ask for it stays."""
    text = path.read_text()
    if MARK not in text:
        return False
    environment = dict(os.environ, PATH=f"{build / 'bin'}:/usr/lib/llvm-22/bin:{os.environ['PATH']}")
    outputs: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if run := RUN.match(line):
            command = run[1].replace("%s", str(path))
            done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                raise SystemExit(f"{path}: '{command.strip()}' ends with {done.returncode}: {done.stderr.strip()}")
            outputs.append((run[2] or "CHECK", done.stdout.split(SPLIT)))
    prefixes = "|".join(re.escape(prefix) for prefix, _ in outputs)
    stale = re.compile(rf"^// (?:{prefixes})(?:-[A-Z]+)?:")
    parts = [[line for line in part.splitlines() if not stale.match(line)] for part in text.split(SPLIT + "\n")]
    for number, part in enumerate(parts):
        place = next((i for i, line in enumerate(part) if line.strip() and not line.startswith("//")), len(part))
        part[place:place] = [line for prefix, output in outputs if number < len(output) for line in checks(output[number], prefix)]
    updated = (SPLIT + "\n").join("\n".join(part) + "\n" for part in parts)
    path.write_text(updated)
    return updated != text


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("tests", nargs="*", type=pathlib.Path)
    given = parser.parse_args()
    folders = [ROOT / "tests" / name for name in ["passes", "kernels", "verifiers"]]
    tests = given.tests or sorted(path for folder in folders for path in folder.glob("*.mlir"))
    changed = [path for path in tests if update(path.resolve(), given.build.resolve())]
    print("\n".join([*(f"updated {path}" for path in changed), f"{len(changed)} of {len(tests)} tests changed"]))
    return 0


sys.exit(main())
