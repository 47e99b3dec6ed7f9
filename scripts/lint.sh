#!/bin/bash
# Checks how the code is written: its format, which folder uses which, names, shell and Python, and by clang-tidy the sources
# that changed since the commit in scripts/tidy-base. Needs PyPI for ruff and mypy, which it keeps in build/lint.
# usage: lint.sh [--fix] [--all]
#   --fix  formats what is not formatted
#   --all  clang-tidy on every source (an hour or two); if it finds nothing, the present commit goes into scripts/tidy-base
# Last line: N passed, N failed, N skipped.
set -euo pipefail
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
installPackages
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

sources() { git ls-files -co --exclude-standard '*.cpp' '*.h' '*.hpp' '*.c' | xargs ls 2>/dev/null; }
shellFiles() { git ls-files -co --exclude-standard '*.sh' .ci/run | xargs ls 2>/dev/null; }

formatted() { sources | xargs -n 40 -P "$(nproc)" clang-format-22 --dry-run -Werror; }
if $fix; then sources | xargs -n 40 -P "$(nproc)" clang-format-22 -i; fi
check "format" formatted
check "folders (check_layers)" python3 scripts/check_layers.py
check "names (check_names)" python3 scripts/check_names.py
check "writers (check_writers)" python3 scripts/check_writers.py
check "sizes (check_products)" python3 scripts/check_products.py

shell() { shellFiles | xargs shellcheck -x --source-path=SCRIPTDIR; }
check "shell (shellcheck)" shell

# Pinned: a newer release has other opinions.
tools=$root/build/lint
if [ ! -x "$tools/bin/mypy" ] && ! { mkdir -p "$root/build" && python3 -m venv "$tools" && "$tools/bin/pip" install -q ruff==0.17.6 mypy==2.4.1 numpy; } >"$log" 2>&1; then
  rm -rf "$tools"
  skip "Python (ruff, mypy)" "needs PyPI: $(tail -n 1 "$log")"
else
  check "Python (ruff)" "$tools/bin/ruff" check .
  check "Python types (mypy)" "$tools/bin/mypy" --strict --config-file python/pyproject.toml python/sinter
fi

# What clang-tidy looks at: sources with a compile command, all or those that changed or include a header that did.
tidied() {
  local base
  base=$(cat scripts/tidy-base)
  python3 - "$build/compile_commands.json" "$all" <(git diff --name-only "$base" -- '*.cpp' '*.h' '*.hpp' 2>/dev/null || echo "?") <<'END'
import json, pathlib, sys
commands, everything, changed = sys.argv[1], sys.argv[2] == "true", pathlib.Path(sys.argv[3]).read_text().split()
root = pathlib.Path.cwd()
known = {pathlib.Path(entry["file"]).relative_to(root).as_posix() for entry in json.load(open(commands)) if pathlib.Path(entry["file"]).is_relative_to(root)}
known = {name for name in known if not name.startswith("build/") and not name.startswith("..")}
everything = everything or "?" in changed
print("\n".join(sorted(name for name in known if everything or name in changed)))
END
}
if [ ! -f "$build/compile_commands.json" ]; then
  skip "C++ (clang-tidy)" "needs a build: scripts/test.sh makes it"
else
  mapfile -t files < <(tidied)
  if [ ${#files[@]} = 0 ]; then
    check "C++ (clang-tidy)" true
  else
    tidy() { printf '%s\n' "${files[@]}" | xargs -n 1 -P "$(nproc)" clang-tidy-22 --quiet --warnings-as-errors='*' -p "$build"; }
    check "C++ (clang-tidy, ${#files[@]} files)" tidy
    if $all && [ $failed = 0 ]; then git rev-parse HEAD >scripts/tidy-base; fi
  fi
fi

printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
