package localnode

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"understudy.dev/backend/internal/localnode/fakepod"
)

func TestMain(m *testing.M) {
	fakepod.MaybeRun()
	if socket := os.Getenv("LOCALNODE_TEST_SERVER"); socket != "" {
		runServer(socket)
	}
	os.Exit(m.Run())
}

// start starts a node whose image "program" is the fake pod.
func start(t *testing.T, more ...func(*ServerConfig)) (*Server, *Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "node") // t.TempDir's names are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config(dir)
	for _, m := range more {
		m(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := NewClient(cfg.Socket, nil)
	t.Cleanup(c.Close)
	return s, c
}

func config(dir string) ServerConfig {
	log := slog.New(slog.DiscardHandler)
	if flag.Parsed() && testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return ServerConfig{Socket: filepath.Join(dir, "s"), DataDir: filepath.Join(dir, "data"), Log: log,
		Binaries: map[string]string{"program": os.Args[0]}, Env: []string{"FAKEPOD=1", "PATH=" + os.Getenv("PATH")},
		Backoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond}
}

type m = map[string]any

// container is one of the fake pod with probes that are quick.
func container(env m) m {
	vars := []any{m{"name": "LISTEN_ADDR", "value": ":8080"}}
	for k, v := range env {
		if from, ok := v.(m); ok {
			vars = append(vars, m{"name": k, "valueFrom": from})
		} else {
			vars = append(vars, m{"name": k, "value": v})
		}
	}
	probe := func(path string, failures int) m {
		return m{"httpGet": m{"path": path, "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": failures}
	}
	return m{"name": "c", "image": "registry.example.com/x/program:1", "env": vars,
		"ports":        []any{m{"name": "http", "containerPort": 8080}},
		"startupProbe": probe("/healthz", 60), "readinessProbe": probe("/readyz", 1), "livenessProbe": probe("/healthz", 1)}
}

func deploymentObject(name string, c m, pod m) m {
	spec := m{"containers": []any{c}, "terminationGracePeriodSeconds": 20}
	for k, v := range pod {
		spec[k] = v
	}
	return m{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": m{"name": name, "namespace": "ns"},
		"spec": m{"selector": m{}, "template": m{"metadata": m{"labels": m{"understudy.dev/version": "3"}}, "spec": spec}}}
}

func jobObject(name string, env m, more m) m {
	spec := m{"template": m{"spec": m{"restartPolicy": "Never", "containers": []any{
		m{"name": "c", "image": "program", "env": container(env)["env"]}}}}}
	for k, v := range more {
		spec[k] = v
	}
	return m{"apiVersion": "batch/v1", "kind": "Job", "metadata": m{"name": name}, "spec": spec}
}

func apply(c *Client, object m) error {
	b, err := json.Marshal(object)
	if err != nil {
		return err
	}
	ref := Ref{object["kind"].(string), object["metadata"].(m)["name"].(string)}
	return c.Apply(context.Background(), ref, b)
}

func mustApply(t *testing.T, c *Client, object m) {
	t.Helper()
	if err := apply(c, object); err != nil {
		t.Fatal(err)
	}
}

// await returns the first state of a workload that ok accepts.
func await(t *testing.T, c *Client, name, what string, ok func(Workload) bool) Workload {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	var w Workload
	for {
		var err error
		w, err = c.Workload(t.Context(), name)
		if err == nil && ok(w) {
			return w
		}
		select {
		case <-c.Changed():
		case <-limit.C:
			t.Fatalf("%s never was %s: %+v, %v", name, what, w, err)
		}
	}
}

func ready(w Workload) bool { return w.Ready == w.Replicas && w.Ready > 0 }

// awaitKnown waits until the client's own cache has n addresses.
func awaitKnown(t *testing.T, c *Client, name string, n int) []string {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		if a := c.Ready(name); len(a) == n {
			return a
		}
		select {
		case <-c.Changed():
		case <-limit.C:
			t.Fatalf("%s never had %d addresses, but %v", name, n, c.Ready(name))
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func environmentOf(t *testing.T, base string) map[string]string {
	t.Helper()
	var env map[string]string
	status, body := get(t, base+"/env")
	if err := json.Unmarshal([]byte(body), &env); err != nil || status != http.StatusOK {
		t.Fatalf("GET /env: %d %s", status, body)
	}
	return env
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
