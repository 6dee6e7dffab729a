#!/bin/sh
# Builds the images that the examples use: busybox (from Debian's busybox-static) and web:1, web:2.
#   sudo examples/prepare.sh [--name CLUSTER]
set -eu
cd "$(dirname "$0")"
[ -x /bin/busybox ] || { echo "Install busybox-static first: apt-get install busybox-static" >&2; exit 1; }
trap 'rm -f busybox/busybox' EXIT
cp /bin/busybox busybox/busybox
../sampan "$@" build -t busybox busybox
../sampan "$@" build -t web:1 --build-arg VERSION=1 web
../sampan "$@" build -t web:2 --build-arg VERSION=2 web
