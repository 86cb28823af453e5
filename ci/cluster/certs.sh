#!/usr/bin/env bash
# certs.sh FOLDER ADDRESS NODE
#
# Makes what the parts of the cluster trust each other by: two authorities (one
# for the cluster, one for the API server's aggregation layer), a certificate
# for each part, and the kubeconfigs that hold them.
set -euo pipefail
cd "$1"
address=$2 node=$3
umask 077
key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

authority() { openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null; }

# certificate AUTHORITY FILE SUBJECT [NAMES]
certificate() {
  openssl req -x509 -CA "$1.crt" -CAkey "$1.key" "${key[@]}" -days 3650 -subj "$3" -keyout "$2.key" -out "$2.crt" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=clientAuth,serverAuth" ${4:+-addext "subjectAltName=$4"} 2>/dev/null
}

# kubeconfig FILE SUBJECT
kubeconfig() {
  certificate ca "$1" "$2"
  cat >"$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: understudy
clusters:
  - name: understudy
    cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}
users:
  - name: $1
    user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}
contexts:
  - name: understudy
    context: {cluster: understudy, user: $1}
YAML
}

authority ca
authority front-proxy-ca
certificate ca apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$address,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
certificate ca apiserver-kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
certificate front-proxy-ca front-proxy-client /CN=front-proxy-client
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out service-account.key 2>/dev/null
openssl pkey -in service-account.key -pubout -out service-account.pub
kubeconfig admin /O=system:masters/CN=admin
kubeconfig kube-controller-manager /CN=system:kube-controller-manager
kubeconfig kube-scheduler /CN=system:kube-scheduler
kubeconfig kube-proxy /CN=system:kube-proxy
kubeconfig kubelet "/O=system:nodes/CN=system:node:$node"
