#!/usr/bin/env bash
# Opens the monitor in a terminal of tmux, presses its keys, and writes what is
# on the screen to FILE: a wide one, the question before the bypass, a narrow one.
#   ci/screens/monitor.sh FILE [flags of understudy monitor, e.g. --data-dir .understudy or --kube]
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1
shift
socket=understudy-screens-$$
scratch=$(mktemp -d)
tm() { tmux -L "$socket" -f /dev/null "$@"; }
trap 'tm kill-server 2>/dev/null || true; rm -rf "$scratch"' EXIT

# show prints the screen as it is.
show() { tm capture-pane -p -t monitor; }
# await WORDS waits until they are on the screen; the monitor looks every second.
await() {
  for _ in $(seq 100); do
    show | grep -qF -- "$1" && return
    sleep 0.2
  done
  echo "the screen never showed \"$1\":" >&2
  show >&2
  exit 1
}
# gone WORDS waits until they are not on the screen any more.
gone() {
  for _ in $(seq 100); do
    show | grep -qF -- "$1" || return 0
    sleep 0.2
  done
  echo "the screen went on showing \"$1\":" >&2
  show >&2
  exit 1
}
tm new-session -d -s monitor -x 150 -y 44 "$(printf '%q ' bin/understudy monitor "$@") 2>$scratch/errors; echo \$? >$scratch/code; sleep 1"
await "PODS ("
await "q quit"
{
  echo "\$ understudy monitor    (150 columns)"
  show
  tm send-keys -t monitor b
  await "y/n"
  echo
  echo "b"
  show | tail -n 1
  tm send-keys -t monitor n
  await "Nothing was changed."
  tm resize-window -t monitor -x 80 -y 40
  gone "│" # the line between two columns
  echo
  echo "\$ understudy monitor    (80 columns)"
  show
} >"$scratch/screens"
tm send-keys -t monitor q
for _ in $(seq 50); do
  [ -s "$scratch/code" ] && break
  sleep 0.1
done
[ "$(cat "$scratch/code")" = 0 ] || { cat "$scratch/errors" >&2; exit 1; }
mkdir -p "$(dirname "$out")"
# Trailing blanks are nobody's.
sed 's/[[:space:]]*$//' "$scratch/screens" >"$out"
