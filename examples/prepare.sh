#!/bin/sh
# Builds the images of the examples on a running cluster: prepare.sh [--name CLUSTER]. Their base is Debian's busybox-static.
set -eu
cd "$(dirname "$0")"
[ -x /bin/busybox ] || { echo "Install busybox-static first: apt-get install busybox-static" >&2; exit 1; }
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp busybox/Dockerfile /bin/busybox "$context"
../sampan "$@" build -t busybox "$context"
../sampan "$@" build -t web:1 web
../sampan "$@" build -t web:2 --build-arg VERSION=2 web
../sampan "$@" build -t guestbook-backend:1 guestbook/backend
../sampan "$@" build -t guestbook-frontend:1 guestbook/frontend
