#!/bin/bash
# Lines of ir/onnx that the sanitised fuzz targets have reached, by file and in all, as gcov counts them: what op-fuzz-sanitized and model-fuzz-sanitized
# ran since they were built. Lines that none reached go to fuzz-unreached.txt there.
# usage: scripts/fuzz-coverage.sh [BUILD FOLDER] [LEAST]; fails below LEAST percent (80).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath "${1:-$root/build/release}")
least=${2:-80}
objects=$build/tests/fuzz/CMakeFiles/SinterOnnxImportSanitized.dir
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Objects name their sources from the build folder, build/NAME.
mkdir -p "$scratch/build/name"
ln -s "$root/ir" "$scratch/ir"
cd "$scratch/build/name"
find "$objects" -name '*.cpp.gcda' | while read -r counts; do gcov -o "$(dirname "$counts")" "$counts" >/dev/null 2>&1 || true; done
python3 - "$root" "$build/fuzz-unreached.txt" "$least" <<'PYTHON'
import glob, re, sys
root, unreached, least = sys.argv[1], sys.argv[2], float(sys.argv[3])
all_lines, all_reached = 0, 0
with open(unreached, "w") as rest:
    for path in sorted(glob.glob("*.gcov")):
        lines = [line.split(":", 2) for line in open(path, errors="replace") if line.count(":") > 1]
        source = next((text.split(":", 1)[1].strip() for _, number, text in lines if text.startswith("Source:")), "")
        if not re.search(r"ir/onnx/[A-Za-z]+\.cpp$", source):
            continue
        # A template's line is reached if it is in one of its copies.
        found = {}
        for count, number, text in lines:
            count, number = count.strip().rstrip("*"), int(number)
            if number and count != "-":
                found[number] = (found.get(number, (False, ""))[0] or count[0] not in "#=", text.rstrip())
        reached = sum(isReached for isReached, _ in found.values())
        all_lines, all_reached = all_lines + len(found), all_reached + reached
        name = source[source.rindex("ir/onnx/"):]
        print(f"{name}: {reached} of {len(found)} lines")
        rest.writelines(f"{name}:{number}:{text}\n" for number, (isReached, text) in sorted(found.items()) if not isReached)
percent = 100 * all_reached / max(all_lines, 1)
print(f"{all_reached} of {all_lines} lines, {percent:.1f} %")
sys.exit(percent < least)
PYTHON
