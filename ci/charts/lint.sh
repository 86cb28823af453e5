#!/usr/bin/env bash
# Lints every chart with every one of its ci/*-values.yaml, by ct (and helm),
# which are built once into .cache/tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
pins=ci/charts/tools
# The Kubernetes that helm templates for where it has no cluster to ask; unset it says 1.20.
flags="-s -w"
for package in chartutil lint/rules; do
  flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=36"
done
tools=$PWD/.cache/tools/charts-$({ cat $pins/go.sum; echo "$flags"; } | sha256sum | cut -c1-12)
if [ ! -d "$tools" ]; then
  echo "building ct and helm, once (some minutes)" >&2
  mkdir -p .cache/tools
  new=$(mktemp -d .cache/tools/new.XXXXXX)
  trap 'rm -rf "$new"' EXIT
  out=$PWD/$new
  (cd $pins && GOWORK=off go build -trimpath -ldflags "$flags" -o "$out/" github.com/helm/chart-testing/v3/ct helm.sh/helm/v3/cmd/helm)
  chmod 755 "$new"
  mv -T "$new" "$tools" 2>/dev/null || [ -d "$tools" ] # another build may have been first
fi
yaml=false
command -v yamllint >/dev/null && yaml=true
PATH=$tools:$PATH ct lint --config ci/charts/ct.yaml --validate-yaml=$yaml
