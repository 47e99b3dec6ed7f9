# Sourced by the other scripts: what they share. `setUp` makes a bare Debian 12 ready (packages, a preset configured and built)
# and does nothing where that has been done. Says each thing it does. The preset is `release`, or what SINTER_PRESET names:
# scripts that test set `checked`, which has assertions.
# shellcheck shell=bash
# shellcheck disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${SINTER_PRESET:-release}
build=$root/build/$preset
bin=$build/bin

# Debian packages: tools, then the libraries that docs/rationale.md gives the reasons for, then what the *-dev packages'
# CMake files look for, then test data.
packages=(
  g++ cmake ninja-build ccache git xz-utils ca-certificates
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools liblld-22-dev clang-22 libclang-rt-22-dev clang-tidy-22 clang-format-22 lld-22
  libdnnl-dev libonnx-dev libprotobuf-dev protobuf-compiler libfmt-dev libcli11-dev nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  python3-numpy python3-pytest doxygen
  zlib1g-dev libzstd-dev libxml2-dev libffi-dev
  libonnx-testdata
)
securitySource='deb http://security.debian.org/debian-security bookworm-security main'

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo where there is one.
asRoot() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "packages are missing and this is neither root nor a machine with sudo. As root, run: $*"
  fi
}

missingPackages() {
  local package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

hasCandidate() { [ -n "$(apt-cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)"')" ]; }

installPackages() {
  local missing
  mapfile -t missing < <(missingPackages)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "needs the Debian packages ${missing[*]}; this machine has no apt-get"
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  asRoot apt-get update -q || die "apt-get update failed: check the network and /etc/apt/sources.list"
  if ! hasCandidate llvm-22-dev; then
    grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release ||
      die "no package llvm-22-dev here. Sinter is built on Debian 12 (bookworm), whose security suite has LLVM 22"
    say "adding Debian 12's security suite, which has LLVM 22: /etc/apt/sources.list.d/bookworm-security.list"
    printf '%s\n' "$securitySource" | asRoot tee /etc/apt/sources.list.d/bookworm-security.list
    asRoot apt-get update -q || die "apt-get update failed after adding: $securitySource"
  fi
  asRoot apt-get install -q -y --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}"
}

# configureAndBuild TARGET...
configureAndBuild() {
  if [ ! -f "$build/build.ninja" ]; then
    say "configuring build/$preset"
    (cd "$root" && cmake --preset "$preset" >"$root/build-configure.log" 2>&1) ||
      { cat "$root/build-configure.log" >&2; die "cmake failed"; }
    mv "$root/build-configure.log" "$build/configure.log"
  fi
  if ! ninja -C "$build" -n "$@" | grep -q 'no work to do'; then
    say "building $* in build/$preset (the first time takes a while)"
    ninja -C "$build" "$@" || die "the build failed"
  fi
}

# setUp TARGET...: "all" is everything.
setUp() {
  installPackages
  configureAndBuild "$@"
}
