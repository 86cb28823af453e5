#!/usr/bin/env bash
# image.sh PROGRAM NAME OUT.tar
#
# Makes an image of one static program: a tar as `docker save` writes it, with
# the program as entry point and nothing else.
set -euo pipefail
program=$1 name=$2 out=$3
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
cp "$program" "$work/root/"
stable=(--sort=name --owner=0 --group=0 --numeric-owner --mtime=@0)
tar "${stable[@]}" -C "$work/root" -cf "$work/layer.tar" "$(basename "$program")"
layer=$(sha256sum <"$work/layer.tar" | cut -d' ' -f1)
cat >"$work/config.json" <<JSON
{"architecture":"$(go env GOARCH)","os":"linux","config":{"User":"65532:65532","Entrypoint":["/$(basename "$program")"]},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
JSON
cat >"$work/manifest.json" <<JSON
[{"Config":"config.json","RepoTags":["$name"],"Layers":["layer.tar"]}]
JSON
tar "${stable[@]}" -C "$work" -cf "$work/image.tar" manifest.json config.json layer.tar
mv "$work/image.tar" "$out"
