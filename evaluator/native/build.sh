#!/bin/sh
# build.sh [test]
#
# Builds bin/understudy-evaluator-ort, or tests what goes into it: the evaluator on ONNX Runtime, about seven
# times as fast as the pure Go one. Needs gcc and cargo, and libonnxruntime.so:
# from ONNXRUNTIME_LIB, else from the wheel onnxruntime of PYTHON's environment
# (.cache/python). What is built once is kept in the user's cache directory.
set -eu
cd "$(dirname "$0")/.."
root=$(cd .. && pwd)
bin=${BIN:-$root/bin}
python=${PYTHON:-$root/.cache/python/bin/python}

need() {
	command -v "$1" >/dev/null || { echo "make native: $1 is missing; install $2" >&2; exit 1; }
}
need gcc "a C compiler (Debian and Ubuntu: apt install gcc libc6-dev)"
need cargo "Rust (https://rustup.rs, or: apt install cargo)"

module=github.com/daulet/tokenizers
go mod download "$module"
version=$(GOWORK=off go list -m -f '{{.Version}}' "$module")
source=$(GOWORK=off go list -m -f '{{.Dir}}' "$module")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/understudy/native/tokenizers-$version-$(uname -m)

if [ ! -f "$cache/libtokenizers.a" ]; then
	echo "make native: building the tokenizer (Rust, about a minute)"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT INT TERM
	mkdir -p "$work/crates" "$cache"
	cp -R "$source/crates/tokenizers" "$work/crates/"
	chmod -R u+w "$work"
	# The module's own workspace has a second member and a dependency from git
	# that we do not need: this one builds from the crate registry alone.
	printf '[workspace]\nresolver = "2"\nmembers = ["crates/tokenizers"]\n' >"$work/Cargo.toml"
	manifest=$work/crates/tokenizers/Cargo.toml
	sed -e 's|^tiktoken-rs = .*|tiktoken-rs = "0.7"|' -e '/^\[dev-dependencies\]/,$d' "$manifest" >"$manifest.new"
	mv "$manifest.new" "$manifest"
	cp native/Cargo.lock "$work/Cargo.lock"
	(cd "$work" && cargo build --quiet --release --locked -p tokenizers-ffi)
	cp "$work/target/release/libtokenizers_ffi.a" "$cache/libtokenizers.a.part"
	mv "$cache/libtokenizers.a.part" "$cache/libtokenizers.a"
fi

# in_wheel prints the library of the interpreter's wheel, if it has one.
in_wheel() {
	"$1" -c 'import glob, importlib.util as u, os
spec = u.find_spec("onnxruntime")
print(*sorted(glob.glob(os.path.join(spec.submodule_search_locations[0], "capi", "libonnxruntime.so*"))) if spec else [])' 2>/dev/null | cut -d" " -f1
}
library=${ONNXRUNTIME_LIB:-$(in_wheel "$python")}
if [ -z "$library" ] && [ -z "${PYTHON:-}" ]; then
	"$root/ci/setup/python.sh" --test
	library=$(in_wheel "$python")
fi
if [ ! -f "$library" ]; then
	echo "make native: there is no libonnxruntime.so (${library:-the wheel onnxruntime is not installed}); name the file in ONNXRUNTIME_LIB" >&2
	exit 1
fi
mkdir -p "$bin"
cmp -s "$library" "$bin/libonnxruntime.so" || { cp "$library" "$bin/libonnxruntime.so.part" && mv "$bin/libonnxruntime.so.part" "$bin/libonnxruntime.so"; }

export CGO_ENABLED=1 CGO_LDFLAGS="-L$cache" GOWORK=off
if [ "${1:-}" = test ]; then
	ONNXRUNTIME_DIR=$bin exec go test -tags ORT ./internal/hugot
fi
go build -tags ORT -o "$bin/understudy-evaluator-ort" ./cmd/evaluator
