package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

const (
	registered = 300
	onStage    = 10
)

// TestManyModels registers 300 models, ten of them on stage: rows copied from
// one that was trained. It reports how long a list takes and what the leader
// does meanwhile.
func TestManyModels(t *testing.T) {
	// Of a request this small the probes alone take more than the autoscaler's 70 %.
	w := install(t, "--set-json", `slm.values.resources={"requests":{"cpu":"20m","memory":"128Mi"},"limits":{"cpu":"1","memory":"1Gi"}}`,
		"--set-json", `slm.values.autoscaling={"maxReplicas":1}`)
	m := w.deployed(t, "tiny", nil)
	sql, err := os.Open(filepath.Join(platform.Root(t), "ci/e2e/many.sql"))
	must(t, err)
	defer sql.Close()
	psql := exec.CommandContext(t.Context(), "kubectl", "-n", namespace, "exec", "-i", "postgres-0", "--", "psql", "-U", "understudy", "-d", "understudy",
		"-v", "ON_ERROR_STOP=1", "-v", "model="+m.ID, "-v", fmt.Sprintf("n=%d", registered-1), "-v", fmt.Sprintf("staged=%d", onStage-1))
	psql.Stdin = sql
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	// The trainer gives a pod only what its own model's training made.
	kubectl(t, "exec", "deployment/training-service", "--", "sh", "-euc", `cd /data/jobs
		for i in $(seq $2); do
			id=$(printf '%.24s%012x' "$1" "$i")
			sed "s/$1/$id/g" "$1-1.json" >"$id-1.json"
		done`, "sh", m.ID, fmt.Sprint(onStage-1))
	kubectl(t, "rollout", "restart", "deployment/training-service")
	kubectl(t, "rollout", "status", "deployment/training-service", "--timeout=120s")
	kubectl(t, "rollout", "restart", "deployment/backend") // nobody tells it of rows made behind its back
	kubectl(t, "rollout", "status", "deployment/backend", "--timeout=180s")
	replaced(t) // what is measured is the next leader
	ready := func() int {
		n := 0
		for _, s := range strings.Fields(kubectl(t, "get", "deployments", "-l", "app=slm-inference", "-o", "jsonpath={.items[*].status.readyReplicas}")) {
			k, _ := strconv.Atoi(s)
			n += k
		}
		return n
	}
	settled := func() bool {
		pod, _ := leads(t)
		return pod != "" && ready() == onStage
	}
	w.await(t, patience, settled, func() string {
		_, holder := leads(t)
		return fmt.Sprintf("%d models are ready, the lease is held by %q", ready(), holder)
	})

	var slowest time.Duration
	for range 5 {
		began := time.Now()
		var page struct{ Items []platform.Model }
		must(t, w.API("GET", "/models?limit=500", nil, &page))
		slowest = max(slowest, time.Since(began))
		if len(page.Items) != registered {
			t.Fatalf("%d models are listed", len(page.Items))
		}
	}
	result(t, "%d models listed in at most %s (five times)", registered, slowest.Round(time.Millisecond))
	if slowest > 200*time.Millisecond {
		t.Errorf("listing %d models took %s", registered, slowest)
	}
	if got := len(w.releases(t)); got != onStage+1 {
		t.Errorf("helm list shows %d releases", got)
	}
	pod := leader(t)
	before, began := cpuSeconds(t, pod), time.Now()
	time.Sleep(30 * time.Second) // what is measured is an idle span
	result(t, "%d deployed and ready; idle, the leader uses %.3f core", onStage, (cpuSeconds(t, pod)-before)/time.Since(began).Seconds())
}

// cpuSeconds is what a pod's process has used so far.
func cpuSeconds(t *testing.T, pod string) float64 {
	t.Helper()
	stat := strings.Fields(kubectl(t, "exec", pod, "--", "cat", "/proc/1/stat"))
	user, err := strconv.ParseFloat(stat[13], 64)
	must(t, err)
	system, err := strconv.ParseFloat(stat[14], 64)
	must(t, err)
	return (user + system) / 100 // clock ticks: 100 a second on Linux
}
