package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/httpapi"
)

// platform is the real API before a real database, with one endpoint on which
// something was.
func platform(t *testing.T) (url string) {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "understudy.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(httpapi.New(ctx, httpapi.Config{DB: db, AdminKey: "ua-key", Version: "1", Mode: "local", Ask: asker{},
		Upstreams: []understudy.Upstream{{Name: "openai", BaseURL: "https://x/v1", Default: true}}}))
	t.Cleanup(func() { cancel(); server.Close() })
	if _, err := db.CreateEndpoint(t.Context(), understudy.NewEndpoint("triage", "openai", "gpt-4o-mini", 0.85)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateModel(t.Context(), 0, understudy.Model{Endpoint: "triage"}); err != nil {
		t.Fatal(err)
	}
	err = db.InsertPairs(t.Context(), []understudy.Pair{{Endpoint: "triage", Request: []byte(`{"messages":[{"role":"user","content":"hi"}]}`),
		Answer: understudy.Answer{Text: "hello"}, Source: understudy.SourceLLM, Reason: understudy.ReasonNormal, Complete: true, CostUSD: 0.5, CreatedAt: time.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	return server.URL
}

type asker struct{}

func (asker) Ask(_ context.Context, _ string, side understudy.Source, _ json.RawMessage) understudy.Asked {
	if side == understudy.SourceSLM {
		return understudy.Asked{Error: "no model is on stage"}
	}
	return understudy.Asked{Answer: understudy.Answer{Text: "hello"}}
}

func call(url string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(append([]string{"understudy", "--url", url}, args...), &out, &err)
	return code, out.String(), err.String()
}

func TestEveryCommandSpeaksToPeopleAndToScripts(t *testing.T) {
	url := platform(t)
	t.Setenv("UNDERSTUDY_ADMIN_KEY", "ua-key")
	for _, c := range []struct{ args, says string }{
		{"status", "triage"}, {"endpoints", "gpt-4o-mini"}, {"endpoints show triage", "triage"}, {"endpoints create other", "other"},
		{"endpoints set other --threshold 0.9 --auto-train=false", "other"},
		{"models", "triage-v1"}, {"models triage", "Training"}, {"models show triage-v1", "triage-v1"}, {"evaluations triage-v1", "ATTEMPT"},
		{"pairs triage", "hello"}, {"keys", "ID"}, {"keys create app", "uk-"}, {"upstreams", "openai"}, {"bases", "SmolLM2"},
		{"savings", "$0.5000"}, {"savings triage", "$0.5000"}, {"events", "model.created"}, {"events triage --model triage-v1", "triage-v1 was created"},
		{"ask triage hi", "no model is on stage"}, {"monitor --once", "triage-v1"}, {"bypass on", "yes"}, {"bypass off triage", "triage"}, {"version", "dev"},
		{"config", "UNDERSTUDY_PRICES_FILE"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, stderr := call(url, strings.Fields(c.args)...)
			if code != 0 || !strings.Contains(out, c.says) {
				t.Fatalf("exit %d, %q does not say %q: %s", code, out, c.says, stderr)
			}
			args := append(strings.Fields(c.args), "-o", "json")
			if strings.Contains(c.args, "create") {
				args[2] += "-again"
			}
			code, out, stderr = call(url, args...)
			if code != 0 || !json.Valid([]byte(out)) {
				t.Errorf("as JSON: exit %d, %s%s", code, out, stderr)
			}
		})
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	url := platform(t)
	t.Setenv("UNDERSTUDY_ADMIN_KEY", "ua-key")
	for args, says := range map[string]string{
		"endpoints show none":           `there is no endpoint "none"`,
		"models deploy triage-v1":       "not possible now",
		"models show triage-v9":         "there is no model triage-v9",
		"evaluations answers triage-v1": "not been examined",
		"pairs none":                    `there is no endpoint "none"`,
		"savings -o xml":                "use table or json",
		"bypass maybe":                  "use on or off",
		"monitor":                       "--once",
		"nonsense":                      "unknown command",
	} {
		t.Run(args, func(t *testing.T) {
			code, _, stderr := call(url, strings.Fields(args)...)
			if code != 1 || !strings.Contains(stderr, says) {
				t.Errorf("exit %d, says %q, not %q", code, stderr, says)
			}
		})
	}
	t.Setenv("UNDERSTUDY_ADMIN_KEY", "ua-wrong")
	if code, _, stderr := call(url, "status"); code != 1 || !strings.Contains(stderr, "admin key") {
		t.Errorf("a wrong key: exit %d, %q", code, stderr)
	}
	if code, _, stderr := call("http://127.0.0.1:1", "status"); code != 1 || !strings.Contains(stderr, "understudy up") {
		t.Errorf("nobody there: exit %d, %q", code, stderr)
	}
}

func TestEveryCommandHelps(t *testing.T) {
	root := newRoot("understudy", nil, nil)
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" || c.Runnable() && c.Args == nil {
			t.Errorf("%s: %q", c.CommandPath(), c.Short)
		}
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" {
				visit(sub)
			}
		}
	}
	for _, c := range root.Commands() {
		visit(c)
	}
	if code, out, _ := call("", "--help"); code != 0 || !strings.Contains(out, "monitor") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestKubectlsPluginSpeaksToACluster(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	var out, stderr bytes.Buffer
	if code := run([]string{"/usr/bin/kubectl-understudy", "status"}, &out, &stderr); code != 1 || !strings.Contains(stderr.String(), "kubeconfig") {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	stderr.Reset()
	if code := run([]string{"kubectl-understudy", "--help"}, &out, &stderr); code != 0 || !strings.Contains(out.String(), "kubectl understudy [command]") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
