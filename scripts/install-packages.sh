#!/bin/sh
# Installs Debian packages that are missing, after saying which: install-packages.sh [PACKAGE...]; without words, those that
# the tests use.
set -eu
missing=''
[ $# -gt 0 ] || set -- crun runc conmon catatonit nftables iproute2 conntrack systemd busybox-static skopeo docker-registry curl unzip
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "Installing with apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 -- a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
