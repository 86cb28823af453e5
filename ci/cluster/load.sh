#!/usr/bin/env bash
# load.sh IMAGE.tar...
#
# Gives image archives (as `docker save` and `make images` write them) to the
# cluster. Pods that use them need imagePullPolicy IfNotPresent or Never. An
# archive that it was given already is not read again.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
[ $# != 0 ] || die "name image archives, for example .cache/images/*.tar"
node_pid >/dev/null || die "no cluster runs; start it with make cluster-up"
mkdir -p "$state/loaded"
for archive in "$@"; do
  mark=$state/loaded/$(basename "$archive")
  version=$(stat -c '%n %s %Y' "$archive")
  [ "$(cat "$mark" 2>/dev/null)" != "$version" ] || continue
  output=$("$cluster/exec.sh" ctr images import "$archive" 2>&1) || die "$archive cannot be loaded: $output"
  echo "$version" >"$mark"
done
