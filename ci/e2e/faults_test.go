package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// TestFaults takes things away under a steady load; no request may fail and no
// pair may be lost.
func TestFaults(t *testing.T) {
	// One pod: five on a small node take the processors from each other.
	w := install(t, "--set-json", `slm.values.autoscaling={"maxReplicas":1}`)
	// As much of the load as it can bear there: more, and it is late with every answer.
	w.deployed(t, "tiny", map[string]any{"slmShare": 0.2})

	load := w.StartLoad(24, "tiny", platform.Tiny)
	var kills []time.Time // of a backend, which may lose its last group
	faults := []struct {
		name string
		do   func(t *testing.T)
	}{
		{"the SLM's pod is killed", func(t *testing.T) {
			kubectl(t, "delete", "pod", "-l", "app=slm-inference", "--grace-period=0", "--force")
			kubectl(t, "rollout", "status", "deployment/slm-tiny-v1", "--timeout=120s")
		}},
		{"the leading backend is killed", func(t *testing.T) {
			old := leader(t)
			kills = append(kills, time.Now())
			kill(t, old)
			kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/"+old, "--timeout=60s")
			kubectl(t, "wait", "--for=condition=Ready", "pod/"+old, "--timeout=120s")
		}},
		{"Redis is killed", func(t *testing.T) {
			kubectl(t, "delete", "pod", "-l", "app=redis", "--grace-period=0", "--force")
			kubectl(t, "rollout", "status", "deployment/redis", "--timeout=120s")
		}},
		{"PostgreSQL is killed", func(t *testing.T) {
			kubectl(t, "delete", "pod", "postgres-0", "--grace-period=1") // not --force: the next one would begin on the volume before this one has ended
			kubectl(t, "rollout", "status", "statefulset/postgres", "--timeout=120s")
		}},
		{"the backend is restarted", func(t *testing.T) {
			kubectl(t, "rollout", "restart", "deployment/backend")
			kubectl(t, "rollout", "status", "deployment/backend", "--timeout=180s")
		}},
		{"the platform is upgraded", func(t *testing.T) {
			command(t, "helm", "upgrade", "understudy", "charts/understudy", "-n", namespace, "--reset-then-reuse-values", "--set", "config.logLevel=debug", "--wait", "--timeout", "5m")
		}},
		{"a backend is restarted while PostgreSQL is down", func(t *testing.T) {
			kubectl(t, "scale", "statefulset/postgres", "--replicas=0")
			kubectl(t, "wait", "--for=delete", "pod/postgres-0", "--timeout=120s")
			old := items(t, "pods", "-l", "app=backend")
			kubectl(t, "delete", "pod", old[0])
			kubectl(t, "rollout", "status", "deployment/backend", "--timeout=120s")
			kubectl(t, "scale", "statefulset/postgres", "--replicas=1")
			kubectl(t, "rollout", "status", "statefulset/postgres", "--timeout=120s")
		}},
	}
	var table strings.Builder
	for _, f := range faults {
		answers, slm := load.Count()
		f.do(t)
		// The next fault meets an SLM that serves.
		w.await(t, patience, func() bool { _, now := load.Count(); return now-slm >= between }, func() string {
			return fmt.Sprintf("after %q the SLM gave too few answers", f.name)
		})
		now, nowSLM := load.Count()
		fmt.Fprintf(&table, "\n%-50s %5d answers meanwhile, %5d by the SLM", f.name, now-answers, nowSLM-slm)
	}
	load.Stop()
	result(t, "%s\nin all %d answers, %d by the SLM, %d failed, %d retries, %d streams cut after their first content",
		strings.TrimSpace(table.String()), len(load.Told), load.SLM, len(load.Failed), load.Retries, load.Cut)
	for _, err := range load.Failed {
		t.Error(err)
	}
	told := slices.DeleteFunc(load.Told, func(x platform.Told) bool {
		return slices.ContainsFunc(kills, func(k time.Time) bool { return x.At.After(k.Add(-flushWindow)) && x.At.Before(k.Add(flushWindow)) })
	})
	missing, err := w.Missing("tiny", told, time.Minute)
	must(t, err)
	result(t, "%d pairs were told beyond a killed backend's last group, %d are missing", len(told), len(missing))
	for _, m := range missing {
		t.Errorf("pair %s, told at %s, is missing or not complete", m.Pair, m.At.Format("15:04:05.000"))
	}
}

// between is how many answers the SLM gives before the next fault.
const between = 60

// flushWindow is how much a killed backend may lose: its last group of pairs.
const flushWindow = 250 * time.Millisecond
