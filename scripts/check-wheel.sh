#!/bin/bash
# Builds the Python wheel, installs it with its test's needs into a fresh virtual environment, and runs the package's tests there: on the installed
# package and libraries, none of the source tree's. Needs patchelf, and PyPI for scikit-build-core, numpy, pytest and onnx.
set -euo pipefail
SINTER_PRESET=release # what users get
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
command -v patchelf >/dev/null || die "needs patchelf: apt-get install patchelf"
configureAndBuild sinter-compiler sinter-isolated sinter-onednn
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "building the wheel"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" wheel -q "$root/python" --no-deps -w "$work" -C "cmake.define.SINTER_LIBRARIES=$build/lib"
ls -l "$work"/*.whl
say "installing it into a fresh environment"
"$work/venv/bin/pip" install -q "$work"/*.whl pytest onnx
say "checking its bill of materials by the tool of the SPDX project"
"$work/venv/bin/pip" install -q spdx-tools
"$work/venv/bin/pyspdxtools" -i "$work"/venv/lib/python3*/site-packages/sinter-*.dist-info/sboms/sinter.spdx.json
cp -r "$root/python/tests" "$work/tests"
sed -i "s|^ROOT = .*|ROOT = '$root'|" "$work"/tests/*.py
cd "$work"
env -u PYTHONPATH -u SINTER_LIBRARY -u LD_LIBRARY_PATH "$work/venv/bin/python" - "$work/venv" <<'CHECK'
import sys
import sinter
import sinter._library
assert sinter.__file__.startswith(sys.argv[1]), sinter.__file__
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "libsinter" in line}
assert len(mapped) == 2 and all(path.startswith(sys.argv[1]) for path in mapped), mapped
print("sinter", sinter.version(), "compiles:", sinter._library.can_compile)
CHECK
env -u PYTHONPATH -u SINTER_LIBRARY -u LD_LIBRARY_PATH "$work/venv/bin/python" -m pytest -q -p no:cacheprovider tests
say "the wheel passes"
