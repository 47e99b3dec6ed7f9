#!/bin/bash
# Checks that a network gives the same bits from the JIT and from a .so, on one thread and on two, and that the .so is ready
# to run within 20 ms.
# usage: check-bits.sh [CASE...]   where CASE is a folder in the ONNX backend-test layout; without one, the digits network and,
# where SINTER_TESTDATA is set, the networks in real/. Last line: N passed, N failed, N skipped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. "$root/scripts/networks.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
slowestLoad=20

fail() {
  printf 'FAIL %s: %s\n' "$1" "$2"
  failed=$((failed + 1))
}

# same NAME MODEL OPTIONS...: four runs, one set of bits. The options name the shapes and inputs.
same() {
  local name=$1 model=$2 shapes=() inputs=() variant load
  splitOptions "${@:3}"
  rm -rf "${work:?}"/*
  if ! "$bin/sinter" compile "$model" -o "$work/model.so" "${shapes[@]}" >"$work/log" 2>&1; then
    fail "$name" "$(tail -n 1 "$work/log")"
    return
  fi
  for variant in jit-1 jit-2 so-1 so-2; do
    local program=("$model" "${shapes[@]}")
    [[ $variant == jit-* ]] || program=("$work/model.so")
    if ! "$bin/sinter" run "${program[@]}" "${inputs[@]}" --threads "${variant#*-}" --output-dir "$work/$variant" >"$work/log" 2>&1 ||
      ! diff -rq "$work/jit-1" "$work/$variant" >>"$work/log"; then
      fail "$name $variant" "$(tail -n 1 "$work/log")"
      return
    fi
  done
  load=$("$bin/sinter" bench "$work/model.so" --seconds 0.001 --format json | sed -n 's/.*"load_ms": *\([0-9.e+-]*\).*/\1/p')
  printf '%s: loads in %.2f ms\n' "$name" "$load"
  if awk "BEGIN { exit !($load >= $slowestLoad) }"; then
    fail "$name" "loading takes $load ms"
    return
  fi
  passed=$((passed + 1))
}

if [ $# -gt 0 ]; then
  for folder in "$@"; do
    caseInputs "$folder"
    same "$(basename "$folder")" "$folder/model.onnx" "${inputs[@]}"
  done
else
  forEachNetwork same
fi
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
