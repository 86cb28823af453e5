#!/usr/bin/env bash
# Takes away what `make deploy` made: port forwards, the platform, its models, its data, its namespace.
set -euo pipefail
cd "$(dirname "$0")/../.."
source ci/deploy/forwards.sh

end_forwards
helm uninstall understudy -n understudy --ignore-not-found --wait --timeout 6m
if [ "$(kubectl get namespace understudy -o 'jsonpath={.metadata.labels.understudy\.dev/made-by}' 2>/dev/null)" = deploy ]; then
  kubectl delete namespace understudy --timeout=3m
else # a namespace of yours stays; what the release keeps goes
  kubectl -n understudy delete --ignore-not-found pvc/postgres-data pvc/training-data lease/understudy-leader secret/understudy-keys secret/understudy-postgres
fi
