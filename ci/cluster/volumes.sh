#!/usr/bin/env bash
# volumes.sh make     prepares folders and prints their PersistentVolumes
# volumes.sh recycle  empties volumes whose claim is gone and offers them again, for ever
#
# The cluster has no provisioner: claims bind to these by size. They are folders
# that every user may write to, since containers run as all sorts of users.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# volume NAME SIZE MODE CLASS FOLDER
volume() {
  cat <<YAML
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $1}
spec:
  capacity: {storage: $2}
  accessModes: [$3]
  storageClassName: $4
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: "$5", type: Directory}
YAML
}

make() {
  for size in 1 2 5 10 20 50 100; do
    for number in 1 2 3 4; do
      name=volume-${size}gi-$number
      mkdir -p -m 0777 "$state/volumes/$name"
      volume "$name" "${size}Gi" ReadWriteOnce standard "$state/volumes/$name"
    done
  done
  mkdir -p "$cache/models"
  volume slm-models 100Gi ReadOnlyMany slm-models "$cache/models"
}

# offer makes a released volume available again; a folder that is not ours keeps its content.
# It looks again first: the same news may come twice, and by then another claim may have the volume.
offer() {
  [ "$(kubectl get pv "$1" -o 'jsonpath={.status.phase}')" = Released ] || return 0
  if [ -d "$state/volumes/$1" ]; then
    find "$state/volumes/$1" -mindepth 1 -delete
  fi
  kubectl patch pv "$1" --type=json --patch '[{"op": "remove", "path": "/spec/claimRef"}]'
}

recycle() {
  while true; do
    kubectl get pv --watch --no-headers -o custom-columns=NAME:.metadata.name,PHASE:.status.phase |
      while read -r name phase; do
        [ "$phase" != Released ] || offer "$name" || true
      done || true
    sleep 1
  done
}

"$1"
