#!/usr/bin/env bash
# Runs every command of README and docs, in a network of its own where that can be had: the
# documentation speaks of ports 8000 and 3000, and on this machine others may have them.
set -euo pipefail
cd "$(dirname "$0")/../.."
ci/setup/python.sh --test
(cd ci && go test -c -o ../.cache/docs.test ./docs)
cd ci/docs
# shellcheck disable=SC2016
if unshare --net true 2>/dev/null; then
  exec unshare --net sh -c 'ip link set lo up && exec "$0" "$@"' ../../.cache/docs.test -test.v -test.timeout 20m "$@"
fi
exec ../../.cache/docs.test -test.v -test.timeout 20m "$@"
