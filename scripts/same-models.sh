#!/bin/bash
# Checks that a restructured compiler makes what the old one made: the libraries of two builds of `sinter` are compared byte
# for byte. Where they differ, machine code and tables are compared once more without their strings (names, the explanation,
# the version); the tables hold the checksum of the weights.
# usage: same-models.sh OLD NEW [MODEL.onnx...]   where OLD and NEW are programs `sinter`; without models, the digits network,
# the fusion cases, and where SINTER_TESTDATA is set the networks in real/. Last line: N passed, N failed, N skipped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. "$root/scripts/networks.sh"

[ $# -ge 2 ] || die "usage: same-models.sh OLD NEW [MODEL.onnx...]"
old=$1 new=$2
shift 2
if [ ! -x "$old" ] || [ ! -x "$new" ]; then die "'$old' and '$new' must be programs"; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# asCode FILE: assembler without what only people read: strings, their lengths, the names of kernels in symbols.
asCode() {
  grep -vE '^[[:space:]]*\.((asciz|ascii|string|file|ident)\b|size[[:space:]]+c[0-9]+, )' "$1" |
    sed -E 's/sinter_k([0-9]+)_[A-Za-z0-9_]*/sinter_k\1_/g'
}

# emit PROGRAM NAME ARGUMENTS...: compiles; what was said is in NAME.log.
emit() {
  local program=$1 name=$2
  shift 2
  "$program" compile "$@" -o "$work/$name" >"$work/$name.log" 2>&1
}

# same NAME MODEL OPTIONS...
same() {
  local name=$1 model=$2 shapes=() inputs=() oldStatus=0 newStatus=0
  splitOptions "${@:3}"
  rm -rf "${work:?}"/*
  emit "$old" old.so "$model" "${shapes[@]}" || oldStatus=$?
  emit "$new" new.so "$model" "${shapes[@]}" || newStatus=$?
  if [ $oldStatus = 1 ] && [ $newStatus = 1 ]; then
    skipped=$((skipped + 1))
    return
  fi
  if [ $oldStatus != $newStatus ]; then
    printf 'FAIL %s: exit status %d before and %d now: %s\n' "$name" $oldStatus $newStatus "$(tail -n 1 "$work"/*.log)"
    failed=$((failed + 1))
    return
  fi
  if ! cmp -s "$work/old.so" "$work/new.so"; then
    emit "$old" old.s "$model" "${shapes[@]}" --emit asm
    emit "$new" new.s "$model" "${shapes[@]}" --emit asm
    if ! diff <(asCode "$work/old.s") <(asCode "$work/new.s") >"$work/difference"; then
      printf 'FAIL %s: code or tables differ: %s\n' "$name" "$(head -n 4 "$work/difference" | tr '\n\t' '  ')"
      failed=$((failed + 1))
      return
    fi
  fi
  passed=$((passed + 1))
}

if [ $# -gt 0 ]; then
  for model in "$@"; do same "$(basename "$model")" "$model"; done
else
  for model in "$root"/tests/data/fusion-cases/*/model.onnx; do same "$(basename "$(dirname "$model")")" "$model"; done
  forEachNetwork same
fi
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ] && [ $passed != 0 ]
