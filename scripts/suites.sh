# Sourced by test.sh and nightly.sh: runs test suites, adds up their results, and knows where the data is.
# A suite's output goes to test-logs/<suite>.log in the build's folder; failures are shown.
# shellcheck shell=bash
# shellcheck disable=SC2154

logs=$build/test-logs
passed=0 failed=0 skipped=0

# tally LOG STATUS: adds up the last line of what a command printed, "N passed, N failed, N skipped". One that ended without that
# line, or with a failure it did not count, is one failed test. Sets `summary` to the line or to what is wrong; returns 1 for failures.
tally() {
  local p=0 f=1 s=0
  summary=$(tail -n 1 "$1")
  if [[ $summary =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
    if [ "$2" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  else
    summary="ended with status $2 and no summary: $summary"
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [ "$f" = 0 ]
}

# suite NAME COMMAND...: runs a command that `tally` can add up.
suite() {
  local name=$1 log summary status=0 result=0 start=$SECONDS
  shift
  log=$logs/${name//[^A-Za-z0-9._-]/_}.log
  mkdir -p "$logs"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  tally "$log" $status || result=1
  printf '%-44s %s (%d s)\n' "$name" "$summary" $((SECONDS - start))
  if [ $result != 0 ]; then
    grep -E '^(FAIL|CRASH|TIMEOUT|error)|: FAIL|failed:|FAILED|Error:|\*\*\*' "$log" | head -n 40 | sed 's/^/    /' || true
    printf '    all of it: %s\n' "$log"
  fi
}

# A suite that cannot run here: NAME, and what it needs.
skipSuite() {
  skipped=$((skipped + 1))
  printf '%-44s skipped: %s\n' "$1" "$2"
}

# sinterTest NAME ARGUMENTS...: `sinter test` as a suite. A rewrite that changes values is a failure, although it is left out.
sinterTest() {
  local name=$1
  shift
  suite "$name" "$bin/sinter" test --fail-on unsound "$@"
}

runCtest() {
  local status=0
  ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure --output-junit "$build/junit.xml" \
    --test-output-size-passed 1048576 --test-output-size-failed 1048576 || status=$?
  /usr/bin/python3 "$root/scripts/count_tests.py" "$build/junit.xml"
  return $status
}

# The ONNX project's newer test data, unpacked once into build/testdata.
unpackOnnxData() {
  onnxData=$root/build/testdata/onnx-1.22.0
  [ ! -f "$onnxData/.complete" ] || return 0
  say "unpacking onnx-1.22.0-testdata.tar.xz into build/testdata"
  mkdir -p "$onnxData"
  tar -xJf "$SINTER_TESTDATA/onnx-1.22.0-testdata.tar.xz" -C "$onnxData"
  touch "$onnxData/.complete"
}

# The model-zoo graphs with seeded weights, written once into build/testdata beside their reference outputs.
# Returns 1 where Python's onnx is missing. `import onnx` alone does not tell: libonnx-testdata leaves a folder of that name that
# Python takes for an empty package.
makeLightModels() {
  lightModels=$root/build/testdata/light
  [ ! -f "$lightModels/.complete" ] || return 0
  /usr/bin/python3 -c 'import onnx.helper, numpy' 2>/dev/null || return 1
  say "writing the light networks into build/testdata (1.6 GB)"
  mkdir -p "$lightModels"
  /usr/bin/python3 "$SINTER_TESTDATA/make_light_rand.py" "$onnxData/light" "$lightModels" >/dev/null
  cp -r "$SINTER_TESTDATA/light_expected/." "$lightModels/"
  touch "$lightModels/.complete"
}

# The last line, and the exit status.
finish() {
  printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
  [ $failed = 0 ]
}
