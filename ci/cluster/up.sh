#!/usr/bin/env bash
# Starts a real Kubernetes of one node in a network namespace of this machine,
# with CoreDNS, metrics-server and prepared volumes. Nothing in it can be reached
# from outside the namespace, nor reach anything outside: use exec.sh. down.sh
# removes all of it. Needs root, for namespaces and mounts.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
began=$SECONDS
[ "$(uname -s)" = Linux ] || die "this works on Linux only; use a cluster of your own (kind, k3d, Docker Desktop) and set KUBECONFIG"
[ "$(id -u)" = 0 ] || die "needs root for namespaces and mounts: run it with sudo, or use a cluster of your own and set KUBECONFIG"

mkdir -p "$root/.cache"
exec 8>"$root/.cache/cluster.lock"
flock 8

kubectl() { in_netns env KUBECONFIG="$state/kubeconfig" "$bin/kubectl" "$@"; }

# answers gives a busy cluster half a minute.
answers() {
  for _ in {1..30}; do
    ! kubectl --request-timeout=5s get --raw /readyz >/dev/null 2>&1 || return 0
    sleep 1
  done
  return 1
}
if [ -f "$state/ready" ] && node_pid >/dev/null && answers; then
  say "runs already; KUBECONFIG is $state/kubeconfig, ci/cluster/exec.sh runs commands in its network"
  exit 0
fi
[ ! -e "$state" ] || "$cluster/down.sh" --locked
if [ -e "/run/netns/$netns" ]; then
  # One in which nothing runs is what a machine left that was cut off.
  [ -z "$(ip netns pids "$netns")" ] || die "the network namespace $netns is in use: another checkout runs a cluster. End that first (ci/cluster/down.sh there)"
  ip netns delete "$netns"
fi
"$cluster/build.sh" 8>&-
"$bin/kubectl" version --client >/dev/null # reads it into memory, and tells at once of a program that does not run

mkdir -p "$state"/{config,logs,sbin}
cp "$cluster"/config/* "$state/config/"
echo "nameserver $dns" >"$state/config/resolv.conf"
"$cluster/certs.sh" "$state/config" "$address" "$node"
install -m 0600 ${SUDO_UID:+-o "$SUDO_UID"} "$state/config/admin.kubeconfig" "$state/kubeconfig"

# Network: an interface that leads nowhere carries the node's address and the default route.
[ -e /run/netns ] || touch "$state/made-run-netns"
ip netns add "$netns"
in_netns ip link set lo up
in_netns ip link add eth0 type bridge
in_netns ip address add "$address/24" dev eth0
in_netns ip link set eth0 up
in_netns ip route add default dev eth0
in_netns sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'

# iptables speaks to the kernel in one of two ways, and not every kernel has both.
works() { in_netns "iptables-$1" -w -t nat -A POSTROUTING -m comment --comment probe -m statistic --mode random --probability 0.5 -j MASQUERADE --random-fully; }
if works nft 2>/dev/null; then variant=nft; elif works legacy 2>/dev/null; then variant=legacy; else die "iptables works neither as nft nor as legacy: $(works nft 2>&1)"; fi
in_netns "iptables-$variant" -w -t nat -F
for family in iptables ip6tables; do
  for suffix in "" -save -restore; do ln -s "$(command -v "$family-$variant$suffix")" "$state/sbin/$family$suffix"; done
done

# Control groups of our own, with every processor and all memory; what the kubelet will set for the whole machine is noted.
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
  echo '+cpu +cpuset +memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
fi
for group in $(cgroups); do
  mkdir -p "$group"
  for file in cpuset.cpus cpuset.mems; do
    [ ! -f "${group%/*}/$file" ] || cat "${group%/*}/$file" >"$group/$file"
  done
done
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  echo "$name $(cat "/proc/sys/$name")"
done >"$state/sysctl"

nsenter --net="/run/netns/$netns" -- setsid unshare --mount --pid --fork --kill-child -- "$cluster/node.sh" \
  </dev/null >>"$state/logs/node.log" 2>&1 8>&- &

# await SECONDS WHAT LOG COMMAND...: until the command succeeds. At the deadline it says what is missing and shows the log's end.
await() {
  local deadline=$((SECONDS + $1)) what=$2 log=$state/logs/$3.log
  shift 3
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)) || ! node_lives; then
      echo "cluster: $what: not within the time; the end of $log:" >&2
      tail -n 20 "$log" "$state/logs/node.log" >&2
      echo "cluster: all logs are in $state/logs; make cluster-down removes what was started" >&2
      exit 1
    fi
    sleep 0.2
  done
}
node_lives() { [ ! -s "$state/node.pid" ] || node_pid >/dev/null; }
node_ready() { [ "$(kubectl get node "$node" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }
rolled_out() {
  kubectl -n kube-system rollout status "deployment/$1" --timeout=2s && return
  kubectl -n kube-system logs "deployment/$1" --tail=20 >"$state/logs/$1.log" 2>&1
  return 1
}
measured() { kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes | grep -q '"cpu"'; }
containerd_answers() { "$cluster/exec.sh" ctr version; }

await 20 "the node's process" node test -s "$state/node.pid"
await 60 "the API server" kube-apiserver kubectl get --raw /readyz
await 20 "the first namespaces" kube-apiserver kubectl get namespace kube-system default
await 20 "containerd" containerd containerd_answers
"$cluster/load.sh" "$images"/*.tar
kubectl apply -f "$cluster/manifests" >/dev/null
"$cluster/volumes.sh" make | kubectl apply -f - >/dev/null
await 60 "the node Ready" kubelet node_ready
await 60 "CoreDNS" coredns rolled_out coredns
await 60 "metrics-server" metrics-server rolled_out metrics-server
await 60 "metrics of the node" metrics-server measured
touch "$state/ready"
say "Kubernetes $kubernetes is ready after $((SECONDS - began)) s; KUBECONFIG is $state/kubeconfig, ci/cluster/exec.sh runs commands in its network"
