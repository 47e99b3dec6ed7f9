#!/usr/bin/env python3
"""Holds every #include between folders to the table below.

usage: check_layers.py [ROOT]; exits with 1 and the lines that break it. A folder stands for those inside it that have no row
of their own.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)

IR = ["runtime", "ir"]
GENERATOR = IR + ["ir/analysis", "codegen"]
# What the sources of a folder may include, beside their own folder's headers. Lower floors first.
MAY_USE = {
    "include": [],
    "runtime": [],
    "runtime/onednn": ["runtime"],
    "ir": ["runtime"],
    "ir/analysis": IR,
    "ir/onnx": IR,
    "ir/sizes": [],
    "passes": IR + ["ir/analysis"],
    # The generator. It knows neither passes nor the driver.
    "codegen": IR,
    "codegen/target": ["runtime", "codegen"],
    "codegen/emit": GENERATOR + ["codegen/target"],
    "codegen/kernels": GENERATOR + ["codegen/target", "codegen/emit"],
    "codegen/lower": GENERATOR + ["codegen/target", "codegen/emit"],
    "codegen/onednn": IR + ["runtime/onednn", "codegen"],
    "codegen/artefact": GENERATOR + ["codegen/target", "codegen/emit", "codegen/lower", "codegen/onednn"],
    # The driver, and what stands on it.
    "compiler": GENERATOR + ["codegen/target", "codegen/emit", "codegen/lower", "codegen/artefact",
                             "codegen/kernels", "codegen/onednn", "ir/onnx", "ir/sizes", "passes"],
    "api": ["include", "runtime", "runtime/onednn", "codegen", "compiler"],
    "tools": ["include", "runtime", "runtime/onednn", "ir", "ir/onnx", "passes", "codegen", "codegen/lower", "compiler", "api"],
    # What users of the public interface write.
    "examples": ["include", "runtime"],
    "benchmarks": ["include", "runtime", "runtime/onednn"],
}


def row_of(name: str) -> str | None:
    """The longest row of the table that `name`, a path, lies in."""
    fitting = [row for row in MAY_USE if name.startswith(row + "/")]
    return max(fitting, key=len, default=None)


def main() -> int:
    if missing := [row for row in MAY_USE if not (ROOT / row).is_dir()]:
        print(f"no such folders: {', '.join(missing)}")
        return 1
    found = 0
    for top in sorted({row.split("/")[0] for row in MAY_USE}):
        for path in sorted((ROOT / top).rglob("*")):
            # No source includes a Prelude.h: what is precompiled may be more than each source uses.
            if path.suffix not in {".cpp", ".h", ".hpp", ".c"} or path.name == "Prelude.h":
                continue
            name = path.relative_to(ROOT).as_posix()
            row = row_of(name)
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include "([^"]+)"', line)
                if not match:
                    continue
                included = "include/" + match[1] if match[1].startswith("sinter/") else match[1]
                target = row_of(included)
                # What is none of these folders is LLVM's, MLIR's or made by the build; tests are no part of the product.
                if included.startswith("tests/"):
                    target = "tests"
                if target is None or target == row or target in MAY_USE[row]:
                    continue
                print(f"{name}:{number}: {row}/ must not use {target}/: {match[1]} (scripts/check_layers.py has the table)")
                found += 1
    return 1 if found else 0


sys.exit(main())
