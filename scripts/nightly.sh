#!/bin/bash
# The longer matrices: everything scripts/test.sh runs, then every backend at both optimisation levels over all data, and
# the unit, IR and command-line tests under AddressSanitizer and UBSan. Takes hours. Last line: N passed, N failed, N skipped.
set -euo pipefail
export SINTER_PRESET=${SINTER_PRESET:-checked}
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. "$root/scripts/suites.sh"
setUp all

suite "scripts/test.sh" "$root/scripts/test.sh"
suite "scripts/lint.sh --all" "$root/scripts/lint.sh" --all

data=(/usr/share/libonnx-testdata/data)
if [ -n "${SINTER_TESTDATA:-}" ]; then
  unpackOnnxData
  data+=("$onnxData/node" "$onnxData/pytorch-converted" "$onnxData/pytorch-operator" "$onnxData/simple")
else
  skipSuite "ONNX 1.22" "SINTER_TESTDATA is not set (see scripts/test.sh)"
fi
for backend in auto llvm onednn reference; do
  for level in "" -O0; do
    sinterTest "all ONNX data $backend $level" "${data[@]}" --backend $backend $level
    sinterTest "fusion cases $backend $level" "$root/tests/data/fusion-cases" --numbers-only --backend $backend $level
  done
done
if [ -n "${SINTER_TESTDATA:-}" ]; then
  sinterTest "real networks, verified rewrites" --tol-of-max 1e-2 --verify-rewrites \
    "$SINTER_TESTDATA"/real/{ultraface_RFB_320,ultraface_RFB_320_simplified,ppocr2_cls,ppocr4_det,yunet_n_320_320,mlsd_320_tiny}
fi
if [ -n "${SINTER_TESTDATA:-}" ] && makeLightModels; then
  sinterTest "light networks, verified rewrites" "$lightModels" --tol-of-max 1e-4 --jobs 1 --timeout 3600 --verify-rewrites
  for level in "" -O0; do
    sinterTest "light networks auto $level" "$lightModels" --tol-of-max 1e-4 --jobs 1 --timeout 600 $level
  done
  suite "light networks, same bits" "$root/scripts/check-bits.sh" "$lightModels"/light_*
  suite "light networks, dumps" "$root/scripts/check-dumps.sh" "$lightModels"/light_*
fi
suite "dumps of every stage" "$root/scripts/check-dumps.sh"

suite "bounds of compiled kernels" "$build/tests/compiled-ranges" --kernels 2000 --table
suite "random networks, 20000 seeds" "$build/tests/random-graphs" --count 20000 --jobs "$(nproc)" --reduce-to "$logs"

# checked COMMAND...: a command that is one test.
checked() { "$@" && echo "1 passed, 0 failed, 0 skipped"; }

onnxRunner() {
  local environment=$build/onnx-environment
  [ -x "$environment/bin/python" ] || { python3 -m venv "$environment" && "$environment/bin/pip" install -q onnx; }
  SINTER_LIBRARY=$build/lib/libsinter.so.1 PYTHONPATH=$root/python "$environment/bin/python" "$root/scripts/onnx_backend_test.py" "$onnxData"
}
# Wheels and examples are of what users get.
release() { SINTER_PRESET=release bash -c '. "$0/scripts/setup.sh" && setUp sinter sinter-compiler sinter-isolated sinter-onednn sinter-runtime' "$root"; }
suite "preset release" checked release
if python3 -m pip download -q --no-deps -d "$logs" six >/dev/null 2>&1; then
  if [ -n "${SINTER_TESTDATA:-}" ]; then suite "ONNX's test runner beside sinter test" onnxRunner; fi
  suite "Python wheel in a fresh environment" checked "$root/scripts/check-wheel.sh"
  suite "Dask example" checked "$root/examples/dask/run.sh"
  suite "Triton example" checked "$root/examples/serving/run.sh"
else
  skipSuite "ONNX's runner, wheel, Dask, Triton" "PyPI cannot be reached"
fi

suite "sessions under load, a quarter of an hour" checked "$build/tests/sessions-load" --seconds 900

allocationFaults() {
  ninja -C "$build" failing-malloc session-faults sinter &&
    "$build/bin/sinter" compile "$root/examples/digits/digits.onnx" --shape image=1x1x8x8 --backend llvm -o "$logs/digits.so" &&
    LD_PRELOAD=$build/tests/faults/libfailing-malloc.so "$build/bin/session-faults" "$logs/digits.so" &&
    python3 "$root/tests/faults/compile_faults.py" "$build/bin/sinter" "$build/tests/faults/libfailing-malloc.so" "$root/examples/digits/digits.onnx" \
      --values 2000 --seed "$RANDOM" -- --shape image=1x1x8x8 --backend llvm
}
suite "allocations that fail" checked allocationFaults

interfaceFuzz() {
  ninja -C "$build" api-fuzz-sanitized && LD_LIBRARY_PATH=$build/lib "$bin/api-fuzz-sanitized" --seconds 3600 --seed "$RANDOM"
}
suite "random calls of the interface, sanitizers" checked interfaceFuzz

# What it finds it keeps as a file: TARGET --case FILE repeats it.
fileFuzz() {
  local target=$1
  shift
  ninja -C "$build" "$target-sanitized" && LD_LIBRARY_PATH=$build/lib "$build/tests/$target-sanitized" --seconds 3600 --seed "$RANDOM$RANDOM" --keep "$logs" "$@"
}
suite "every change of one place of a model" checked fileFuzz op-fuzz "${data[@]}" "$root/tests/data/fusion-cases" "$root/tests/fuzz/seeds"
suite "models that are almost right" checked fileFuzz model-fuzz "${data[@]}" "$root/tests/data/fusion-cases" "$root/tests/fuzz/seeds"
suite "textual IR that is almost right" checked fileFuzz ir-fuzz "$root/tests/passes"
suite "tensor files that are almost right" checked fileFuzz tensor-fuzz
suite "compiled libraries that are almost right" checked fileFuzz library-fuzz "$build/tests"

suite "lines that the fuzz targets reach" checked "$root/scripts/fuzz-coverage.sh" "$build"

sanitized() {
  local build=$root/build/asan
  (cd "$root" && cmake --preset asan && ninja -C "$build") && runCtest
}
suite "ctest with sanitizers" sanitized

finish
