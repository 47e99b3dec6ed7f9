#!/bin/bash
# Runs demo.sh and test.sh on a bare Debian 12: a fresh debootstrap root with a clone of this repository's HEAD, so that
# a missing installation step cannot hide. Needs root, debootstrap and a Debian mirror.
# usage: check-bare.sh [--root DIR] [--mirror URL] [--ccache DIR] [--store DIR] [--keep]
#   --root DIR    where the root is made (default: a new folder under /var/tmp); about 6 GB
#   --ccache DIR  a compiler cache to share with the root; hits need the same headers and compiler, so they hide nothing
#   --store DIR   keeps the bare root as debootstrap made it, and downloaded packages, for later runs; each begins with a
#                 copy in which nothing is installed
#   --keep        leave the root there
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bare='' mirror=http://deb.debian.org/debian ccache='' store='' keep=0
while [ $# -gt 0 ]; do
  case $1 in
    --root) bare=$2; shift ;;
    --mirror) mirror=$2; shift ;;
    --ccache) ccache=$2; shift ;;
    --store) store=$2; shift ;;
    --keep) keep=1 ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 1 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || { echo "check-bare.sh: needs root (debootstrap, chroot, mount)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "check-bare.sh: needs debootstrap: apt-get install debootstrap" >&2; exit 1; }
[ -n "$bare" ] || bare=$(mktemp -d /var/tmp/sinter-bare.XXXXXX)

mounted=()
bind() {
  mkdir -p "$bare/$2"
  mount --bind "$1" "$bare/$2"
  mounted+=("$bare/$2")
}
# The root is removed only once nothing is mounted in it.
cleanUp() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount "${mounted[i]}" || keep=1; done
  if [ $keep = 0 ]; then rm -rf --one-file-system "$bare"; else echo "== the root is $bare"; fi
}
trap cleanUp EXIT

# makeBare FOLDER: Debian 12's smallest system there.
makeBare() {
  [ ! -f "$1/debootstrap.log" ] || return 0
  mkdir -p "$(dirname "$1")"
  debootstrap --variant=minbase bookworm "$1" "$mirror" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; exit 1; }
  mv "$1.log" "$1/debootstrap.log"
}

echo "== making a bare Debian 12 in $bare"
if [ -n "$store" ]; then
  # A store whose making was interrupted is made anew.
  [ -f "$store/debian/debootstrap.log" ] || rm -rf --one-file-system "$store/debian"
  makeBare "$store/debian"
  mkdir -p "$bare" "$store/packages/partial"
  if [ ! -f "$bare/debootstrap.log" ]; then cp -a "$store/debian/." "$bare/"; fi
  bind "$store/packages" var/cache/apt/archives
else
  makeBare "$bare"
fi
cp -L /etc/resolv.conf "$bare/etc/resolv.conf"
# Whatever proxy this machine's apt is told to use is the way to the mirror from inside, too.
apt-config dump 2>/dev/null | grep -E '^Acquire::https?::Proxy' >"$bare/etc/apt/apt.conf.d/99proxy" || true
bind /proc proc
bind /dev dev
bind /sys sys
if [ -n "$ccache" ]; then bind "$ccache" ccache; fi
if [ -n "${SINTER_TESTDATA:-}" ]; then bind "$SINTER_TESTDATA" testdata; fi

rm -rf "$bare/root/sinter"
git clone -q --no-hardlinks "$repository" "$bare/root/sinter"

inside() {
  env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    ${ccache:+CCACHE_DIR=/ccache} ${SINTER_TESTDATA:+SINTER_TESTDATA=/testdata} \
    chroot "$bare" /bin/bash -c "cd /root/sinter && $1" </dev/null
}
echo "== scripts/demo.sh"
inside scripts/demo.sh
echo "== scripts/test.sh"
inside scripts/test.sh | tee "$bare/test.log"
echo "== scripts/demo.sh again: must neither install nor build"
inside scripts/demo.sh | tee "$bare/second.log"
if grep -qE '^== (installing|configuring|building)' "$bare/second.log"; then
  echo "check-bare.sh: the second run installed or built something" >&2
  exit 1
fi
echo "== bare Debian 12: everything passed"
tail -n 1 "$bare/test.log"
