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

# In a cluster of this machine the images are named by what is in them, so that pods and models are
# replaced when that has changed, and only then. Most such clusters have to be given the images.
names=(backend frontend evaluation training slm-inference)
tag='' images=()
name_images() {
  local name
  tag=$(cd .cache/images && cat "${names[@]/%/.sha256}" | sha256sum | cut -c 1-12) || { echo "missing: the images. Run \`make images\` first." >&2; exit 1; }
  for name in "${names[@]}"; do
    "$@" "understudy-$name:latest" "understudy-$name:$tag"
    images+=("understudy-$name:$tag")
  done
}
in_containerd() { ci/cluster/exec.sh ctr images tag --force "docker.io/library/$1" "docker.io/library/$2" >/dev/null; }
case $context in
kind-*)
  name_images docker tag
  kind load docker-image --name "${context#kind-}" "${images[@]}"
  ;;
k3d-*)
  name_images docker tag
  k3d image import -c "${context#k3d-}" "${images[@]}"
  ;;
docker-desktop | orbstack | rancher-desktop) name_images docker tag ;;
understudy)
  if [ "${KUBECONFIG:-}" -ef .cache/cluster/kubeconfig ]; then # that of `make cluster-up`
    ! docker info >/dev/null 2>&1 || ci/images/build.sh --archives
    ci/cluster/load.sh .cache/images/*.tar
    name_images in_containerd
  fi
  ;;
esac

if ! kubectl get namespace understudy >/dev/null 2>&1; then
  kubectl create namespace understudy >/dev/null
  kubectl label namespace understudy understudy.dev/made-by=deploy pod-security.kubernetes.io/enforce=restricted >/dev/null
fi
# The tag comes first: what your values say wins.
helm upgrade --install understudy charts/understudy -n understudy ${tag:+-f -} ${VALUES:+-f "$VALUES"} --wait --timeout 10m <<<"image: {tag: \"$tag\"}"
[ "${FORWARD:-on}" = off ] || forward
