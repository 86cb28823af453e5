#!/usr/bin/env bash
# load.sh IMAGE.tar...
#
# Gives image archives (as `docker save` and `make images` write them) to the
# cluster. Pods that use them need imagePullPolicy IfNotPresent or Never.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
[ $# != 0 ] || die "name image archives, for example .cache/images/*.tar"
for archive in "$@"; do
  output=$("$cluster/exec.sh" ctr images import "$archive" 2>&1) || die "$archive cannot be loaded: $output"
done
