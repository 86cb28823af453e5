#!/usr/bin/env bash
# Tests the modules named, one after another.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
for module in "$@"; do
  packages=$(cd "$module" && go list ./... | { [ "$module" = ci ] && grep -Ev '/(play|kill|clients|ui|faults|docs)$' || cat; })
  [ -n "$packages" ] || continue
  # shellcheck disable=SC2086
  (cd "$module" && UNDERSTUDY_ROOT=$root go test -timeout 20m $packages)
done
