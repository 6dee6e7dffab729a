#!/bin/sh
# npm run bench: figures of the API over TLS and HTTP/1.1, with wrk as the client, on a cluster of its own (needs root and wrk).
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "The benchmark needs root" >&2; exit 1; }
command -v wrk >/dev/null || { echo "Install wrk first: apt-get install wrk" >&2; exit 1; }
name=bench
kubeconfig=$(mktemp)
trap './sampan --name $name --kubeconfig "$kubeconfig" reset >/dev/null; rm -f "$kubeconfig" "$kubeconfig.get"' EXIT
./sampan --name $name --kubeconfig "$kubeconfig" up
TOKEN=$(cat /var/lib/sampan/$name/pki/admin.token)
export TOKEN
url=https://127.0.0.1:$(sed -n 's/.*"apiPort": \([0-9]*\).*/\1/p' /var/lib/sampan/$name/cluster.json)
seconds=${SECONDS_EACH:-5}
figures() { grep -E 'Requests/sec|50%|99%|Non-2xx|Socket errors' | sed 's/^ */  /'; }
echo "Create pods, durable, 64 connections"
wrk -t2 -c64 -d"${seconds}s" --latency -s bench/api.lua "$url" | figures
echo "GET one pod, 32 connections"
wrk -t2 -c32 -d"${seconds}s" --latency -H "Authorization: Bearer $TOKEN" "$url/api/v1/namespaces/default/pods/bench-0-100" | figures
echo "LIST 10,000 pods, one connection, while 8 others GET (their figures come second)"
wrk -t1 -c8 -d"${seconds}s" --latency -H "Authorization: Bearer $TOKEN" "$url/api/v1/namespaces/default/pods/bench-0-100" >"$kubeconfig.get" &
getter=$!
wrk -t1 -c1 -d"${seconds}s" --latency -H "Authorization: Bearer $TOKEN" "$url/api/v1/namespaces/default/pods?limit=10000" | figures
wait "$getter"
figures <"$kubeconfig.get"
server=$(cat /run/sampan/$name/server.ready)
echo "Memory of the server: $(awk '/VmRSS/ { print int($2 / 1024) " MB" }' "/proc/$server/status") with $(curl -s --cacert /var/lib/sampan/$name/pki/ca.crt -H "Authorization: Bearer $TOKEN" "$url/api/v1/pods?limit=1" | grep -o '"remainingItemCount":[0-9]*' | cut -d: -f2) pods"
