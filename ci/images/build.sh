#!/usr/bin/env bash
# build.sh [--archives] [NAME...]
#
# Builds the images backend, frontend, evaluation, training and slm-inference
# (or those named) as understudy-NAME:latest. With a Docker daemon they go there;
# without one buildah builds them. Then, and with --archives, each also lies as
# .cache/images/NAME.tar, beside postgres.tar and redis.tar, for a cluster that
# reaches no registry (ci/cluster/load.sh). What has not changed is not built.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
out=$root/.cache/images
archives=no
if [ "${1:-}" = --archives ]; then
  archives=yes
  shift
fi
all=(backend frontend evaluation training slm-inference)
names=("$@")
[ $# != 0 ] || names=("${all[@]}")
mkdir -p "$out/context"
say() { echo "images: $*"; }

if docker info >/dev/null 2>&1; then
  source ci/images/docker.sh
else
  archives=yes
  source ci/images/buildah.sh
fi
source ci/images/stage.sh

# changed says whether image NAME, made from FOLDER and DOCKERFILE, is not the one that was built last.
changed() {
  hash=$({ (cd "$2" && find . -type f -print0 | sort -z | xargs -0 sha256sum) && cat "$3" && base_id "$3"; } | sha256sum)
  [ "$(cat "$out/$1.sha256" 2>/dev/null)" != "$hash" ] || ! exists "understudy-$1" || { [ "$archives" = yes ] && [ ! -f "$out/$1.tar" ]; }
}

prepare
for name in "${names[@]}"; do
  began=$SECONDS
  context=$out/context/$name
  dockerfile=$(dockerfile "$name")
  rm -rf "$context"
  mkdir -p "$context"
  "stage_$name" "$context"
  chmod -R a+rX "$context"
  if ! changed "$name" "$context" "$dockerfile"; then
    say "understudy-$name: unchanged"
    continue
  fi
  rm -f "$out/$name.sha256"
  build "understudy-$name" "$context" "$dockerfile"
  [ "$archives" = no ] || save "understudy-$name:latest" "$out/$name.tar"
  echo "$hash" >"$out/$name.sha256"
  say "understudy-$name: built in $((SECONDS - began)) s"
done
if [ "$archives" = yes ]; then
  for name in postgres:17 redis:7; do
    [ -f "$out/${name%:*}.tar" ] || dependency "$name" "$out/${name%:*}.tar"
  done
fi
