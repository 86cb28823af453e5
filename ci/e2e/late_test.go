package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhatComesLater installs the platform before its Secret and its
// database's volume are there: what is missing is said, and when it comes
// everything is ready without another command.
func TestWhatComesLater(t *testing.T) {
	w := surroundings(t)
	command(t, "helm", "install", "understudy", "charts/understudy", "-n", namespace, "-f", "ci/e2e/values.yaml",
		"--set", "secrets.keys.existingSecret=mine", "--set", "postgres.persistence.existingClaim=later", "--timeout", "5m")
	waits := func(app, jsonpath, want string) string {
		t.Helper()
		said := ""
		deadline := time.Now().Add(2 * time.Minute)
		for !strings.Contains(said, want) {
			if time.Now().After(deadline) {
				t.Fatalf("the pods of %s say %q, not %q", app, said, want)
			}
			said = kubectl(t, "get", "pods", "-l", "app="+app, "-o", "jsonpath="+jsonpath)
			time.Sleep(500 * time.Millisecond) // between looks at a list
		}
		return strings.TrimSpace(said)
	}
	secret := waits("backend", "{.items[*].status.containerStatuses[*].state.waiting.message}", `secret "mine" not found`)
	volume := waits("postgres", "{.items[*].status.conditions[?(@.type==\"PodScheduled\")].message}", `"later" not found`)

	kubectl(t, "create", "secret", "generic", "mine", "--from-literal=UNDERSTUDY_ADMIN_KEY=ua-mine", "--from-literal=UNDERSTUDY_SERVICE_TOKEN=us-mine")
	waits("backend", "{.items[*].status.phase}", "Running Running")
	address := strings.TrimSpace(kubectl(t, "get", "pods", "-l", "app=backend", "-o", "jsonpath={.items[0].status.podIP}"))
	database := ""
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(database, "database") {
		if time.Now().After(deadline) {
			t.Fatalf("without a database the backend says %q", database)
		}
		if res, err := http.Get("http://" + address + ":8000/readyz"); err == nil {
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			database = res.Status + " " + string(b)
		}
		time.Sleep(500 * time.Millisecond) // between two questions
	}
	apply(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: later}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}")
	began := time.Now()
	for _, workload := range strings.Fields(kubectl(t, "get", "deployments,statefulsets", "-o", "name")) {
		kubectl(t, "rollout", "status", workload, "--timeout=180s")
	}
	result(t, "without its Secret: %.120s\nwithout its volume: %.120s\nwithout its database the backend answers: %.160s\nwhen all is there everything is ready after %.0f s",
		secret, volume, strings.TrimSpace(database), time.Since(began).Seconds())
	if restarts := kubectl(t, "get", "pods", "-l", "app=backend", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}"); strings.Trim(restarts, "0 ") != "" {
		t.Errorf("the backend was started again: %s", restarts)
	}
	w.connect(t, "mine")
	w.endpoint(t, "tiny", nil)
	w.ask(t, "tiny")
}
