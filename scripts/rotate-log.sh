#!/bin/sh
# Moves a log of more than 50 MiB aside, over the one before: rotate-log.sh LOGFILE
if [ -f "$1" ] && [ "$(wc -c <"$1")" -gt 52428800 ]; then mv -f "$1" "$1.1"; fi
