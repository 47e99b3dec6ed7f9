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
python3 "$root/scripts/check_elf.py" --fortified "$build/bin/sinter" --fortified "$build/lib/libsinter-runtime.so" \
  "$build/bin" "$build/lib" "$work/installed" "$work/models"
# A folder with a library of that name, as a model's folder may hold.
mkdir "$work/trap"
echo garbage >"$work/trap/libzstd.so.1"
(cd "$work/trap" && "$build/bin/sinter" --version && "$work/installed/bin/sinter" --version)
# The libraries find each other where they are installed, without help.
env -u LD_LIBRARY_PATH python3 -c "import ctypes, glob; ctypes.CDLL(glob.glob('$work/installed/lib*/**/libsinter.so.1', recursive=True)[0])"
