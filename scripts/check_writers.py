#!/usr/bin/env python3
"""Finds code that writes files without runtime/Output.h, the one writer, which never destroys what is there.

usage: check_writers.py [FOLDER]; exits with 1 and the lines where there are any.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
FOLDERS = ["api", "codegen", "compiler", "examples", "include", "ir", "passes", "python/sinter", "runtime", "tools"]
# The writer, and its front for LLVM's streams.
WRITERS = {"runtime/Output.cpp", "codegen/Output.cpp"}
WAYS = {
    "cpp": r"ofstream|std::fstream|\bO_(CREAT|TRUNC|WRONLY|RDWR)\b|raw_fd_(o?stream)|ToolOutputFile|openOutputFile"
           r"|FileOutputBuffer|createUniqueFile|createTemporaryFile|\bTempFile\b|mkstemp|\bcreat\(|fopen\([^)]*\"[wa+]|freopen"
           r"|(?<![\w.>:])::rename\(|fs::(rename|copy_file)|sys::fs::rename",
    "py": r"\bopen\([^)]*[\"'][wax]b?[\"']|\.write_(text|bytes)\(|np\.save|\.tofile\(|savez",
}
found = 0
for folder in FOLDERS:
    for path in sorted((ROOT / folder).rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        kind = {".cpp": "cpp", ".h": "cpp", ".hpp": "cpp", ".c": "cpp", ".py": "py"}.get(path.suffix)
        # Trainers and makers of examples are no part of the product.
        if not kind or name in WRITERS or (folder == "examples" and kind == "py"):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if re.search(WAYS[kind], line.split("//")[0]):
                print(f"{name}:{number}: writes a file beside runtime/Output.h: {line.strip()}")
                found += 1
sys.exit(1 if found else 0)
