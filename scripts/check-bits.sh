#!/bin/bash
# Checks that a network gives the same bits from the JIT and from a .so, on one thread and on two.
# usage: check-bits.sh [CASE...]   where CASE is a folder in the ONNX backend-test layout; without one, the digits network
# and, where SINTER_TESTDATA is set, the networks in real/. Last line: N passed, N failed, N skipped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# same NAME MODEL OPTIONS...: four runs, one set of bits. The options name the shapes and inputs.
same() {
  local name=$1 model=$2 shapes=() inputs=() variant
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --shape | --dim) shapes+=("$1" "$2") ;;
      *) inputs+=("$1" "$2") ;;
    esac
    shift 2
  done
  rm -rf "$work"/*
  if ! "$bin/sinter" compile "$model" -o "$work/model.so" "${shapes[@]}" >"$work/log" 2>&1; then
    printf 'FAIL %s: %s\n' "$name" "$(tail -n 1 "$work/log")"
    failed=$((failed + 1))
    return
  fi
  for variant in jit-1 jit-2 so-1 so-2; do
    local program=("$model" "${shapes[@]}")
    [[ $variant == jit-* ]] || program=("$work/model.so")
    if ! "$bin/sinter" run "${program[@]}" "${inputs[@]}" --threads "${variant#*-}" --output-dir "$work/$variant" >"$work/log" 2>&1 ||
      ! diff -rq "$work/jit-1" "$work/$variant" >>"$work/log"; then
      printf 'FAIL %s %s: %s\n' "$name" $variant "$(tail -n 1 "$work/log")"
      failed=$((failed + 1))
      return
    fi
  done
  passed=$((passed + 1))
}

# A case's first data set, bound by the order of the graph's inputs.
sameCase() {
  local data=$1/test_data_set_0 options=() file
  for file in $(ls "$data"/input_*.pb | sort -V); do
    options+=(--input "$file")
  done
  same "$(basename "$1")" "$1/model.onnx" "${options[@]}"
}

if [ $# -gt 0 ]; then
  for folder in "$@"; do sameCase "$folder"; done
else
  same digits "$root/examples/digits/digits.onnx" --shape image=400x1x8x8 --input "image=$root/examples/digits/test_images.npy"
  if [ -n "${SINTER_TESTDATA:-}" ]; then
    for name in cntk_mnist wonnx_mnist onnxmlir_mnist burn_mnist_bn winml_pytorch_cifar ultraface_RFB_320 \
      ultraface_RFB_320_simplified ppocr2_cls blazeface_front emx_kws_fp32 ppocr4_det yunet_n_320_320 mlsd_320_tiny; do
      sameCase "$SINTER_TESTDATA/real/$name"
    done
  fi
fi
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
