#!/bin/sh
# npm test: brings packages up to date, then checks types, lint and every test; the end-to-end ones need root.
set -eu
cd "$(dirname "$0")/.."

if [ ! -x node_modules/node/bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm install --no-save --no-audit --no-fund --no-update-notifier --loglevel=error
  touch node_modules/.package-lock.json
fi
PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH"
export PATH

tsc --noEmit -p tsconfig.json
biome check .
if [ "$(id -u)" = 0 ]; then
  sh scripts/install-packages.sh
else
  echo "Not root: tests with real containers, mounts and network namespaces are skipped, each with its reason."
fi
vitest run --reporter=default --reporter=./scripts/closing-line.ts
