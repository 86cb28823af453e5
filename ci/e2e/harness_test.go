// Package e2e installs the platform into a real Kubernetes, the one that
// KUBECONFIG names, and uses it as people do: with helm, kubectl and an OpenAI
// client. It runs where the cluster's service addresses can be reached: on its
// node, which ci/cluster/exec.sh is.
package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

const namespace = "understudy"

// command runs what a person would type and returns what it prints.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = platform.Root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out) + stderr.String(), err
	}
	return string(out), nil
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "kubectl", append([]string{"-n", namespace}, args...)...)
}

// apply gives a manifest to kubectl.
func apply(t *testing.T, manifest string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl", "-n", namespace, "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(manifest)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v\n%s\n%s", err, out, manifest)
	}
}

// items are the names that `kubectl get` lists.
func items(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Fields(kubectl(t, append([]string{"get", "-o", "jsonpath={.items[*].metadata.name}"}, args...)...))
}

// world is an installed platform with its surroundings.
type world struct {
	platform.Client
	agent *exec.Cmd
}

// install installs the platform among its surroundings.
func install(t *testing.T, values ...string) *world {
	t.Helper()
	w := surroundings(t)
	began := time.Now()
	w.helmInstall(t, values...)
	result(t, "helm install: everything ready after %.0f s", time.Since(began).Seconds())
	return w
}

// surroundings makes the namespace, the LLM's stand-in and the training
// machine; all of it goes with the test.
func surroundings(t *testing.T) *world {
	t.Helper()
	begin(t)
	t.Cleanup(func() { leave(t) })
	w := &world{}
	prepare(t)
	w.startAgent(t)
	return w
}

// prepare makes what the tests bring along.
func prepare(t *testing.T) {
	t.Helper()
	command(t, "kubectl", "create", "namespace", namespace)
	command(t, "kubectl", "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
	file := filepath.Join(t.TempDir(), "recording.jsonl")
	if err := os.WriteFile(file, platform.TinyRecording(), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "create", "configmap", "recording", "--from-file=recording.jsonl="+file)
	kubectl(t, "create", "secret", "generic", "understudy-providers", "--from-literal=AGENT_TOKEN="+agentToken)
	kubectl(t, "apply", "-f", "ci/e2e/teacher.yaml")
}

func (w *world) helmInstall(t *testing.T, values ...string) {
	t.Helper()
	args := []string{"install", "understudy", "charts/understudy", "-n", namespace, "--create-namespace", "-f", "ci/e2e/values.yaml", "--wait", "--timeout", "5m"}
	out, err := try(t, "helm", append(args, values...)...)
	if err != nil {
		t.Fatalf("helm install: %v\n%s\n%s", err, out, kubectl(t, "get", "pods,events"))
	}
	t.Log(out)
	w.connect(t, "understudy-keys")
}

// connect finds the backend and the admin key in a Secret, and makes a
// client's key.
func (w *world) connect(t *testing.T, keys string) {
	t.Helper()
	w.Backend = "http://" + strings.TrimSpace(kubectl(t, "get", "service", "backend-service", "-o", "jsonpath={.spec.clusterIP}")) + ":8000"
	w.Admin = w.secret(t, keys, "UNDERSTUDY_ADMIN_KEY")
	var key struct{ Secret string }
	must(t, w.API("POST", "/keys", map[string]string{"name": "e2e"}, &key))
	w.Key = key.Secret
}

func (w *world) secret(t *testing.T, name, entry string) string {
	t.Helper()
	var s struct{ Data map[string][]byte }
	must(t, json.Unmarshal([]byte(kubectl(t, "get", "secret", name, "-o", "json")), &s))
	return string(s.Data[entry])
}

const agentToken = "the-agents-token"

// startAgent starts the training agent on the node, as somebody's own machine.
func (w *world) startAgent(t *testing.T) {
	t.Helper()
	root := platform.Root(t)
	w.agent = exec.Command(filepath.Join(root, ".cache/python/bin/python"), "-m", "understudy_agent")
	w.agent.Env = append(os.Environ(), "AGENT_TOKEN="+agentToken, "LISTEN_ADDR=0.0.0.0:9400", "AGENT_DIR="+t.TempDir(), "PYTHONUNBUFFERED=1")
	log, err := os.Create(filepath.Join(root, ".cache", "e2e-agent.log"))
	must(t, err)
	w.agent.Stdout, w.agent.Stderr = log, log
	must(t, w.agent.Start())
	t.Cleanup(func() {
		_ = w.agent.Process.Kill()
		_ = w.agent.Wait()
		log.Close()
	})
}

// leave takes everything away that install made.
func leave(t *testing.T) {
	t.Helper()
	if t.Failed() {
		for _, args := range [][]string{{"get", "pods", "-o", "wide"}, {"get", "events", "--sort-by=.lastTimestamp"}, {"logs", "-l", "app=backend", "--tail=80", "--prefix"}, {"logs", "deployment/training-service", "--tail=40"}} {
			cmd := exec.Command("kubectl", append([]string{"-n", namespace}, args...)...)
			out, _ := cmd.CombinedOutput()
			t.Logf("kubectl %s\n%s", strings.Join(args, " "), out)
		}
	}
	// t.Context has ended: these are for whatever the test left.
	_ = exec.Command("helm", "uninstall", "understudy", "-n", namespace, "--ignore-not-found", "--no-hooks").Run()
	if out, err := exec.Command("kubectl", "delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s").CombinedOutput(); err != nil {
		t.Errorf("the namespace stays: %v\n%s", err, out)
	}
}

// reaches waits, told by the platform's events, until a model is in a phase.
func (w *world) reaches(t *testing.T, id, phase string, patience time.Duration) platform.Model {
	t.Helper()
	var m platform.Model
	w.await(t, patience, func() bool {
		var err error
		if m, err = w.Model(id); err != nil {
			t.Fatal(err)
		}
		if m.Phase == "failed" && phase != "failed" {
			t.Fatalf("%s failed: %s", m.Name, m.Reason)
		}
		return m.Phase == phase
	}, func() string { return fmt.Sprintf("%s is %s, not %s: %s", m.Name, m.Phase, phase, m.Reason) })
	return m
}

// await looks again with every event of the platform, and every two seconds.
func (w *world) await(t *testing.T, patience time.Duration, done func() bool, says func() string) {
	t.Helper()
	events := w.events(t)
	deadline := time.After(patience)
	for !done() {
		select {
		case <-events:
		case <-time.After(2 * time.Second): // what no event tells of, or a backend that was replaced
		case <-deadline:
			t.Fatal(says())
		}
	}
}

func (w *world) events(t *testing.T) <-chan struct{} {
	t.Helper()
	out := make(chan struct{}, 1)
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.Backend+"/api/v1/events", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+w.Admin)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "id:") {
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}
	}()
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
