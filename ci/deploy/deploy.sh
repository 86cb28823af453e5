#!/usr/bin/env bash
# Installs the platform, or brings it up to date, in the cluster of the current kubectl context, and
# forwards its ports to this machine. `make undeploy` takes all of it away.
#
#   VALUES=file.yaml   your values for charts/understudy
#   FORWARD=off        no port forwarding
set -euo pipefail
cd "$(dirname "$0")/../.."
source ci/deploy/forwards.sh

for tool in kubectl helm; do
  command -v "$tool" >/dev/null || { echo "missing: $tool. Install it, then run this again." >&2; exit 1; }
done
context=$(kubectl config current-context 2>/dev/null) || { echo "missing: a kubectl context. Start a cluster (Docker Desktop, kind, k3d), then run this again." >&2; exit 1; }
echo "deploy: into $context, namespace understudy"

# Such clusters do not see the images that lie on this machine.
images=(understudy-{backend,frontend,evaluation,training,slm-inference}:latest)
case $context in
kind-*) kind load docker-image --name "${context#kind-}" "${images[@]}" ;;
k3d-*) k3d image import -c "${context#k3d-}" "${images[@]}" ;;
understudy)
  if [ "${KUBECONFIG:-}" -ef .cache/cluster/kubeconfig ]; then # that of `make cluster-up`
    ! docker info >/dev/null 2>&1 || ci/images/build.sh --archives
    ci/cluster/load.sh .cache/images/*.tar
  fi
  ;;
esac

if ! kubectl get namespace understudy >/dev/null 2>&1; then
  kubectl create namespace understudy >/dev/null
  kubectl label namespace understudy understudy.dev/made-by=deploy pod-security.kubernetes.io/enforce=restricted >/dev/null
fi
helm upgrade --install understudy charts/understudy -n understudy ${VALUES:+-f "$VALUES"} --wait --timeout 10m
[ "${FORWARD:-on}" = off ] || forward
