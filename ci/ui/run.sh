#!/usr/bin/env bash
# The dashboard in Chromium, on a real platform: see main.mjs in frontend/ui.
#
#   PICTURES=folder  where the screenshots go (.cache/ui)
#   DOCS=folder      where those of the documentation go (docs/images); without it they are not taken
set -euo pipefail
cd "$(dirname "$0")/../.."
found() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }
CHROMIUM=${CHROMIUM:-$(found)}
if [ -z "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "ui: installing Chromium"
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >"$log" 2>&1 || tail -n 20 "$log" >&2
  rm -f "$log"
  CHROMIUM=$(found)
fi
if [ -z "$CHROMIUM" ]; then
  echo "ui: Chromium is not here, and the dashboard is not looked at. Install it, or name one in CHROMIUM." >&2
  [ "$(id -u)" != 0 ] || exit 1 # root could have installed it
  exit 0
fi
ci/setup/dashboard.sh --test
whole() { case $1 in "" | /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
PICTURES=$(whole "${PICTURES:-.cache/ui}")
DOCS=$(whole "${DOCS:-}")
export CHROMIUM PICTURES DOCS
(cd frontend && npm test --silent)
cd ci
go test -count=1 -timeout 15m -v ./ui
