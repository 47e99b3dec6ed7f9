#!/usr/bin/env python3
"""Holds docs/invariants.md to the asserts in ir/, passes/ and codegen/: each has a row with its file and text, and each row its assert.

usage: check_invariants.py [FOLDER]; exits with 1 and what differs, where anything does. The importer, ir/onnx, is not looked at: it
checks files.
"""
from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
PAGE = "docs/invariants.md"
# The text of an assert is its last operand of &&.
ASSERT = re.compile(r'\bassert\(.*?&&\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)\s*;', re.DOTALL)
ANY = re.compile(r"\bassert\(")
ROW = re.compile(r"^\| `([\w/.]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def main() -> int:
    stated = set(ROW.findall((ROOT / PAGE).read_text()))
    found: set[tuple[str, str]] = set()
    problems = []
    for folder in ["ir", "passes", "codegen"]:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in {".cpp", ".h"} or name.startswith("ir/onnx/"):
                continue
            text = path.read_text()
            texts = ["".join(re.findall(r'"((?:\\.|[^"\\])*)"', literals)) for literals in ASSERT.findall(text)]
            found |= {(name, words) for words in texts}
            if len(texts) != len(ANY.findall(text)):
                problems.append(f"{name}: an assert says what holds: assert(condition && \"words\")")
    problems += [f"{name}: {PAGE} has no row of this assert: {words}" for name, words in sorted(found - stated)]
    problems += [f"{name}: has no such assert, which {PAGE} lists: {words}" for name, words in sorted(stated - found)]
    print("\n".join([*problems, f"{len(found)} asserts"]))
    return 1 if problems else 0


sys.exit(main())
