#!/usr/bin/env python3
"""Finds errors of the nn dialect (verifiers, shape inference, attributes, reference evaluations) that no test of the IR expects.

An error is a chain of emitOpError, emitError or emitUnsupported in ir/: its strings, the longest of which is its key. Attributes that are
one word of a closed set (ir/Enums.td) have the error of their constraint, for each name of an attribute and each set. A test of
tests/verifiers or tests/passes reaches it by an "expected-error" (or a line of FileCheck with "error: ") that has these strings in their
order, and 'nn.conv' op where a method of that op emits it. Of two errors that a text has, one of which has all that the other has, it
reaches the longer one. Places with the same text are one error. The importer, ir/onnx, speaks of ONNX models: other tests are its own.

usage: check_verifier_tests.py [FOLDER]; exits with 1 and the lines of the errors that no test reaches, where there are any.
"""
from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
TESTS = ["tests/verifiers", "tests/passes"]
INFERRED = "evaluateOp compares types with those inferred before; this guards evaluations that are called by themselves"
YIELDED = "kernels yield the types that they result in, which the verifier sees to"
# What no IR reaches, as other checks come first: the file, the key, and why.
EXCEPTED: dict[tuple[str, str], str] = {
    ("ir/Reference.h", "would move elements outside its tensors; its result type does not fit its operands"):
        "evaluations of movements compare the result types with those inferred before they copy",
    ("ir/ops/Constant.cpp", "has no data: the dump it was read from elides weights; dump with weights to evaluate it"):
        "folding reads constants without evaluating them, and the compiler refuses a file without weights",
    ("ir/ops/MovementPad.cpp", "would read outside its operand; its result type does not fit its operands"):
        "the result type is compared with the one inferred before",
    ("ir/ops/Resize.cpp", "cannot sample an empty tensor"):
        "0 elements of a dimension make 0, or the scale is infinite, which is an error before",
    ("ir/ops/Resize.cpp", "would read outside its operand"):
        "every tap is clamped into the operand, and the shape is compared before",
    ("ir/Reference.h", " elements, but its result has "): INFERRED,
    ("ir/Evaluation.cpp", " results, and its operands make "): "every op infers as many types as it has results",
    ("ir/Evaluation.cpp", "expects an operand of type "): YIELDED,
    ("ir/ops/Activation.cpp", "bound is not a scalar"): YIELDED,
    ("ir/ops/Bits.cpp", "needs a result of as many bytes as its operand"): INFERRED,
    ("ir/ops/Comparison.cpp", "takes a branch of another shape than its result's"): INFERRED,
    ("ir/ops/Constant.cpp", "makes another number of elements than its result type says"): INFERRED,
    ("ir/ops/Indexing.cpp", "needs one depth and two values (off, on)"): INFERRED,
    ("ir/ops/Matrix.cpp", "operands do not multiply"): INFERRED,
    ("ir/ops/Movement.cpp", "has a result type that differs from its operand's"): INFERRED,
    ("ir/ops/Reduction.cpp", "has axes that do not give its result type"): INFERRED,
    ("ir/ops/Resize.cpp", " of the values of its operands, not "): INFERRED,
    ("ir/ops/Resize.cpp", "cannot be evaluated: its scales, sizes or operand are not known"): "an evaluation knows all of its operands",
}

CALL = re.compile(r"\b(?:emitOpError|emitError|emitUnsupported)\(")
LITERAL = re.compile(r""""((?:\\.|[^"\\])*)"|'(?:\\.|[^'\\])'""")
DEFINED = re.compile(r'^def NN_(\w+) :[^"]*"(\w+)"', re.MULTILINE)
WORDS = re.compile(r'^def NN_(\w+) : NN_WordAttr<"\w+", \[(.*?)\]>;', re.MULTILINE | re.DOTALL)
WORD = re.compile(r'I32EnumCase<"\w+", \d+, "(\w+)">')
WORD_ATTRIBUTE = re.compile(r"\bNN_(\w+)(?:, \"\w+\">)?:\$(\w+)")
METHOD = re.compile(r"\b(\w+Op)::\w+\(")
# What begins in the first column, and is no part of a function's head.
HEAD = re.compile(r"^(?!template|namespace|public:|private:)[A-Za-z].*", re.MULTILINE)
EXPECTED = re.compile(r"expected-error(?:-re)?\b[^{\n]*\{\{(.*)\}\}|^// [A-Z-]+:.*\berror: (.*)", re.MULTILINE)


class Error(NamedTuple):
    place: str  # file:line
    strings: tuple[str, ...]
    op: str  # the mnemonic, where a method of one op emits it

    @property
    def file(self) -> str:
        return self.place.split(":")[0]

    @property
    def key(self) -> str:
        return max(self.strings, key=len)


def mnemonics() -> dict[str, str]:
    """The mnemonic of each class of an op, by the records."""
    return {name: mnemonic for path in sorted((ROOT / "ir").rglob("*.td")) for name, mnemonic in DEFINED.findall(path.read_text())}


def chain_at(text: str, start: int) -> list[str]:
    """What the statement at `start` streams, up to its semicolon: the call, then each operand of <<."""
    parts, depth, begin, at = [], 0, start, start
    while at < len(text) and text[at] != ";":
        literal = LITERAL.match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0 and text.startswith("<<", at):
            parts.append(text[begin:at].strip())
            begin = at = at + 2
            continue
        at += 1
    return parts + [text[begin:at].strip()]


def strings_of(chain: list[str]) -> tuple[str, ...]:
    """The strings that are in every text of the error: the call's own, and operands that are nothing else."""
    found = []
    for place, part in enumerate(chain):
        literals = [literal[1] for literal in LITERAL.finditer(part) if literal[1] is not None]
        if literals and (place == 0 or LITERAL.sub("", part).strip() == ""):
            # The compiler joins neighbours.
            found.append(re.sub(r"\\(.)", r"\1", "".join(literals)))
    return tuple(found)


def op_at(text: str, start: int, names: dict[str, str]) -> str:
    """The op whose method the place is in."""
    heads = HEAD.findall(text[:start])
    method = METHOD.search(heads[-1]) if heads else None
    return names.get(method[1], "") if method else ""


def errors() -> Iterator[Error]:
    names = mnemonics()
    for path in sorted((ROOT / "ir").rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix not in {".cpp", ".h", ".td"} or name.startswith("ir/onnx/"):
            continue
        text = path.read_text()
        for call in CALL.finditer(text):
            strings = strings_of(chain_at(text, call.start()))
            if any(strings):
                # Only emitOpError names the op.
                op = op_at(text, call.start(), names) if call[0] == "emitOpError(" else ""
                yield Error(f"{name}:{text.count(chr(10), 0, call.start()) + 1}", strings, op)


def word_errors() -> Iterator[Error]:
    """What constraints say of attributes that are one word of a closed set."""
    sets = {name: ", ".join(WORD.findall(cases)) for name, cases in WORDS.findall((ROOT / "ir/Enums.td").read_text())}
    for path in sorted((ROOT / "ir/ops").glob("*.td")):
        text = path.read_text()
        for found in WORD_ATTRIBUTE.finditer(text):
            if found[1] in sets:
                place = f"ir/ops/{path.name}:{text.count(chr(10), 0, found.start()) + 1}"
                yield Error(place, (f"attribute '{found[2]}' failed to satisfy constraint: one of {sets[found[1]]}",), "")


def has(text: str, strings: tuple[str, ...]) -> bool:
    """Whether the text has the strings, in their order."""
    at = 0
    for string in strings:
        at = text.find(string, at)
        if at < 0:
            return False
        at += len(string)
    return True


def expectations() -> list[str]:
    files = [path for folder in TESTS for path in sorted((ROOT / folder).glob("*.mlir"))]
    return [verified or checked for path in files for verified, checked in EXPECTED.findall(path.read_text())]


def reached(every: list[Error]) -> set[Error]:
    found: set[Error] = set()
    for text in expectations():
        fitting = [error for error in every if has(text, error.strings) and (not error.op or f"'nn.{error.op}' op" in text)]
        found |= {e for e in fitting if not any(e.strings != other.strings and has("\0".join(other.strings), e.strings)
                                               for other in fitting)}
    return found


def main() -> int:
    every = [*errors(), *word_errors()]
    tested = reached(every)
    excepted = {error for error in every if (error.file, error.key) in EXCEPTED}
    missing = [error for error in every if error not in tested | excepted]
    for error in missing:
        print(f"{error.place}: no test expects this error{f' of nn.{error.op}' if error.op else ''}: {'...'.join(error.strings)}")
    for error in sorted(tested & excepted):
        print(f"{error.place}: a test expects this error, which EXCEPTED says none can: {error.key}")
    stale = set(EXCEPTED) - {(error.file, error.key) for error in excepted}
    for file, key in sorted(stale):
        print(f"{file}: has no such error, which EXCEPTED lists: {key}")
    print(f"{len(every)} errors: {len(tested)} tested, {len(excepted)} excepted")
    return 1 if missing or tested & excepted or stale else 0


sys.exit(main())
