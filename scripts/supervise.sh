#!/bin/sh
# Keeps one process running: supervise.sh PIDFILE LOGFILE COMMAND...
# A crash is restarted after a second, doubling to 30 while it keeps failing at once. TERM ends the process and the loop.
pidfile=$1 logfile=$2
shift 2
echo $$ >"$pidfile"
child='' delay=1
trap 'trap "" TERM; [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; wait "$child"; rm -f "$pidfile"; exit 0' TERM INT
while :; do
  if [ -f "$logfile" ] && [ "$(wc -c <"$logfile")" -gt 52428800 ]; then mv -f "$logfile" "$logfile.1"; fi
  started=$(date +%s)
  "$@" >>"$logfile" 2>&1 </dev/null &
  child=$!
  echo "$child" >"$pidfile.child"
  wait "$child"
  code=$?
  if [ $(($(date +%s) - started)) -gt 60 ]; then delay=1; fi
  echo "{\"level\":\"warn\",\"msg\":\"process ended\",\"code\":$code,\"restartInSeconds\":$delay}" >>"$logfile"
  sleep "$delay" &
  child=$!
  wait "$child"
  delay=$((delay * 2 > 30 ? 30 : delay * 2))
done
