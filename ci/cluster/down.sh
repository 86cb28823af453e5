#!/usr/bin/env bash
# Ends the cluster that up.sh started and removes all that it made: processes,
# containers, mounts, network, control groups, state. Programs and images in the
# user's cache directory stay.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
if [ ! -e "$state" ]; then
  say "there is none"
  exit 0
fi
[ "$(id -u)" = 0 ] || die "needs root: run it with sudo"
if [ "${1:-}" != --locked ]; then
  exec 8>"$root/.cache/cluster.lock"
  flock 8
fi

# gone waits until none of the processes lives, SECONDS at most.
gone() {
  local deadline=$((SECONDS + $1))
  shift
  while kill -0 "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
end() {
  [ $# != 0 ] || return 0
  kill -TERM "$@" 2>/dev/null || true
  gone 10 "$@" || { kill -KILL "$@" 2>/dev/null || true; gone 10 "$@"; }
}

if pid=$(node_pid); then end "$pid"; fi
if [ -e "/run/netns/$netns" ]; then
  # Commands that exec.sh runs still, a port-forward for example.
  mapfile -t left < <(ip netns pids "$netns")
  end "${left[@]}"
  ip netns delete "$netns"
fi
if [ -f "$state/made-run-netns" ] && [ -z "$(ls -A /run/netns)" ]; then
  umount /run/netns
  rmdir /run/netns
fi
for group in $(cgroups); do
  [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \;
done
if [ -f "$state/sysctl" ]; then
  while read -r name value; do echo "$value" >"/proc/sys/$name"; done <"$state/sysctl"
fi
rm -rf --one-file-system "$state"
say "ended; nothing of it is left"
