#!/usr/bin/env python3
"""Finds passes without a test of their own, and lines of lit tests that nothing reads.

A pass of passes/Passes.td, and the pipeline, has a test tests/passes/<its name>.mlir, or <its name>-<more>.mlir, with a RUN line that
runs it. In tests/**/*.mlir, FileCheck reads a line that begins with a prefix ("// CHECK-NEXT:") only where a RUN line hands it that
prefix, and sinter-opt reads an expected-error only with --verify-diagnostics: without, the line is a comment, and the test passes
whatever it says.

usage: check_pass_tests.py [FOLDER]; exits with 1 and what is wrong, where there is anything.
"""
from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
# What lit and update-tests.py read; FileCheck skips COM.
KEYWORDS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "ALLOW_RETRIES", "END", "COM", "UPDATE"}
SUFFIXES = ["NEXT", "SAME", "NOT", "DAG", "LABEL", "EMPTY", r"COUNT-\d+"]

PASS = re.compile(r'^def \w+ : Pass<"([\w-]+)"', re.MULTILINE)
PIPELINE = re.compile(r'PassPipelineRegistration<[^>]*>\s*\w*\(\s*"([\w-]+)"')
RUN = re.compile(r"^\s*//\s*RUN:(.*)$", re.MULTILINE)
PREFIXES = re.compile(r"-check-prefix(?:es)?[= ]([\w,-]+)")
# A word that FileCheck may take for a directive.
DIRECTIVE = re.compile(r"//\s*([A-Z][A-Z0-9_-]*)(\{[A-Z]+\})?:")
# The word of a directive, with a suffix that there is, but without its colon or with another spelling.
MISSPELT = re.compile(rf"//\s*([A-Z][A-Z0-9]*(?:[-_ ](?:{'|'.join(SUFFIXES)}|NXT|SAEM|NTO))|check(?:-[a-z]+)?:)", re.ASCII)
EXPECTED = re.compile(r"expected-(?:error|warning|remark|note)\b")


def runs(text: str) -> list[str]:
    """The commands of a test; a backslash at the end of a RUN line joins it with the next."""
    return re.sub(r"\\\n", " ", "\n".join(RUN.findall(text))).splitlines()


def untested() -> Iterator[str]:
    names = PASS.findall((ROOT / "passes/Passes.td").read_text())
    if not names:
        yield "passes/Passes.td: no pass found"
    for path in sorted((ROOT / "passes").glob("*.cpp")) + sorted((ROOT / "compiler").glob("*.cpp")):
        names += PIPELINE.findall(path.read_text())
    folder = ROOT / "tests/passes"
    for name in names:
        files = [folder / f"{name}.mlir", *sorted(folder.glob(f"{name}-*.mlir"))]
        commands = [command for file in files if file.is_file() for command in runs(file.read_text())]
        if not any(re.search(rf"-{name}(?![\w-])|[(,]{name}(?![\w-])", command) for command in commands):
            yield f"tests/passes/{name}.mlir: no RUN line runs -{name}: every pass has a test of its name"


def prefixes_of(commands: list[str]) -> set[str]:
    """What FileCheck reads of the test itself."""
    found: set[str] = set()
    for command in commands:
        for call in re.findall(r"FileCheck\b[^|&;<>]*", command):
            given = PREFIXES.findall(call)
            if "%s" in call.split():
                found |= {prefix for list_ in given for prefix in list_.split(",")} if given else {"CHECK"}
    return found


def stem_of(word: str) -> str:
    """CHECK of CHECK-NEXT."""
    return re.sub(rf"-(?:{'|'.join(SUFFIXES)})$", "", word)


def unread(path: pathlib.Path) -> Iterator[str]:
    text, name = path.read_text(errors="replace"), path.relative_to(ROOT).as_posix()
    commands = runs(text)
    prefixes = prefixes_of(commands)
    verifies = any("-verify-diagnostics" in command for command in commands)
    for number, line in enumerate(text.splitlines(), 1):
        directive = DIRECTIVE.search(line)
        if directive:
            word = stem_of(directive[1])
            if word not in prefixes | KEYWORDS:
                yield f"{name}:{number}: no RUN line of this file has FileCheck read '{word}'"
        elif (misspelt := MISSPELT.search(line)) and prefixes:
            yield f"{name}:{number}: FileCheck does not read '{misspelt[1]}': a prefix is in capitals, and a colon follows"
        if EXPECTED.search(line) and not verifies:
            yield f"{name}:{number}: no RUN line of this file has --verify-diagnostics read this"


def main() -> int:
    problems = list(untested())
    files = [path for path in sorted((ROOT / "tests").rglob("*.mlir")) if "data" not in path.relative_to(ROOT).parts]
    for path in files:
        problems += unread(path)
    print("\n".join([*problems, f"{len(files)} files"]))
    return 1 if problems else 0


sys.exit(main())
