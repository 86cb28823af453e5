#!/usr/bin/env bash
# The node: process 1 of a process and a mount namespace of its own, inside the
# cluster's network namespace. up.sh starts it.
#
# Its own /run, /var/lib and /var/log lie over the machine's, so that every part
# of Kubernetes keeps its usual paths and leaves nothing behind: when this
# process ends, the kernel ends all that runs in here and undoes every mount.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# /proc still is the machine's here: by this pid down.sh finds us.
read -r -a stat </proc/self/stat
echo "${stat[0]} ${stat[21]}" >"$state/node.pid"

# The names that ours are hidden under are resolved first.
cd "$state"
mount --make-rshared /
mount -t proc proc /proc
mkdir -p lib log
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/cluster
mount --bind config /run/cluster
mount --bind lib /var/lib
mount --bind log /var/log
mount --bind config/resolv.conf "$(readlink -f /etc/resolv.conf)" || true
export PATH=$state/sbin:$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/var/lib
unset KUBECONFIG

own=/run/cluster
etcd() {
  exec etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
}
containerd() { exec containerd --config "$own/containerd.toml" --log-level warn; }
kube-apiserver() {
  exec kube-apiserver --etcd-servers http://127.0.0.1:2379 \
    --advertise-address "$address" --secure-port 6443 --service-cluster-ip-range 10.96.0.0/16 \
    --cert-dir "$own" --tls-cert-file "$own/apiserver.crt" --tls-private-key-file "$own/apiserver.key" \
    --client-ca-file "$own/ca.crt" --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
    --kubelet-client-certificate "$own/apiserver-kubelet-client.crt" --kubelet-client-key "$own/apiserver-kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$own/service-account.pub" --service-account-signing-key-file "$own/service-account.key" \
    --requestheader-client-ca-file "$own/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
    --requestheader-extra-headers-prefix X-Remote-Extra- --requestheader-group-headers X-Remote-Group --requestheader-username-headers X-Remote-User \
    --proxy-client-cert-file "$own/front-proxy-client.crt" --proxy-client-key-file "$own/front-proxy-client.key" --enable-aggregator-routing
}
kube-controller-manager() {
  exec kube-controller-manager --kubeconfig "$own/kube-controller-manager.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --service-account-private-key-file "$own/service-account.key" --root-ca-file "$own/ca.crt" \
    --cluster-signing-cert-file "$own/ca.crt" --cluster-signing-key-file "$own/ca.key" --cluster-name understudy --bind-address 127.0.0.1 \
    --flex-volume-plugin-dir /var/lib/kubelet/volumeplugins
}
kube-scheduler() { exec kube-scheduler --kubeconfig "$own/kube-scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1; }
kubelet() {
  exec kubelet --config "$own/kubelet.yaml" --kubeconfig "$own/kubelet.kubeconfig" --cert-dir /var/lib/kubelet/pki \
    --hostname-override "$node" --node-ip "$address"
}
kube-proxy() { exec kube-proxy --config "$own/kube-proxy.yaml"; }
volumes() { KUBECONFIG=$own/admin.kubeconfig exec "$cluster/volumes.sh" recycle; }

# start runs a part beside us; parts holds which pid is which.
declare -A parts
start() {
  "$1" >>"logs/$1.log" 2>&1 </dev/null &
  parts[$!]=$1
}

stop() {
  trap '' TERM INT
  kill -TERM "${!parts[@]}" 2>/dev/null || true
  for _ in {1..20}; do
    kill -0 "${!parts[@]}" 2>/dev/null || break
    sleep 0.1
  done
  exit 0
}
trap stop TERM INT

for part in etcd containerd kube-apiserver; do start "$part"; done
until kubectl --kubeconfig "$own/admin.kubeconfig" get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
for part in kube-controller-manager kube-scheduler kubelet kube-proxy volumes; do start "$part"; done

# What ends is started again, as an init system would.
while true; do
  code=0
  wait -n -p ended "${!parts[@]}" || code=$?
  [ -n "${ended:-}" ] || continue
  part=${parts[$ended]}
  unset "parts[$ended]"
  echo "$(date -u +%FT%TZ) $part ended with $code; starting it again"
  sleep 1
  start "$part"
done
