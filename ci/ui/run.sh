#!/usr/bin/env bash
# The dashboard in Chromium, on a real platform: see main.mjs in frontend/ui.
#
#   PICTURES=folder  where the screenshots go (.cache/ui)
set -euo pipefail
cd "$(dirname "$0")/../.."
ci/setup/dashboard.sh --test
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null
  CHROMIUM=$(command -v chromium)
fi
[ -n "$CHROMIUM" ] || { echo "ui: Chromium is not here. Install it, or name one in CHROMIUM." >&2; exit 1; }
export CHROMIUM PICTURES="${PICTURES:-$PWD/.cache/ui}"
(cd frontend && npm test --silent)
cd ci
go test -count=1 -timeout 15m -v ./ui
