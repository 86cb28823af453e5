#!/usr/bin/env bash
# Prints the path of uv: the one on PATH, else one installed under .cache/uv-tool.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.13.9
command -v uv && exit 0
tool=$PWD/.cache/uv-tool
if ! [ "$(cat "$tool/version" 2>/dev/null)" = "$version" ]; then
  rm -rf "$tool"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --target "$tool" "uv==$version" >&2 || {
    echo "uv $version could not be installed from PyPI. Check the network, or install uv yourself (https://docs.astral.sh/uv)." >&2
    exit 1
  }
  echo "$version" >"$tool/version"
fi
echo "$tool/bin/uv"
