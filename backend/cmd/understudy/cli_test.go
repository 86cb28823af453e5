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
	"understudy.dev/backend/internal/wire"
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

func TestAModelByItselfSaysHowItWasTrainedAndWhatThatCost(t *testing.T) {
	exact, bill := 0.95, 0.1431
	for name, c := range map[string]struct {
		training wire.Training
		says     []string
		not      []string
	}{
		"before anything is known": {wire.Training{}, nil, []string{"training", "cost", "note"}},
		"while it trains on a rented GPU": {wire.Training{Step: 12, Steps: 100, Loss: 0.42, EvalLoss: 0.5, EvalExact: 0.75, BestStep: 10, ResumedStep: 4, TokensPerSecond: 265, GPU: "NVIDIA L4",
			GPUUse:  &wire.GPUUse{MemoryUsedBytes: 3 << 30, MemoryTotalBytes: 24 << 30, Utilization: 87},
			Rentals: []wire.Rental{{Attempt: 1, Provider: "runpod", GPU: "NVIDIA L4", Where: "EU-RO-1", Machines: 1, RentedSeconds: 90, CostUSD: 0.0125, CostBasis: wire.Estimate}}},
			[]string{"step 12 of 100", "75.0 % said word for word", "step 10 is the best", "checkpoint of step 4", "87 % busy, 3.0 of 24.0 GiB", "$0.0125 by price and time: NVIDIA L4 in EU-RO-1 for 1m30s (attempt 1, runpod)"},
			[]string{"in all"}},
		"when it is done": {wire.Training{Step: 100, Steps: 100, Notes: []string{"2026-11-27 12:00:00 a pod was lost"}, CostUSD: 0.2431, CostBasis: wire.Estimate,
			Manifest: &wire.Manifest{Steps: 100, BestStep: 80, StopReason: "validation", Pairs: 800, UsedPairs: 790, ValidationPairs: 40, SkippedBecause: map[string]int{"too long": 4, "empty": 6},
				EvalExact: &exact, Tokens: 48000, TokensPerSecond: 265.9, Seconds: 180.5, Device: "NVIDIA L4"},
			Rentals: []wire.Rental{{Attempt: 1, CostUSD: 0.1, CostBasis: wire.Estimate, Machines: 1}, {Attempt: 2, CostUSD: bill, BilledUSD: &bill, CostBasis: wire.Bill, Machines: 2}}},
			[]string{"100 steps, the weights of step 80 kept; nothing got better any more", "790 of 800 pairs, 40 of them for validation; left out 6: empty, 4: too long", "95.0 % said word for word",
				"266 tokens/s: 48000 tokens in 3m1s on NVIDIA L4", "$0.1431 by the bill", "2 machines", "$0.2431 in all, by price and time", "a pod was lost"}, nil},
		"cut by its deadline": {wire.Training{Manifest: &wire.Manifest{Steps: 7, BestStep: 7, StopReason: "deadline", UsedPairs: 90}}, []string{"7 steps; its deadline or budget ended it", "90 pairs"}, []string{"kept", "tokens"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := (&app{out: &out, format: "table"}).printModel(wire.Model{Name: "triage-v1", Training: c.training}); err != nil {
				t.Fatal(err)
			}
			for _, words := range c.says {
				if !strings.Contains(out.String(), words) {
					t.Errorf("it does not say %q:\n%s", words, out.String())
				}
			}
			for _, words := range c.not {
				if strings.Contains(out.String(), words) {
					t.Errorf("it says %q:\n%s", words, out.String())
				}
			}
		})
	}
}
