#!/bin/bash
# Makes the Debian packages and uses them in a clean Debian 12: the examples are built with find_package and run, a C program with pkg-config
# runs a compiled .so with the runtime alone, and no LLVM is there. Needs root, debootstrap and a mirror.
# usage: check-packages.sh [--root DIR] [--mirror URL] [--keep]
set -euo pipefail
SINTER_PRESET=release # what users get
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clean='' mirror=http://deb.debian.org/debian keep=0
while [ $# -gt 0 ]; do
  case $1 in
    --root | --mirror) [ $# -gt 1 ] || die "$1 needs a value" ;;&
    --root) clean=$2; shift ;;
    --mirror) mirror=$2; shift ;;
    --keep) keep=1 ;;
    *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 1 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || die "needs root (debootstrap, chroot)"
command -v debootstrap >/dev/null || die "needs debootstrap: apt-get install debootstrap"
[ -n "$clean" ] || clean=$(mktemp -d /var/tmp/sinter-packages.XXXXXX)
installPackages
configureAndBuild sinter sinter-opt sinter-compiler sinter-isolated sinter-onednn
say "packing"
packed=$build/packages
rm -rf "$packed"
mkdir -p "$packed"
(cd "$build" && cpack -G DEB -B "$packed" >"$packed/cpack.log" 2>&1) || { tail -n 30 "$packed/cpack.log" >&2; die "cpack failed"; }
ls -l "$packed"/*.deb

say "checking where their files look for libraries, and how they are hardened"
unpacked=$(mktemp -d)
for package in "$packed"/*.deb; do dpkg-deb -x "$package" "$unpacked"; done
python3 "$root/scripts/check_elf.py" "$unpacked"
say "checking their bills of materials by the tool of the SPDX project, which comes from PyPI"
python3 -m venv "$unpacked/venv"
"$unpacked/venv/bin/pip" install -q spdx-tools
for package in sinter libsinter libsinter-runtime libsinter-onednn; do "$unpacked/venv/bin/pyspdxtools" -i "$unpacked/usr/share/doc/$package/sbom.spdx.json"; done
rm -rf "$unpacked"

say "making a clean Debian 12 in $clean"
if [ ! -x "$clean/bin/bash" ]; then
  debootstrap --variant=minbase --include=ca-certificates bookworm "$clean" "$mirror" >"$clean.log" 2>&1 || { tail -n 20 "$clean.log" >&2; exit 1; }
  rm -f "$clean.log"
fi
mount --bind /proc "$clean/proc"
cleanUp() {
  umount "$clean/proc" || keep=1
  if [ $keep = 0 ]; then rm -rf --one-file-system "$clean"; else say "the root is $clean"; fi
}
trap cleanUp EXIT
cp -L /etc/resolv.conf "$clean/etc/resolv.conf"
apt-config dump 2>/dev/null | grep -E '^Acquire::https?::Proxy' >"$clean/etc/apt/apt.conf.d/99proxy" || true
echo "$securitySource" >"$clean/etc/apt/sources.list.d/bookworm-security.list"
rm -rf "$clean/packages" "$clean/work"
mkdir -p "$clean/packages" "$clean/work"
cp "$packed"/*.deb "$clean/packages/"
cp -r "$root/examples" "$clean/work/"
cp "$root/tests/cross/run.c" "$clean/work/"

inside() {
  env -i HOME=/root TERM=dumb DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} chroot "$clean" /bin/bash -ec "cd /work && $1" </dev/null
}
say "installing the runtime and the headers: no LLVM may come with them"
inside 'apt-get update -q >/dev/null && apt-get install -q -y --no-install-recommends gcc libc6-dev pkg-config /packages/libsinter-runtime_*.deb /packages/libsinter-dev_*.deb >/dev/null'
if inside 'ls /usr/lib/*/libLLVM* /usr/lib/*/libdnnl* 2>/dev/null'; then die "the runtime brings libraries that it does not need"; fi
"$bin/sinter" compile "$root/examples/digits/digits.onnx" -o "$clean/work/digits.so" --shape image=1x1x8x8 --target-cpu x86-64 --backend llvm
head -c 256 /dev/zero >"$clean/work/image.bin"
# shellcheck disable=SC2016
inside 'gcc run.c -o run $(pkg-config --cflags --libs sinter-runtime) && ./run ./digits.so 1 image.bin && test $(stat -c %s output_0.bin) = 40'
say "installing the compiler, building and running the examples with find_package"
inside 'apt-get install -q -y --no-install-recommends g++ cmake make /packages/*.deb >/dev/null'
inside 'sinter --version'
inside 'cmake -S examples/embed -B embed >/dev/null && cmake --build embed >/dev/null && embed/embed examples/digits/digits.onnx embedded.so'
inside 'cmake -S examples/cmake-model -B model >/dev/null && cmake --build model && model/cmake-model model/digits4.weights'
say "everything passed"
