#!/bin/bash
# Checks that the IR of every stage reads back: sinter-opt parses and verifies each dump and prints it as it was, and a
# network of less than 20 MB that is compiled from a dump with weights computes the bits that its .onnx gives.
# usage: check-dumps.sh [--quick] [CASE...]   where CASE is a folder in the ONNX backend-test layout; without one, the digits
# network, the fusion cases and, where SINTER_TESTDATA is set, the networks in real/. With --quick fewer networks, and from
# the first and the last dump only; of the fusion cases every eighth is compiled from its dumps. Last line: N passed, N
# failed, N skipped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. "$root/scripts/networks.sh"

quick=0
if [ "${1:-}" = --quick ]; then
  quick=1
  shift
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
largest=$((20 * 1000 * 1000))

fail() {
  printf 'FAIL %s: %s\n' "$1" "$2"
  failed=$((failed + 1))
}

# readsBack FOLDER: whether sinter-opt reads every dump in it and writes the same. What is left of the section of weights,
# which are elided, does not count.
readsBack() {
  local dump separator=''
  for dump in "$1"/*.mlir; do
    printf '%s' "$separator"
    sed '/^{-#$/,/^#-}$/d' "$dump"
    separator=$'// -----\n'
  done >"$work/all.mlir"
  "$bin/sinter-opt" --split-input-file "$work/all.mlir" -o "$work/again.mlir" 2>"$work/log" &&
    diff -B "$work/all.mlir" "$work/again.mlir" >"$work/log"
}

# sameBits DUMP OPTIONS...: whether a run from a dump gives what is in $work/want.
sameBits() {
  rm -rf "$work/got"
  "$bin/sinter" run "$@" --output-dir "$work/got" >"$work/log" 2>&1 && diff -rq "$work/want" "$work/got" >"$work/log"
}

# check NAME MODEL OPTIONS...: the dumps of a model. The options name the shapes and inputs.
check() {
  local name=$1 model=$2 shapes=() inputs=() dumps dump
  splitOptions "${@:3}"
  rm -rf "${work:?}"/*
  if ! "$bin/sinter" compile "$model" -o "$work/model.mlir" "${shapes[@]}" --dump-dir "$work/dumps" >"$work/log" 2>&1; then
    if grep -q 'lists the supported operators' "$work/log"; then
      printf 'SKIP %s: %s\n' "$name" "$(tail -n 1 "$work/log")"
      skipped=$((skipped + 1))
    else
      fail "$name" "$(tail -n 1 "$work/log")"
    fi
    return
  fi
  if ! readsBack "$work/dumps"; then
    fail "$name" "reads back otherwise: $(head -n 3 "$work/log")"
    return
  fi
  if [ "$(stat -c %s "$model")" -lt $largest ] && [ "$withWeights" = 1 ]; then
    rm -rf "$work/dumps"
    "$bin/sinter" run "$model" "${shapes[@]}" "${inputs[@]}" --output-dir "$work/want" --dump-dir "$work/dumps" --dump-weights \
      >"$work/log" 2>&1 || { fail "$name" "$(tail -n 1 "$work/log")"; return; }
    dumps=("$work/dumps"/*.mlir)
    [ $quick = 0 ] || dumps=("${dumps[0]}" "${dumps[-1]}")
    for dump in "${dumps[@]}"; do
      # Up to nn-specialise-shapes the model has its open shapes.
      grep -q 'tensor<[^>]*?' "$dump" || shapes=()
      if ! sameBits "$dump" "${shapes[@]}" "${inputs[@]}"; then
        fail "$name from $(basename "$dump")" "$(tail -n 1 "$work/log")"
        return
      fi
    done
  fi
  passed=$((passed + 1))
}

# checkCases FOLDER...: cases in the ONNX backend-test layout.
checkCases() {
  local folder number=0
  for folder in "$@"; do
    withWeights=$((quick == 0 || number++ % 8 == 0))
    caseInputs "$folder"
    check "$(basename "$folder")" "$folder/model.onnx" "${inputs[@]}"
  done
  withWeights=1
}

withWeights=1
if [ $# -gt 0 ]; then
  checkCases "$@"
else
  checkCases "$root"/tests/data/fusion-cases/*/
  few=()
  [ $quick = 0 ] || few=(digits burn_mnist_bn blazeface_front emx_kws_fp32 ppocr2_cls)
  forEachNetwork check "${few[@]}"
fi
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
