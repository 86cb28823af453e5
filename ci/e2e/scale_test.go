package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// TestScale lets a model fall asleep, wakes it, and loads it until the
// autoscaler adds a pod.
func TestScale(t *testing.T) {
	w := install(t)
	w.deployed(t, "tiny", nil)

	must(t, w.API("PATCH", "/endpoints/tiny", map[string]any{"scaleToZeroAfterSeconds": 15}, nil))
	kubectl(t, "wait", "--for=jsonpath={.spec.replicas}=0", "deployment/slm-tiny-v1", "--timeout=120s")
	kubectl(t, "wait", "--for=delete", "pod", "-l", "app=slm-inference", "--timeout=120s")

	asked := time.Now()
	_, header, err := w.Completion("tiny", platform.Tiny(0))
	must(t, err)
	if header.Get("X-Understudy-Source") != "llm" {
		t.Errorf("while it sleeps the %s answers", header.Get("X-Understudy-Source"))
	}
	result(t, "asleep: answered by the LLM in %s (%s)", time.Since(asked).Round(time.Millisecond), header.Get("X-Understudy-Reason"))
	w.served(t, "tiny")
	result(t, "awake and serving %s after the request", time.Since(asked).Round(100*time.Millisecond))
	must(t, w.API("PATCH", "/endpoints/tiny", map[string]any{"scaleToZeroAfterSeconds": 0}, nil))

	// Idle, the autoscaler leaves it alone for two minutes.
	idle := time.After(2 * time.Minute)
	for watching := true; watching; {
		if n := replicas(t); n != 1 {
			t.Fatalf("idle it has %d replicas", n)
		}
		select {
		case <-idle:
			watching = false
		case <-time.After(5 * time.Second):
		}
	}
	load := w.StartLoad(12, "tiny", platform.Tiny)
	began := time.Now()
	w.await(t, patience, func() bool { return replicas(t) > 1 }, func() string {
		return "under load it stays at one replica\n" + kubectl(t, "describe", "hpa", "slm-tiny-v1")
	})
	result(t, "under load: %d replicas after %s", replicas(t), time.Since(began).Round(time.Second))
	load.Stop()
	for _, err := range load.Failed {
		t.Error(err)
	}
}

func replicas(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(kubectl(t, "get", "deployment", "slm-tiny-v1", "-o", "jsonpath={.spec.replicas}")))
	must(t, err)
	return n
}
