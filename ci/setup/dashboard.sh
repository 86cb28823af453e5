#!/usr/bin/env bash
# Builds the dashboard into frontend/cmd/frontend/dashboard, where the frontend program embeds it.
#
#   dashboard.sh          builds it where Node.js 20 and npm are there; says so where they are not
#   dashboard.sh --test   the same, with what linting and testing need; fails where it cannot
#
# What npm has in its cache is not fetched again; where there is no network this fails at once.
#
# Does nothing when its sources have not changed. Without it the program serves the small status page.
set -euo pipefail
cd "$(dirname "$0")/../.."
to=frontend/cmd/frontend/dashboard
wanted=${1:-}
without() {
  [ "$wanted" != --test ] || { echo "dashboard: $1" >&2; exit 1; }
  echo "dashboard: $1 Everything else works; the program shows the small status page until \`make dashboard\` was run."
  exit 0
}

command -v npm >/dev/null && command -v node >/dev/null || without "Node.js 20 or newer with npm is not here."
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 9) ? 0 : 1)' ||
  without "Node.js is $(node --version); 20.9 or newer is needed."

digest() { cat "$@" | python3 -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }
# shellcheck disable=SC2046
sources=$(digest $(git ls-files -co --exclude-standard frontend | grep -vE '^frontend/(cmd|tests)/|go\.(mod|sum)$|Dockerfile$' | sort) ci/setup/dashboard.sh)
packages=$(digest frontend/package.json frontend/package-lock.json)
mkdir -p .cache
if command -v flock >/dev/null; then
  exec 9>.cache/dashboard.lock
  flock 9
fi

have() { [ -d frontend/node_modules ] && grep -qsx "$packages${1:+ $1}" frontend/node_modules/.understudy; }
install() {
  local flags=()
  [ -n "$1" ] || flags=(--omit=dev)
  (cd frontend && npm ci --ignore-scripts --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=1000 --loglevel=error ${flags[@]+"${flags[@]}"}) || return 1
  echo "$packages${1:+ $1}" >frontend/node_modules/.understudy
}
if [ "$wanted" = --test ]; then
  have test || install test || without "its packages could not be installed."
fi
[ "$(cat .cache/dashboard.stamp 2>/dev/null)" != "$sources" ] || [ ! -f "$to/index.html" ] || exit 0
have || have test || {
  echo "dashboard: installing its packages and building it"
  install "" || without "its packages could not be installed."
}
rm -f .cache/dashboard.stamp
log=.cache/dashboard.log
(cd frontend && NEXT_TELEMETRY_DISABLED=1 npm run --silent build) >"$log" 2>&1 || {
  cat "$log" >&2
  without "it could not be built."
}
echo "$sources" >.cache/dashboard.stamp
tail -n 1 "$log"
