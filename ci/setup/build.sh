#!/usr/bin/env bash
# Builds the programs named as bin/NAME; go itself knows what is up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(git describe --always --dirty 2>/dev/null || echo dev)
for binary in "$@"; do
  name=$(basename "$binary")
  module=${name#understudy-}
  package=./cmd/$module
  case $module in
    understudy) module=backend ;;
    fakerunpod) module=ci package=./fakerunpod/cmd/fakerunpod ;; # a simulation, for demonstrations and tests
  esac
  (cd "$module" && go build -ldflags "-s -w -X main.version=$version" -o "../$binary" "$package")
done
# kubectl finds its plugins by name on PATH.
if [ -e bin/understudy ]; then ln -sf understudy bin/kubectl-understudy; fi
