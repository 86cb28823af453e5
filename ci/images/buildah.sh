# Building without a daemon, with buildah; sourced by build.sh. Where no registry
# answers either, images made from Debian's packages stand in for the public ones.
ci/cluster/packages.sh buildah
registry=docker.io/library
storage=(--root "$out/storage" --runroot "$out/run" --storage-driver)
if buildah "${storage[@]}" overlay --storage-opt overlay.skip_mount_home=true info >/dev/null 2>&1; then
  storage+=(overlay --storage-opt overlay.skip_mount_home=true)
else
  storage+=(vfs)
fi

store() { buildah "${storage[@]}" "$@"; }
exists() { store inspect --type image "$registry/${1%:*}:${2:-latest}" >/dev/null 2>&1; }

# quietly shows what a command wrote only where it fails.
quietly() {
  "$@" >"$out/log" 2>&1 || {
    tail -n 30 "$out/log" >&2
    return 1
  }
}

build_as() { quietly store build --isolation chroot --layers --pull=never --tag "$registry/$1" --file "$3" "$2"; }
build() { build_as "$1:latest" "$2" "$3"; }
save() {
  rm -f "$2.part"
  quietly store push "$registry/$1" "docker-archive:$2.part:$registry/$1" && mv "$2.part" "$2"
}

pull() { timeout 90 buildah "${storage[@]}" pull --quiet "$registry/$1" >/dev/null 2>&1; }

# prepare makes sure that the image of the Dockerfiles' FROM is there.
prepare() {
  ! exists debian bookworm-slim || return 0
  ! pull debian:bookworm-slim || return 0
  say "no registry answers; a Debian made by mmdebstrap stands in for debian:bookworm-slim"
  standin_base
}

standin_base() {
  ci/cluster/packages.sh mmdebstrap
  local context=$out/context/debian sources=() apt
  rm -rf "$context"
  mkdir -p "$context"
  # The machine's own way to Debian's packages, where it has one.
  apt=$(apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy)
  if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release && [ -f /etc/apt/sources.list.d/debian.sources ]; then sources=(/etc/apt/sources.list.d/debian.sources); fi
  quietly mmdebstrap --variant=minbase --include=ca-certificates,usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt='APT::Install-Recommends "false"' ${apt:+--aptopt="$apt"} \
    --customize-hook='cp ci/images/standin/apt.conf "$1/etc/apt/apt.conf.d/99clean" && rm -f "$1"/var/cache/apt/*.bin' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    bookworm "$context/base.tar" "${sources[@]}"
  build_as debian:bookworm-slim "$context" ci/images/standin/base.Dockerfile
  rm -rf "$context"
}

base_id() { store images --quiet --no-trunc "$registry/debian:bookworm-slim"; }

# dependency NAME:TAG FILE: the public image, else its stand-in.
dependency() {
  local name=${1%:*}
  if pull "$1"; then
    save "$1" "$2"
    return
  fi
  say "no registry answers; Debian's packages stand in for $1"
  build_as "$1" ci/images/standin "ci/images/standin/$name.Dockerfile"
  save "$1" "$2"
}
