#!/usr/bin/env python3
"""Checks the programs and libraries in folders: where they look for libraries, and how they are hardened.

RUNPATH has neither an empty nor a relative element, which the loader takes for the current directory: only $ORIGIN and
absolute folders. Addresses of functions are bound before main and read-only (BIND_NOW, RELRO), the stack is not executable,
and no segment is writable and executable. With --fortified NAME, that file uses the checked functions of _FORTIFY_SOURCE and
the stack protector. With --cet, a file, or each object in a folder, marks where calls through pointers may arrive and keeps a
second stack of returns (CET; of x86-64). With --commands, each source in compile_commands.json is compiled with the flags for
all that.

usage: check_elf.py [--fortified FILE]... [--cet FILE-OR-FOLDER]... [--commands FILE]... FILE-OR-FOLDER...
"""
import json
import pathlib
import platform
import re
import subprocess
import sys


def problems(path: str) -> list[str]:
    text = subprocess.run(["readelf", "-dlW", path], capture_output=True, text=True, check=True).stdout
    found = []
    for kind, value in re.findall(r"\((RPATH|RUNPATH)\)\s+Library \w+: \[(.*)\]", text):
        if kind == "RPATH":
            found.append("has an RPATH, which overrides LD_LIBRARY_PATH: " + value)
        for element in value.split(":"):
            if not (element.startswith("/") or element == "$ORIGIN" or element.startswith("$ORIGIN/")):
                found.append(f"looks for libraries in the current directory: RUNPATH [{value}]")
    if "Dynamic section" in text:
        if not re.search(r"\(BIND_NOW\)|FLAGS.*\b(BIND_NOW|NOW)\b", text):
            found.append("binds functions when they are called: no BIND_NOW")
        # A library without relocations has nothing to make read-only.
        if "GNU_RELRO" not in text and re.search(r"\(RELA\)|\(JMPREL\)", text):
            found.append("has no RELRO")
    segments = re.findall(r"^\s+(LOAD|GNU_STACK)\s+(?:0x\w+\s+){5}([RWE ]{3})", text, re.M)
    for kind, flags in segments:
        if "E" in flags and ("W" in flags or kind == "GNU_STACK"):
            found.append(f"has a {kind} segment that is {flags}")
    return found


def fortified(path: str) -> list[str]:
    symbols = subprocess.run(["readelf", "-W", "--dyn-syms", path], capture_output=True, text=True, check=True).stdout
    found = [] if "__stack_chk_fail" in symbols else ["has no stack protector"]
    return found if re.search(r"__\w+_chk\b(?<!__stack_chk)", symbols) else found + ["uses no checked functions: _FORTIFY_SOURCE"]


IS_X86 = platform.machine() == "x86_64"
FLAGS = ["-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection"] + (["-fcf-protection=full"] if IS_X86 else [])


def cet(path: str) -> list[str]:
    """One problem for each file that lacks a mark."""
    if not IS_X86:
        return []
    files = sorted(pathlib.Path(path).rglob("*.cpp.o")) if pathlib.Path(path).is_dir() else [pathlib.Path(path)]
    found = [] if files else ["holds no object"]
    for file in files:
        notes = subprocess.run(["readelf", "-nW", file], capture_output=True, text=True, check=True).stdout
        found += [f"{file} has no {mark} note" for mark in ("IBT", "SHSTK") if mark not in notes]
    return found


def commands(path: str) -> list[str]:
    entries = json.loads(pathlib.Path(path).read_text())
    return [f"{entry['file']} is compiled without {flag}" for entry in entries for flag in FLAGS if flag not in entry["command"].split()]


def main() -> int:
    arguments, checked, failed = sys.argv[1:], 0, 0
    files = []
    kinds = {"--fortified": fortified, "--cet": cet, "--commands": commands}
    while arguments:
        argument = arguments.pop(0)
        if argument in kinds:
            for problem in kinds[argument](arguments[0]):
                failed += 1
                print(f"{arguments[0]}: {problem}")
            arguments.pop(0)
            continue
        path = pathlib.Path(argument)
        files += sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_symlink() or not file.is_file():
            continue
        with file.open("rb") as stream:
            header = stream.read(18)
        # Programs and shared libraries; objects are not linked yet.
        if header[:4] != b"\x7fELF" or header[16] not in (2, 3):
            continue
        checked += 1
        for problem in problems(str(file)):
            failed += 1
            print(f"{file}: {problem}")
    print(f"{checked} files checked, {failed} problems")
    return 1 if failed or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
