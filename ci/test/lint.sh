#!/usr/bin/env bash
# Lints the modules named, the Python code and the shell scripts.
set -euo pipefail
cd "$(dirname "$0")/../.."
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt: $unformatted" >&2; exit 1; }
for module in "$@"; do
  [ -n "$(cd "$module" && go list ./... 2>/dev/null)" ] || continue
  (cd "$module" && go vet ./...)
done
for script in $(git ls-files '*.sh' .ci/run); do bash -n "$script"; done
ci/setup/python.sh --test
.cache/python/bin/python -m ruff check trainer/agent trainer/bench inference/launcher evaluator ci
if command -v npm >/dev/null; then
  ci/setup/dashboard.sh --test
  (cd frontend && npm run --silent lint)
else
  echo "lint: npm is not here; the dashboard's sources are not looked at"
fi
echo "lint: clean"
