#!/usr/bin/env python3
"""Finds identifiers that docs/glossary.md has another word for.

usage: check_names.py [ROOT]; exits with 1 and the lines where there are any. Comments and strings are not looked at: there the
words may stand in a sentence.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
FOLDERS = ["api", "benchmarks", "codegen", "compiler", "examples", "include", "ir", "passes", "runtime", "tests", "tools"]


def forbidden() -> list[tuple[re.Pattern[str], str]]:
    """Patterns of identifiers, and the glossary's term for each: the third column's code type."""
    patterns = []
    for line in (ROOT / "docs/glossary.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3:
            continue
        for word in re.findall(r"`(\w+)`", cells[2]):
            # A trailing X stands for a name that goes on.
            stem = re.escape(word[:-1]) + r"[A-Z]\w*" if word.endswith("X") else re.escape(word)
            patterns.append((re.compile(rf"(?<![\w:]){stem}\b"), cells[0]))
    return patterns


def code_of(line: str) -> str:
    """A line without its comment and strings."""
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


def main() -> int:
    patterns = forbidden()
    if not patterns or not all((ROOT / folder).is_dir() for folder in FOLDERS):
        print("docs/glossary.md names no words, or a folder is missing")
        return 1
    found = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".cpp", ".h", ".hpp", ".c"}:
                continue
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                for pattern, term in patterns:
                    for word in pattern.findall(code_of(line)):
                        print(f"{path.relative_to(ROOT).as_posix()}:{number}: '{word}': docs/glossary.md says {term}")
                        found += 1
    return 1 if found else 0


sys.exit(main())
