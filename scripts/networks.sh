# Sourced by check-bits.sh and check-dumps.sh: the networks they check, and a case's inputs.
# shellcheck shell=bash
# shellcheck disable=SC2154

# caseInputs FOLDER: fills `inputs` with --input options for the first data set.
caseInputs() {
  local file
  inputs=()
  for file in "$1"/test_data_set_0/input_*.pb; do
    if [ -f "$file" ]; then inputs+=(--input "$file"); fi
  done
}

# splitOptions OPTIONS...: appends --shape and --dim, with their values, to `shapes` and the others to `inputs`.
splitOptions() {
  while [ $# -gt 0 ]; do
    case $1 in
      --shape | --dim) shapes+=("$1" "$2") ;;
      *) inputs+=("$1" "$2") ;;
    esac
    shift 2
  done
}

# forEachNetwork CHECK [NAME...]: calls CHECK NAME MODEL [--shape or --dim and its value]... [--input FILE]... for the digits
# network and, where SINTER_TESTDATA is set, for the networks in real/, or for the named ones.
forEachNetwork() {
  local check=$1 name inputs open
  shift
  [ $# -gt 0 ] || set -- digits cntk_mnist wonnx_mnist onnxmlir_mnist burn_mnist_bn winml_pytorch_cifar ultraface_RFB_320 \
    ultraface_RFB_320_simplified ppocr2_cls ppocr4_det blazeface_front emx_kws_fp32 yunet_n_320_320 mlsd_320_tiny
  for name in "$@"; do
    if [ "$name" = digits ]; then
      $check digits "$root/examples/digits/digits.onnx" --shape image=400x1x8x8 --input "$root/examples/digits/test_images.npy"
      continue
    fi
    [ -n "${SINTER_TESTDATA:-}" ] || continue
    case $name in
      winml_pytorch_cifar) open=(--dim batch_size=1) ;;
      ppocr2_cls) open=(--shape x=1x3x48x192) ;;
      ppocr4_det) open=(--shape x=1x3x160x224) ;;
      *) open=() ;;
    esac
    caseInputs "$SINTER_TESTDATA/real/$name"
    $check "$name" "$SINTER_TESTDATA/real/$name/model.onnx" "${open[@]}" "${inputs[@]}"
  done
}
