#!/bin/sh
# Keeps one process running: supervise.sh PIDFILE LOGFILE ENDFILE COMMAND... 3>PIPE
# A crash is restarted after a second, doubling to 30 while it keeps failing at once. TERM ends the process and the loop.
# PIDFILE and PIDFILE.child hold the loop's and the process's line of /proc/PID/stat, which no later process shares;
# the pipe is closed once both are written.
# Whatever the user's own is: processes of containers go through directories that are made here.
umask 022
pidfile=$1 logfile=$2 endfile=$3
shift 3
scripts=$(dirname "$0")
read -r stat <"/proc/$$/stat" && echo "$stat" >"$pidfile"
delay=1
trap 'trap "" TERM INT; [ -n "$!" ] && kill -TERM "$!" 2>/dev/null; wait; rm -f "$pidfile" "$pidfile.child"; exit 0' TERM INT
while :; do
  sh "$scripts/rotate-log.sh" "$logfile"
  started=$(date +%s)
  "$@" >>"$logfile" 2>&1 </dev/null 3>&- &
  read -r stat <"/proc/$!/stat" && echo "$stat" >"$pidfile.child"
  exec 3>&-
  wait "$!"
  code=$?
  if [ $(($(date +%s) - started)) -gt 60 ]; then delay=1; fi
  echo "$code" >"$endfile"
  echo "{\"level\":\"warn\",\"msg\":\"process ended\",\"code\":$code,\"restartInSeconds\":$delay}" >>"$logfile"
  sleep "$delay" &
  wait "$!"
  delay=$((delay * 2 > 30 ? 30 : delay * 2))
done
