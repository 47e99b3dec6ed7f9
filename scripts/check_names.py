#!/usr/bin/env python3
"""Finds identifiers that docs/glossary.md has another word for, and tests that are named as CONTRIBUTING.md does not name them.

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


def misnamed_tests() -> list[str]:
    """C++ sources below tests/ that define tests, and are no <Subject>Test.cpp."""
    wrong = []
    for path in sorted((ROOT / "tests").rglob("*.cpp")):
        defines = re.search(r"^(TEST|TEST_F|TEST_P)\(", path.read_text(errors="replace"), re.MULTILINE)
        if defines and not re.fullmatch(r"([A-Z][a-z0-9]*)+Test\.cpp", path.name):
            wrong.append(f"{path.relative_to(ROOT).as_posix()}: a source of tests is named <Subject>Test.cpp")
    return wrong


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
    wrong = misnamed_tests()
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if found or wrong else 0


sys.exit(main())
