#!/usr/bin/env bash
# Runs the end-to-end tests in the cluster that KUBECONFIG names; without one, in a cluster of
# their own (ci/cluster), which ends with them. Arguments go to the test binary (-test.run X).
#
# A cluster of yours needs the images (make images) loaded, a PersistentVolume of class slm-models
# with the base models' files, and this machine must reach its service and pod addresses.
set -euo pipefail
cd "$(dirname "$0")/../.."

(cd ci && go test -c -o ../.cache/e2e.test ./e2e)
(cd backend && go test -c -o ../.cache/release.test ./internal/release)
run() { (cd ci/e2e && "$@" -test.v -test.timeout "${E2E_TIMEOUT:-120m}"); }

if [ -n "${KUBECONFIG:-}" ]; then
  run "$PWD/.cache/e2e.test" "$@"
  exit
fi
ci/images/build.sh --archives
# The pod of the releases' conformance test; nothing else is in its image, no C library either.
(cd backend && CGO_ENABLED=0 go build -ldflags '-s -w' -o ../.cache/fakepod ./internal/localnode/fakepod/program)
export FAKEPOD_IMAGE=understudy.dev/fakepod:local
ci/cluster/image.sh .cache/fakepod "$FAKEPOD_IMAGE" .cache/images/fakepod.tar
trap 'ci/cluster/down.sh >/dev/null' EXIT
ci/cluster/up.sh
ci/cluster/load.sh .cache/images/*.tar
run "$PWD/ci/cluster/exec.sh" "$PWD/.cache/e2e.test" "$@"
