#!/bin/bash
# Whether asserts find mistakes: puts each mutant of tests/mutants, one line that is wrong, into the sources, builds sinter-opt in a build with
# assertions, runs the command that the mutant names, and expects its assert to end it. The sources are as they were afterwards.
# usage: check-mutants.sh [--build FOLDER] [MUTANT...]   FOLDER: by default build/checked. Takes about half a minute for each.
# Last line: N passed, N failed, N skipped.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/checked
if [ "${1:-}" = --build ]; then
  build=$(cd "$2" && pwd)
  shift 2
fi
cd "$root"
if [ ! -f "$build/compile_commands.json" ] || grep -q -- ' -DNDEBUG ' "$build/compile_commands.json"; then
  echo "$build is no build with assertions: cmake --preset checked" >&2
  exit 1
fi
mutants=("$@")
[ $# -gt 0 ] || mutants=(tests/mutants/*.patch)
passed=0 failed=0
log=$(mktemp)
changed=
restore() { if [ -n "$changed" ]; then cp -p "$log.source" "$changed"; touch "$changed"; changed=; fi; }
trap 'restore; rm -f "$log" "$log.source"' EXIT

fail() {
  failed=$((failed + 1))
  printf 'FAIL %s: %s\n' "$1" "$2"
  tail -n 5 "$log" | sed 's/^/    /'
}

# check PATCH: one mutant.
check() {
  local name file run text status=0
  name=$(basename "$1" .patch)
  file=$(sed -n 's/^+++ b\///p' "$1")
  run=$(sed -n 's/^Run: //p' "$1")
  text=$(sed -n 's/^Assert: //p' "$1")
  cp -p "$file" "$log.source"
  changed=$file
  if ! patch -p1 --forward --no-backup-if-mismatch <"$1" >"$log" 2>&1; then
    fail "$name" "does not apply to $file: make it anew"
  elif ! ninja -C "$build" sinter-opt >"$log" 2>&1; then
    fail "$name" "does not build"
  else
    # shellcheck disable=SC2086 # a program and its arguments
    "$build/bin/"$run >/dev/null 2>"$log" || status=$?
    if [ $status = 134 ] && grep -qF "$text" "$log"; then
      passed=$((passed + 1))
      printf '%-20s %s\n' "$name" "$(grep -oF "$text" "$log" | head -n 1)"
    else
      fail "$name" "ends with status $status, and not by the assert: $text"
    fi
  fi
  restore
}

for mutant in "${mutants[@]}"; do check "$mutant"; done
# The build is that of the sources again.
ninja -C "$build" sinter-opt >"$log" 2>&1 || { cat "$log"; exit 1; }
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
