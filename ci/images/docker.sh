# Building with a Docker daemon; sourced by build.sh.

prepare() { :; }
base_id() { :; }
exists() { docker image inspect "$1:latest" >/dev/null 2>&1; }
build() { docker build --quiet --tag "$1:latest" --file "$3" "$2" >/dev/null; }
save() { docker save --output "$2.part" "$1" && mv "$2.part" "$2"; }
dependency() {
  docker pull --quiet "$1" >/dev/null
  save "$1" "$2"
}
