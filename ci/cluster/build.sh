#!/usr/bin/env bash
# Builds the programs of a Kubernetes cluster from their Go modules into the
# user's cache directory, once: for machines where no cluster, no registry and
# no release downloads are at hand. A program that is there is left alone, and
# each appears whole or not at all: this may be interrupted and run again.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$cluster"

./packages.sh runc containernetworking-plugins iptables conntrack iproute2 openssl util-linux
mkdir -p "$bin" "$images"
exec 9>"$built/lock"
flock 9
work=$(mktemp -d "$built/work.XXXXXX")
find "$built" -maxdepth 1 -name 'work.*' ! -path "$work" -exec rm -rf {} + # of a build that was killed
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

export GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' CGO_ENABLED=0
module=$work/module

# begin starts an empty throw-away module that requires MODULE@VERSION...
begin() {
  rm -rf "$module"
  mkdir -p "$module"
  (cd "$module" && go mod init understudy.dev/cluster 2>/dev/null)
  for requirement in "$@"; do (cd "$module" && go mod edit -require="$requirement"); done
}

# programs builds the packages PATH... in the module; each is named as its folder.
programs() {
  local ldflags=$1 tags=$2
  shift 2
  mkdir -p "$work/out"
  (cd "$module" && go build -ldflags "-s -w $ldflags" -tags "$tags" -o "$work/out/" "$@")
  mv "$work"/out/* "$bin/"
}

# go runs the go command without its news of downloads.
go() { command go "$@" 2> >(grep -Ev '^go: (downloading|finding|found|added|upgraded) ' >&2 || true); }

there() { for program in "$@"; do [ -x "$bin/$program" ] || return 1; done; }

# step says what is built, builds it by the function of that name, and how long it took.
step() {
  local began=$SECONDS
  say "building $1"
  "$2"
  say "built $1 in $((SECONDS - began)) s"
}

kubernetes() {
  begin "k8s.io/kubernetes@$kubernetes" "sigs.k8s.io/metrics-server@$metrics_server"
  # Kubernetes's own go.mod points at folders of its repository for the modules published as v0.x.
  local gomod staged=v0.${kubernetes#v1.}
  gomod=$(cd "$module" && go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -nE 's/.*"GoMod": "(.*)".*/\1/p')
  sed -nE 's|^\s+(k8s\.io/\S+) => \./staging/.*|\1|p' "$gomod" | while read -r name; do echo "-replace=$name=$name@$staged"; done |
    (cd "$module" && xargs go mod edit)
  local version="-X k8s.io/component-base/version"
  programs "$version.gitVersion=$kubernetes $version.gitMajor=1 $version.gitMinor=$(cut -d. -f2 <<<"$kubernetes") $version.gitTreeState=clean" "" \
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl} sigs.k8s.io/metrics-server/cmd/metrics-server
}

containerd() {
  begin "github.com/containerd/containerd/v2@$containerd"
  programs "-X github.com/containerd/containerd/v2/version.Version=$containerd" no_btrfs,no_devmapper,no_zfs \
    github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}
}

etcd() {
  begin "go.etcd.io/etcd/server/v3@$etcd"
  mkdir -p "$work/out"
  (cd "$module" && go build -ldflags '-s -w' -o "$work/out/etcd" go.etcd.io/etcd/server/v3)
  mv "$work/out/etcd" "$bin/"
}

# CoreDNS with the plugins that its configuration here names, and no others.
coredns() {
  begin "github.com/coredns/coredns@$coredns"
  cp config/coredns.go.txt "$module/main.go"
  mkdir -p "$work/out"
  (cd "$module" && go build -ldflags '-s -w' -o "$work/out/coredns" .)
  mv "$work/out/coredns" "$bin/"
}

# helm with the versions of the backend, whose packages are compiled already.
helm() {
  cp ../../backend/go.mod "$work/go.mod"
  cp ../../backend/go.sum "$work/go.sum"
  mkdir -p "$work/out"
  (cd ../../backend && go build -modfile="$work/go.mod" -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$helm" -o "$work/out/helm" helm.sh/helm/v3/cmd/helm)
  mv "$work/out/helm" "$bin/"
}

pause() { (GOFLAGS= && go build -ldflags '-s -w' -o "$work/pause" pause/main.go) && mv "$work/pause" "$bin/"; }

wanted=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl metrics-server containerd containerd-shim-runc-v2 ctr etcd coredns helm pause)
if ! there "${wanted[@]}"; then
  say "building Kubernetes $kubernetes and what it needs into $bin: about 12 minutes on two cores, once; interrupt it as you like"
fi
there kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl metrics-server || step "Kubernetes and metrics-server" kubernetes
there containerd containerd-shim-runc-v2 ctr || step containerd containerd
there etcd || step etcd etcd
there coredns || step CoreDNS coredns
there helm || step helm helm
there pause || step pause pause
for image in pause coredns metrics-server; do
  [ -f "$images/$image.tar" ] || ./image.sh "$bin/$image" "understudy.dev/$image:local" "$images/$image.tar"
done
