#!/usr/bin/env python3
"""The codes of `sinter explain`, from passes/Codes.h.

Without arguments: a Markdown table for docs/explain.md. With --check: fails if a source uses a code that is not listed.
A code is an upper-case word of at least two parts in a string literal of passes/ or ir/; the words of ir/onnx are ONNX's own."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# ONNX's own words.
OTHER_WORDS = {"SAME_UPPER", "SAME_LOWER"}


def listed(array=None):
    """The rows [code, meaning, remedy] of one array of the header, or of all."""
    text = (ROOT / "passes/Codes.h").read_text()
    if array:
        text = re.search(array + r"\[\] = \{(.*?)\n\};", text, re.DOTALL)[1]
    string = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    for match in re.finditer(r"\{\s*" + string + r",\s*" + string + r",\s*" + string + r"\}", text):
        yield ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', group)) for group in match.groups()]


def in_flags(text):
    """Marks of options (runtime/OptionMark.h) as the command line has them: the page is about `sinter explain`."""
    text = text.replace("@{optimise false@}", "-O0")
    return re.sub(r"@\{(.*?)@\}", lambda mark: "--" + mark[1].removesuffix(" true"), text)


def used():
    for folder in ("passes", "ir"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cpp", ".h", ".td") and path.name != "Codes.h" and path.parent.name != "onnx":
                for code in re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', path.read_text()):
                    if code not in OTHER_WORDS:
                        yield code, path.relative_to(ROOT)


def print_table(codes):
    print("| code | what it means | what changes it |")
    print("| --- | --- | --- |")
    for code, meaning, remedy in codes:
        print(f"| `{code}` | {in_flags(meaning)} | {in_flags(remedy) or '-'} |")


def main():
    codes = list(listed())
    if sys.argv[1:] == ["--check"]:
        known = {code for code, _, _ in codes}
        unlisted = sorted({f"{path}: {code}" for code, path in used() if code not in known})
        for line in unlisted:
            print(f"{line} is not listed in passes/Codes.h", file=sys.stderr)
        return bool(unlisted)
    print_table(listed("explainCodes"))
    print()
    print("Remarks of passes (`--all-passes`) have these, too:")
    print()
    print_table(listed("remarkCodes"))
    return 0


sys.exit(main())
