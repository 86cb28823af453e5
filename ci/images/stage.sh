# How each image's build context is filled; sourced by build.sh.
version=$(git describe --always --dirty 2>/dev/null || echo dev)

dockerfile() {
  case $1 in
  evaluation) echo evaluator/Dockerfile ;;
  training) echo trainer/Dockerfile ;;
  slm-inference) echo inference/Dockerfile ;;
  *) echo "$1/Dockerfile" ;;
  esac
}

# program MODULE COMMAND FILE builds a static program for Linux, from packages that `make build` has compiled on Linux.
program() {
  (cd "$1" && CGO_ENABLED=0 GOOS=linux go build -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$3" "./cmd/$2")
}

stage_backend() { program backend understudy "$1/understudy"; }
stage_frontend() {
  ci/setup/dashboard.sh # embedded by the program
  program frontend frontend "$1/understudy-frontend"
}
stage_training() { program trainer trainer "$1/understudy-trainer"; }

# The native program is taken where it was built, and where its C library is no newer than the image's.
stage_evaluation() {
  local model=${XDG_CACHE_HOME:-$HOME/.cache}/understudy/models/all-MiniLM-L6-v2
  [ -f "$model/model.onnx" ] || make --no-print-directory python
  mkdir -p "$1/bin" "$1/all-MiniLM-L6-v2"
  cp "$model"/{model.onnx,tokenizer.json,config.json} "$1/all-MiniLM-L6-v2/"
  if [ "$(uname -s)" = Linux ] && [ -x bin/understudy-evaluator-ort ] && evaluator/native/build.sh && runs_on_bookworm bin/understudy-evaluator-ort bin/libonnxruntime.so; then
    cp bin/understudy-evaluator-ort "$1/bin/understudy-evaluator"
    cp bin/libonnxruntime.so "$1/bin/"
  else
    program evaluator evaluator "$1/bin/understudy-evaluator"
  fi
}

runs_on_bookworm() {
  local newest
  newest=$(cat "$@" | grep -aoE 'GLIBC_2\.[0-9]+' | sort -Vu | tail -n 1)
  [ "$(printf '%s\n' "$newest" GLIBC_2.36 | sort -V | tail -n 1)" = GLIBC_2.36 ]
}

# The wheel for the image's Python 3.11, at the version and hash that the agent's lock names.
stage_slm-inference() {
  local uv platform
  uv=$(ci/setup/uv.sh)
  case $(go env GOARCH) in
  arm64) platform=aarch64-manylinux_2_28 ;;
  *) platform=x86_64-manylinux_2_28 ;;
  esac
  export UV_CACHE_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/understudy/uv" UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
  "$uv" export --project trainer/agent --frozen --no-default-groups --no-emit-project --no-header --quiet |
    awk '/^[a-z]/ { keep = /^xllamacpp==/ } keep' >"$out/requirements.txt"
  wheel() {
    "$uv" pip install "$@" --quiet --no-deps --require-hashes --only-binary :all: --python "$(command -v python3)" \
      --python-version 3.11 --python-platform "$platform" --target "$into" -r "$out/requirements.txt"
  }
  local into=$1/python
  wheel --offline 2>/dev/null || wheel # what was fetched once needs no network
  rm -f "$1/python/.lock"
  cp inference/launcher/launch.py "$1/"
  program inference inference "$1/understudy-inference"
}
