#!/usr/bin/env bash
# Takes away what `make deploy` made: port forwards, the platform, its models, its data, its namespace.
set -euo pipefail
cd "$(dirname "$0")/../.."
source ci/deploy/forwards.sh

end_forwards
# The cleanup waits for requests under way, see hooks.cleanup.timeoutSeconds.
grace=$(kubectl get deployment backend -n understudy --ignore-not-found -o 'jsonpath={.spec.template.spec.terminationGracePeriodSeconds}')
uninstall=(helm uninstall understudy -n understudy --ignore-not-found --wait --timeout "$((${grace:-180} + 180))s")
lease=$(kubectl get lease understudy-leader -n understudy --ignore-not-found -o name)
if [ -z "$lease" ]; then
  # No backend ever led here, so there is no training and no model; and what kept it from coming up,
  # such as an image that cannot be pulled, would keep the hook from it that ends them.
  "${uninstall[@]}" --no-hooks
elif ! "${uninstall[@]}"; then
  cat >&2 <<'EOF'
undeploy: the platform stays. Mend what hinders its cleanup (kubectl logs -n understudy job/understudy-cleanup) and run this again.
Or go without the cleanup and then run this again; machines that are rented for trainings are NOT ended then:
  kubectl exec -n understudy deployment/training-service -- understudy-trainer orphans   # lists them
  helm uninstall understudy -n understudy --no-hooks
EOF
  exit 1
fi
if [ "$(kubectl get namespace understudy -o 'jsonpath={.metadata.labels.understudy\.dev/made-by}' 2>/dev/null)" = deploy ]; then
  kubectl delete namespace understudy --timeout=3m
else # a namespace of yours stays; what the release keeps goes, and what a hook that failed has left
  kubectl -n understudy delete job,rolebinding,role,serviceaccount -l app=understudy-hooks
  kubectl -n understudy delete --ignore-not-found pvc/postgres-data pvc/training-data lease/understudy-leader secret/understudy-keys secret/understudy-postgres
fi
