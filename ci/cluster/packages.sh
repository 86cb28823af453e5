#!/usr/bin/env bash
# packages.sh PACKAGE...
#
# Installs the Debian packages named that are missing; says what to install
# where it cannot.
set -euo pipefail
missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ "${#missing[@]}" != 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}. Install these (Debian and Ubuntu: apt-get install ${missing[*]}), or run this as root." >&2
  exit 1
fi
echo "installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
install || { apt-get update -q >"$log" 2>&1 && install; } || {
  tail -n 20 "$log" >&2
  exit 1
}
