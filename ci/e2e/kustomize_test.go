package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const kinds = "deployments,statefulsets,services,configmaps,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"

// TestKustomize installs the platform without Helm and holds what the server
// has of it against what `helm install` gives, both with the defaults.
func TestKustomize(t *testing.T) {
	begin(t)
	t.Cleanup(func() { leave(t) })
	command(t, "helm", "install", "understudy", "charts/understudy", "-n", namespace, "--create-namespace", "--wait", "--timeout", "5m")
	want := specs(t)
	leave(t)

	command(t, "kubectl", "apply", "-k", "kustomize/platform/overlays/local")
	for _, workload := range strings.Fields(kubectl(t, "get", "deployments,statefulsets", "-o", "name")) {
		kubectl(t, "rollout", "status", workload, "--timeout=300s")
	}
	if diff := cmp.Diff(want, specs(t)); diff != "" {
		t.Errorf("helm (-) and kustomize (+) differ:\n%s", diff)
	}
	result(t, "%d objects with the specs that helm install applies; every pod is ready", len(want))
	t.Log("\n" + kubectl(t, "get", "pods"))
	command(t, "kubectl", "delete", "-k", "kustomize/platform/overlays/local", "--timeout=180s")
}

// specs are the platform's objects by kind and name, without what the server
// and the tools add.
func specs(t *testing.T) map[string]any {
	t.Helper()
	var list struct{ Items []map[string]any }
	must(t, json.Unmarshal([]byte(kubectl(t, "get", kinds, "-l", "app.kubernetes.io/part-of=understudy", "-o", "json")), &list))
	out := map[string]any{}
	for _, o := range list.Items {
		meta := o["metadata"].(map[string]any)
		name := o["kind"].(string) + "/" + meta["name"].(string)
		labels, _ := meta["labels"].(map[string]any)
		delete(labels, "app.kubernetes.io/managed-by")
		if spec, ok := o["spec"].(map[string]any); ok {
			for _, assigned := range []string{"clusterIP", "clusterIPs", "volumeName"} {
				delete(spec, assigned)
			}
		}
		out[name] = map[string]any{"labels": labels, "spec": o["spec"], "data": o["data"], "rules": o["rules"], "subjects": o["subjects"], "roleRef": o["roleRef"]}
	}
	return out
}
