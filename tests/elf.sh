#!/bin/bash
# What the build made, what an installation of it holds, which is what the packages hold, and a compiled model: scripts/check_elf.py.
# usage: elf.sh BUILD CMAKE
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "$0")")") build=$1 cmake=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for component in tools library runtime onednn; do
  "$cmake" --install "$build" --prefix "$work/installed" --component $component >/dev/null
done
mkdir "$work/models"
"$build/bin/sinter" compile "$root/examples/digits/digits.onnx" -o "$work/models/digits.so" --shape image=1x1x8x8 --target-cpu x86-64-v2 2>/dev/null
objects=()
for folder in ir passes codegen runtime tools api; do objects+=(--cet "$build/$folder"); done
python3 "$root/scripts/check_elf.py" --fortified "$build/bin/sinter" --fortified "$build/lib/libsinter-runtime.so" \
  "${objects[@]}" --cet "$work/models/digits.so" --commands "$build/compile_commands.json" "$build/bin" "$build/lib" "$work/installed" "$work/models"
# A folder with a library of that name, as a model's folder may hold.
mkdir "$work/trap"
echo garbage >"$work/trap/libzstd.so.1"
(cd "$work/trap" && "$build/bin/sinter" --version && "$work/installed/bin/sinter" --version)
# Bills of materials are made with the installation, from what was linked: fmt is inside of the runtime, MLIR inside of the compiler, beside LLVM.
python3 - "$work/installed/share/doc" <<'CHECK'
import json
import sys

expected = {"libsinter-runtime": {"BUILD_DEPENDENCY_OF": "libfmt-dev", "DYNAMIC_LINK": "libc6"},
            "libsinter": {"STATIC_LINK": "libmlir-22-dev", "DYNAMIC_LINK": "libllvm22"},
            "libsinter-onednn": {"DYNAMIC_LINK": "libdnnl2"}, "sinter": {"STATIC_LINK": "liblld-22", "DYNAMIC_LINK": "libprotobuf32"}}
for package, relations in expected.items():
    document = json.load(open(f"{sys.argv[1]}/{package}/sbom.spdx.json"))
    versions = {entry["SPDXID"]: entry.get("versionInfo") for entry in document["packages"]}
    named = {(r["relationshipType"], end) for r in document["relationships"] for end in (r["spdxElementId"], r["relatedSpdxElement"])}
    for kind, other in relations.items():
        assert (kind, f"SPDXRef-{other}") in named and versions[f"SPDXRef-{other}"], (package, kind, other)
    print(package, "consists of and needs", len(versions) - 1, "packages")
CHECK
# The libraries find each other where they are installed, without help.
env -u LD_LIBRARY_PATH python3 -c "import ctypes, glob; ctypes.CDLL(glob.glob('$work/installed/lib*/**/libsinter.so.1', recursive=True)[0])"
