package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const kinds = "deployments,statefulsets,services,configmaps,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"

// TestKustomize installs the platform without Helm and holds what the server
// has of it against what `helm install` gives.
func TestKustomize(t *testing.T) {
	w := install(t, "-f", "charts/understudy/ci/default-values.yaml", "--set", "config.trainingProvider=runpod,config.agentURL=", "--set-json", "upstreams=[]", "--set-json", "slm.values=null")
	want := specs(t)
	kubectl(t, "delete", "pvc", "slm-models")
	_ = w
	leave(t)

	command(t, "kubectl", "apply", "-k", "kustomize/platform/overlays/local")
	for _, name := range items(t, "deployments,statefulsets") {
		kind := "deployment/"
		if name == "postgres" {
			kind = "statefulset/"
		}
		kubectl(t, "rollout", "status", kind+name, "--timeout=300s")
	}
	if diff := cmp.Diff(want, specs(t)); diff != "" {
		t.Errorf("helm (-) and kustomize (+) differ:\n%s", diff)
	}
	t.Log("\n" + kubectl(t, "get", "pods"))
	if out, err := exec.Command("kubectl", "delete", "-k", "kustomize/platform/overlays/local", "--ignore-not-found").CombinedOutput(); err != nil {
		t.Logf("kubectl delete -k: %v\n%s", err, out)
	}
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
		if strings.HasPrefix(meta["name"].(string), "replay") {
			delete(out, name)
		}
	}
	return out
}
