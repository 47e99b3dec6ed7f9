#!/bin/bash
# Models compiled for AArch64, RISC-V (with and without V) and the levels of x86-64, run under qemu-user: the digits and, where SINTER_TESTDATA
# names the data, ultraface_RFB_320, ppocr2_cls and light_squeezenet. Installs the cross compilers and qemu where they are missing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages+=(qemu-user gcc-aarch64-linux-gnu g++-aarch64-linux-gnu gcc-riscv64-linux-gnu g++-riscv64-linux-gnu python3-onnx)
installPackages
configureAndBuild sinter
cases=()
if [ -n "${SINTER_TESTDATA:-}" ]; then
  . "$root/scripts/suites.sh"
  unpackOnnxData
  makeLightModels || die "writing the light networks needs python3-onnx"
  cases=("$SINTER_TESTDATA"/real/{ultraface_RFB_320,ppocr2_cls} "$lightModels/light_squeezenet")
fi
exec /usr/bin/python3 "$root/tests/cross/cross.py" "$bin/sinter" "$root" "$build/cross" "${cases[@]}"
