#!/bin/bash
# Checks how the code is written: its format, which folder uses which, names, shell and Python, and by clang-tidy the sources
# that changed since the commit in scripts/tidy-base. Needs PyPI for ruff and mypy, which it keeps in build/lint.
# usage: lint.sh [--fix] [--all]
#   --fix  formats what is not formatted
#   --all  clang-tidy on every source (an hour or two); if it finds nothing, the present commit goes into scripts/tidy-base
# Last line: N passed, N failed, N skipped.
set -euo pipefail
export SINTER_PRESET=${SINTER_PRESET:-checked}
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

fix=false all=false
for argument in "$@"; do
  case $argument in
    --fix) fix=true ;;
    --all) all=true ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 1 ;;
  esac
done

cd "$root"
packages+=(shellcheck python3-venv)
(installPackages) || say "going on with what is installed"
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# check NAME COMMAND...: one line a check, and what it found.
check() {
  local name=$1
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    printf '%-28s clean\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$name"
    head -n 40 "$log" | sed 's/^/    /'
  fi
}

skip() {
  skipped=$((skipped + 1))
  printf '%-28s skipped: %s\n' "$1" "$2"
}

# existing PATTERN...: files of the tree, those that are not committed yet included.
existing() { git ls-files -co --exclude-standard "$@" | while read -r file; do if [ -f "$file" ]; then printf '%s\n' "$file"; fi; done; }
sources() { existing '*.cpp' '*.h' '*.hpp' '*.c'; }
shellFiles() { existing '*.sh' .ci/run scripts/hooks/pre-commit; }

formatted() { sources | xargs -n 40 -P "$(nproc)" clang-format-22 --dry-run -Werror; }
if $fix; then sources | xargs -n 40 -P "$(nproc)" clang-format-22 -i; fi
check "format" formatted
check "folders (check_layers)" python3 scripts/check_layers.py
check "names (check_names)" python3 scripts/check_names.py
check "writers (check_writers)" python3 scripts/check_writers.py
check "errors (check_verifier_tests)" python3 scripts/check_verifier_tests.py
check "passes (check_pass_tests)" python3 scripts/check_pass_tests.py
check "asserts (check_invariants)" python3 scripts/check_invariants.py
check "sizes (check_products)" python3 scripts/check_products.py

shell() { shellFiles | xargs shellcheck -x --source-path=SCRIPTDIR; }
if command -v shellcheck >/dev/null; then
  check "shell (shellcheck)" shell
else
  skip "shell (shellcheck)" "needs the package shellcheck"
fi

# Pinned: a newer release has other opinions.
pins="ruff==0.17.6 mypy==2.4.1 numpy"
tools=$root/build/lint
installTools() {
  mkdir -p "$root/build" && python3 -m venv --clear "$tools" || return 1
  # shellcheck disable=SC2086 # several words
  "$tools/bin/pip" install -q $pins && printf '%s\n' "$pins" >"$tools/pins"
}
if [ "$(cat "$tools/pins" 2>/dev/null)" != "$pins" ] && ! installTools >"$log" 2>&1; then
  rm -rf "$tools"
  skip "Python (ruff, mypy)" "needs PyPI: $(tail -n 1 "$log")"
else
  check "Python (ruff)" "$tools/bin/ruff" check .
  check "Python types (mypy)" "$tools/bin/mypy" --strict --config-file python/pyproject.toml python/sinter
fi

# What clang-tidy looks at: sources with a compile command that changed since the commit in scripts/tidy-base, then those that
# include a header that did, as many as take a few minutes; all of them with --all.
maxTidied=60
tidied() {
  local changed=unknown
  if ! $all; then
    changed=$({ git diff --name-only "$(cat scripts/tidy-base)" -- '*.cpp' '*.h' '*.hpp'; git ls-files -o --exclude-standard '*.cpp' '*.h' '*.hpp'; })
  fi
  python3 scripts/sources_to_tidy.py "$build/compile_commands.json" <<<"$changed"
}
tidy() { xargs -n 1 -P "$(nproc)" clang-tidy-22 --quiet --warnings-as-errors='*' -p "$build" <<<"$files"; }
[ -f "$build/compile_commands.json" ] || build=$root/build/release
if [ ! -f "$build/compile_commands.json" ]; then
  skip "C++ (clang-tidy)" "needs a build: scripts/test.sh makes it"
elif ! $all && ! git rev-parse -q --verify "$(cat scripts/tidy-base)^{commit}" >/dev/null; then
  skip "C++ (clang-tidy)" "git knows no commit $(cat scripts/tidy-base), which scripts/tidy-base names: lint.sh --all needs none"
elif ! files=$(tidied); then
  check "C++ (clang-tidy)" false
elif [ -z "$files" ]; then
  check "C++ (clang-tidy, nothing changed)" true
else
  count=$(wc -l <<<"$files")
  if ! $all && [ "$count" -gt $maxTidied ]; then
    printf '%-28s %d of %d sources; lint.sh --all has the rest\n' "C++ (clang-tidy)" $maxTidied "$count"
    files=$(head -n $maxTidied <<<"$files")
  fi
  check "C++ (clang-tidy, $(wc -l <<<"$files") files)" tidy
  if $all && [ $failed = 0 ] && [ -z "$(git status --porcelain)" ]; then git rev-parse HEAD >scripts/tidy-base; fi
fi

printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
