#!/usr/bin/env bash
# exec.sh COMMAND...
#
# Runs a command in the cluster's network, as the user who calls, with KUBECONFIG
# set and kubectl, helm and ctr on PATH. Service and pod addresses can be reached
# from there; names of Services cannot, and nothing outside the machine can.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
[ $# != 0 ] || die "say what to run, for example: ci/cluster/exec.sh kubectl get nodes"
pid=$(node_pid) || die "no cluster runs; start it with make cluster-up"
export KUBECONFIG=$state/kubeconfig PATH=$bin:$PATH
export CONTAINERD_ADDRESS=/proc/$pid/root/run/containerd/containerd.sock CONTAINERD_NAMESPACE=k8s.io
if [ "$(id -u)" = 0 ]; then
  exec nsenter --net="/run/netns/$netns" -- "$@"
fi
exec sudo --preserve-env nsenter --net="/run/netns/$netns" -- \
  setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups -- env PATH="$PATH" HOME="$HOME" "$@"
