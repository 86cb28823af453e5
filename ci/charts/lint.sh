#!/usr/bin/env bash
# Lints every chart with every one of its ci/*-values.yaml, by ct (and helm),
# which are built once into .cache/tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
pins=ci/charts/tools
tools=$PWD/.cache/tools/charts-$(sha256sum $pins/go.sum | cut -c1-12)
if [ ! -d "$tools" ]; then
  echo "building ct and helm, once (some minutes)" >&2
  mkdir -p .cache/tools
  new=$(mktemp -d .cache/tools/new.XXXXXX)
  trap 'rm -rf "$new"' EXIT
  out=$PWD/$new
  (cd $pins && GOWORK=off go build -trimpath -ldflags '-s -w' -o "$out/" github.com/helm/chart-testing/v3/ct helm.sh/helm/v3/cmd/helm)
  chmod 755 "$new"
  mv -T "$new" "$tools" 2>/dev/null || [ -d "$tools" ] # another build may have been first
fi
yaml=false
command -v yamllint >/dev/null && yaml=true
PATH=$tools:$PATH ct lint --config ci/charts/ct.yaml --validate-yaml=$yaml
