#!/usr/bin/env python3
"""Finds containers whose size is a product that nothing checks: a model's numbers may overflow it, and what is then written
lies behind the container. Such a size is made by product() (ir/Limits.h) or elementCount() (runtime/Tensor.h), or the line,
or the one before, says why the product is bounded: "// bounded: ...".

usage: check_products.py [FOLDER]; exits with 1 and the lines where there are any.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
FOLDERS = ["api", "codegen", "compiler", "ir", "passes", "runtime", "tools"]
# A container that is made, or gets a size; its arguments up to the end of the line.
SIZED = re.compile(r"(\b(?:std::vector|std::string|(?:llvm::)?SmallVector)\b(?:<[^;=]*>)?\s+\w+\(|\.(?:resize|reserve|assign)\("
                   r"|\bnew [\w:]+\[|\b[mc]alloc\(|\brealloc\()(.*)")
# a * b, with spaces as clang-format sets them; a pointer's star has none behind it.
PRODUCT = re.compile(r"[\w\])]\s\*\s[\w(]")
found = 0
for folder in FOLDERS:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in (".cpp", ".h"):
            continue
        before = ""
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
            sized = SIZED.search(code)
            if sized and PRODUCT.search(sized.group(2)) and "// bounded:" not in line and "// bounded:" not in before:
                print(f"{path.relative_to(ROOT).as_posix()}:{number}: a size is a product that nothing checks: {line.strip()}")
                found += 1
            before = line
sys.exit(1 if found else 0)
