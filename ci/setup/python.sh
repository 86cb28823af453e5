#!/usr/bin/env bash
# Makes .cache/python, the one Python environment of this checkout, from trainer/agent/uv.lock.
#
#   python.sh          what training, serving and the export need
#   python.sh --test   the same, and what the tests need
#
# Does nothing when the lock has not changed. PyTorch comes from its own CPU index where that
# answers (200 MB), else from PyPI, whose Linux build carries CUDA (3 GB); the version is the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
env=.cache/python
stamp=$env/understudy.lock
groups=base
[ "${1:-}" != --test ] || groups=test
hash=$(cat trainer/agent/pyproject.toml trainer/agent/uv.lock ci/setup/python.sh | python3 -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
case "$(cat "$stamp" 2>/dev/null)" in
"$hash test"*) exit 0 ;;
"$hash $groups"*) exit 0 ;;
esac

mkdir -p .cache
if command -v flock >/dev/null; then
  exec 9>.cache/python.lock
  flock 9
fi
export UV_CACHE_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/understudy/uv"
export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE="${UV_LINK_MODE:-hardlink}"
uv=$(ci/setup/uv.sh)

usable() { [ -x "$env/bin/python" ] && "$env/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
if ! usable; then
  rm -rf "$env"
  "$uv" venv --quiet --python "$(command -v python3)" "$env"
fi
rm -f "$stamp"

wanted=.cache/requirements.txt
export_flags=(--project trainer/agent --frozen --no-default-groups --no-emit-project --no-header --quiet)
[ "$groups" = base ] || export_flags+=(--group test)
"$uv" export "${export_flags[@]}" >"$wanted"

install() { "$uv" pip install --quiet --python "$env" "$@"; }
# An entry is a line that begins with a name, and the hashes below it.
without_cuda() { awk '/^[a-z]/ { keep = $0 !~ /^(torch|triton|nvidia-|cuda-)/ } keep' "$wanted"; }

index="${UNDERSTUDY_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}"
version=$(sed -nE 's/^torch==([^ ]+).*/\1/p' "$wanted" | head -1)
answers() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3)' "$index/torch/" 2>/dev/null; }
torch=pypi
if [ "$(uname -s)" = Linux ] && answers; then
  echo "python: installing into $env, PyTorch $version from its CPU index"
  without_cuda >.cache/requirements-cpu.txt
  if install --no-deps --index-url "$index" "torch==$version+cpu" && install --no-deps -r .cache/requirements-cpu.txt; then
    torch=cpu
  else
    echo "python: the CPU index has no PyTorch $version for this machine; taking PyPI's"
  fi
fi
if [ "$torch" = pypi ]; then
  echo "python: installing into $env, PyTorch $version from PyPI (about 3 GB where it comes with CUDA)"
  install --no-deps -r "$wanted" || {
    echo "python: the packages could not be installed. Check the network and the space in $UV_CACHE_DIR and here, then run this again: it goes on where it was." >&2
    exit 1
  }
fi

site=$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$PWD/trainer/agent/src" >"$site/understudy_agent.pth"
# Compiles what the agent and the model server import, once, so that their first start is quick too.
env -u PYTHONDONTWRITEBYTECODE "$env/bin/python" - <<'PY'
import gguf, onnx, torch, xllamacpp
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.models.llama import modeling_llama
import understudy_agent.__main__, understudy_agent.convert, understudy_agent.llama, understudy_agent.train, understudy_agent.worker
PY
echo "$hash $groups $torch" >"$stamp"
