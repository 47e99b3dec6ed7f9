#!/bin/bash
# Checks that a network gives the same bits from the JIT and from a .so, on one thread and on two.
# usage: check-bits.sh [CASE...]   where CASE is a folder in the ONNX backend-test layout, of one input; without one, the digits network
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

# sameCase FOLDER OPTIONS...: a case of one input, on its first data set.
sameCase() {
  local folder=$1
  shift
  same "$(basename "$folder")" "$folder/model.onnx" "$@" --input "$folder/test_data_set_0/input_0.pb"
}

if [ $# -gt 0 ]; then
  for folder in "$@"; do sameCase "$folder"; done
else
  same digits "$root/examples/digits/digits.onnx" --shape image=400x1x8x8 --input "image=$root/examples/digits/test_images.npy"
  if [ -n "${SINTER_TESTDATA:-}" ]; then
    real=$SINTER_TESTDATA/real
    for name in cntk_mnist wonnx_mnist onnxmlir_mnist burn_mnist_bn ultraface_RFB_320 ultraface_RFB_320_simplified \
      blazeface_front emx_kws_fp32 yunet_n_320_320 mlsd_320_tiny; do
      sameCase "$real/$name"
    done
    sameCase "$real/winml_pytorch_cifar" --dim batch_size=1
    sameCase "$real/ppocr2_cls" --shape x=1x3x48x192
    sameCase "$real/ppocr4_det" --shape x=1x3x160x224
  fi
fi
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
