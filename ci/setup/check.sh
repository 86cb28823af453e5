#!/usr/bin/env bash
# Checks what `make setup` needs and says how much it will fetch.
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=0
need() { command -v "$1" >/dev/null || { echo "missing: $1. Install $2." >&2; missing=1; }; }
need go "Go 1.26 or newer (https://go.dev/dl)"
need git "git"
need python3 "Python 3.11 or newer with pip"
[ "$missing" = 0 ] || exit 1
python3 - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit("missing: Python 3.11 or newer; python3 is " + sys.version.split()[0] + ".")
try:
    import pip
except ImportError:
    sys.exit("missing: pip. Install Python's pip (Debian: apt-get install python3-pip).")
PY
version=$(go env GOVERSION | sed -E 's/^go([0-9]+)\.([0-9]+).*/\1 \2/')
read -r major minor <<<"$version"
if ((major < 1 || (major == 1 && minor < 26))); then
  echo "missing: Go 1.26 or newer; go is $(go env GOVERSION)." >&2
  exit 1
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/understudy"
[ -x .cache/python/bin/python ] || echo "setup: the Python environment is not there yet: about 0.5 GB (CPU index) to 3 GB (PyPI) to fetch."
[ -f "$cache/models/SmolLM2-135M-Instruct.Q4_1.gguf" ] || echo "setup: the base SLM (94 MB) and the sentence model (83 MB) will be fetched into $cache."
[ -x bin/understudy ] || echo "setup: Go modules (about 300 MB) are fetched and built; the first build takes minutes."
