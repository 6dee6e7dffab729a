#!/bin/sh
# npm run bench: what an idle cluster costs, how fast pods start, and figures of the API over TLS, on a cluster of its own
# (needs root). Clients are wrk for HTTP/1.1 and h2load for HTTP/2, with one request at a time on each connection.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "The benchmark needs root" >&2; exit 1; }
sh scripts/install-packages.sh wrk nghttp2-client curl
echo "In one process, by processor time: apply, many watchers, memory, selections"
node_modules/node/bin/node --expose-gc bench/in-process.ts
name=bench
directory=$(mktemp -d)
kubeconfig=$directory/kubeconfig
trap './sampan --name $name --kubeconfig "$kubeconfig" reset >/dev/null; rm -rf "$directory"' EXIT
./sampan --name $name --kubeconfig "$kubeconfig" up
echo "Idle, one minute after up"
sleep 60
node_modules/node/bin/node bench/idle.ts $name
echo "Pods, image present: one at a time, and 30 at once"
# What measures the agent wakes it often, which an idle cluster does not.
./sampan --name $name --kubeconfig "$kubeconfig" down >/dev/null
SAMPAN_MEASURE=1 ./sampan --name $name --kubeconfig "$kubeconfig" up >/dev/null
examples/prepare.sh --name $name >/dev/null
for parallel in 1 30; do node_modules/node/bin/node bench/pods.ts $name 30 $parallel; done

TOKEN=$(cat /var/lib/sampan/$name/pki/admin.token)
export TOKEN
url=https://127.0.0.1:$(sed -n 's/.*"apiPort": \([0-9]*\).*/\1/p' /var/lib/sampan/$name/cluster.json)
pods=$url/api/v1/namespaces/default/pods
pod=$pods/bench-0-100
list=$pods?limit=10000
seconds=${SECONDS_EACH:-5}
http1() { # CONNECTIONS ARGUMENTS...: threads are no more than connections
  connections=$1
  shift
  wrk -t$((connections > 1 ? 2 : 1)) -c"$connections" -d"${seconds}s" --latency -H "Authorization: Bearer $TOKEN" "$@" |
    sed -n 's/^ *\(50%\|99%\|Requests\/sec:\|Non-2xx.*\|Socket errors.*\) */  HTTP\/1.1 \1 /p'
}
http2() { # CONNECTIONS ARGUMENTS...: the log has a line per request: start, status, microseconds
  log=$directory/h2load.$1
  h2load -c"$1" -m1 -D"$seconds" -H "Authorization: Bearer $TOKEN" --log-file="$log" "$2" ${3:+"$3" "$4" "$5"} >/dev/null
  sort -n -k3 "$log" | awk -v seconds="$seconds" '
    { took[NR] = $3; if ($2 < 200 || $2 > 299) wrong++ }
    END {
      printf "  HTTP/2 50%% %.2fms\n  HTTP/2 99%% %.2fms\n", took[int(NR * 0.5) + 1] / 1000, took[int(NR * 0.99) + 1] / 1000
      printf "  HTTP/2 Requests/sec: %.2f\n", NR / seconds
      if (wrong) printf "  HTTP/2 Non-2xx responses: %d\n", wrong
    }'
  rm -f "$log"
}

echo "Create pods, durable, 64 connections"
http1 64 -s bench/api.lua "$url"
http2 64 "$pods" -d bench/pod.json -Hcontent-type:application/json
echo "GET one pod, 32 connections"
http1 32 "$pod"
http2 32 "$pod"
echo "LIST 10,000 pods, one connection, while 8 others GET over HTTP/1.1 (their figures come second)"
for protocol in http1 http2; do
  http1 8 "$pod" >"$directory/get" &
  getter=$!
  $protocol 1 "$list"
  wait "$getter"
  sed 's/^ */    GET /' "$directory/get"
done
server=$(cat /run/sampan/$name/server.ready)
count=$(curl -s --cacert /var/lib/sampan/$name/pki/ca.crt -H "Authorization: Bearer $TOKEN" "$url/api/v1/pods?limit=1" | sed -n 's/.*"remainingItemCount":\([0-9]*\).*/\1/p')
echo "Memory of the server: $(awk '/VmRSS/ { print int($2 / 1024) " MB" }' "/proc/$server/status") with $count pods"
