#!/usr/bin/env python3
"""Prints which sources clang-tidy looks at, one a line, for scripts/lint.sh.

usage: sources_to_tidy.py COMPILE_COMMANDS; reads names of changed files, or the word "unknown" for all sources. A source is
looked at where it changed, or includes a header of ours that did, directly or through others.
"""
from __future__ import annotations

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def sources(commands: str) -> set[str]:
    """The sources of the tree that have a compile command."""
    entries = [pathlib.Path(entry["directory"], entry["file"]).resolve() for entry in json.loads(pathlib.Path(commands).read_text())]
    names = {path.relative_to(ROOT).as_posix() for path in entries if path.is_relative_to(ROOT) and path.exists()}
    return {name for name in names if not name.startswith("build/")}


def includes(name: str) -> list[str]:
    path = ROOT / name
    found = re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(errors="replace"), re.MULTILINE) if path.exists() else []
    # Relative to the root, to include/, or to the folder of the file.
    places = [place for each in found for place in (each, "include/" + each, (pathlib.PurePosixPath(name).parent / each).as_posix())]
    return [place for place in places if (ROOT / place).exists()]


def main() -> int:
    known = sources(sys.argv[1])
    changed = set(sys.stdin.read().split())
    if "unknown" in changed:
        print("\n".join(sorted(known)))
        return 0
    reaches: dict[str, bool] = {}

    def touched(name: str) -> bool:
        if name not in reaches:
            reaches[name] = name in changed  # a cycle ends here
            reaches[name] = reaches[name] or any([touched(included) for included in includes(name)])
        return reaches[name]

    # Those that changed themselves come first.
    names = sorted((name for name in known if touched(name)), key=lambda name: (name not in changed, name))
    if names:
        print("\n".join(names))
    return 0


sys.exit(main())
