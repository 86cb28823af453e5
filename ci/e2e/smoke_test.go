package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is for one step on a machine of two busy cores.
const patience = 6 * time.Minute

// TestSmoke is the shortest way through: install, one model from pairs to the
// stage, helm list, uninstall.
func TestSmoke(t *testing.T) {
	w := install(t)
	t.Log(command(t, "helm", "test", "understudy", "-n", namespace))
	began := time.Now()
	w.deployed(t, "tiny", nil)
	result(t, "helm test is green; from the first request to an SLM that answers: %.0f s", time.Since(began).Seconds())
	if got, want := w.releases(t), []string{"slm-tiny-v1", "understudy"}; !slices.Equal(got, want) {
		t.Errorf("helm list shows %v, want %v", got, want)
	}
	result(t, "%s", strings.TrimSpace(command(t, "helm", "list", "-n", namespace)))
	t.Log("\n" + kubectl(t, "get", "deployments", "-l", "app=slm-inference"))
	w.dashboard(t)
	w.uninstall(t)
}

// releases are what `helm list` shows, sorted.
func (w *world) releases(t *testing.T) []string {
	t.Helper()
	var list []struct{ Name string }
	must(t, json.Unmarshal([]byte(command(t, "helm", "list", "-n", namespace, "-a", "-o", "json")), &list))
	var names []string
	for _, r := range list {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names
}

func (w *world) uninstall(t *testing.T) {
	t.Helper()
	began := time.Now()
	t.Log(command(t, "helm", "uninstall", "understudy", "-n", namespace, "--wait", "--timeout", "6m"))
	result(t, "helm uninstall: %.0f s", time.Since(began).Seconds())
	if left := w.releases(t); len(left) > 0 {
		t.Errorf("releases are left: %v", left)
	}
	// A pod answers what it has begun before it goes.
	kubectl(t, "wait", "--for=delete", "pods", "-l", "app=slm-inference", "--timeout=90s")
	if left := items(t, "pods,deployments,jobs,services,hpa,pdb,networkpolicies", "-l", "app=slm-inference"); len(left) > 0 {
		t.Errorf("of the models is left: %v", left)
	}
	for _, name := range items(t, "secrets") {
		if strings.HasPrefix(name, "slm-") || strings.HasPrefix(name, "sh.helm.release") {
			t.Errorf("the Secret %s is left", name)
		}
	}
}
