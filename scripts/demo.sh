#!/bin/bash
# Sets up and builds Sinter, compiles the digits network to a shared library and classifies held-out images with it.
# Shows what was folded and the time per image with and without optimisation. The last line is the accuracy.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setUp sinter digits-classify

digits=$root/examples/digits
out=$build/demo
mkdir -p "$out"
count=400

say "compiling examples/digits/digits.onnx"
"$bin/sinter" compile "$digits/digits.onnx" -o "$out/digits.so" --shape "image=${count}x1x8x8"
"$bin/sinter" compile "$digits/digits.onnx" -o "$out/digits-O0.so" --shape "image=${count}x1x8x8" -O0

# bench MODEL: median microseconds per image on one thread.
bench() {
  "$bin/sinter" bench "$1" --threads 1 --format json |
    sed -n 's/.*"median_ms": *\([0-9.eE+-]*\).*/\1/p' | awk -v n=$count '{ printf "%.2f", $1 * 1000 / n }'
}
say "time per image, one thread, batches of $count"
printf 'optimised %s us, -O0 %s us\n' "$(bench "$out/digits.so")" "$(bench "$out/digits-O0.so")"

say "classifying $count held-out images"
"$bin/digits-classify" "$out/digits.so" "$digits/test_images.npy" "$digits/test_labels.npy" "$digits/test_logits.npy"
