package understudy

import (
	"strings"
	"testing"
	"time"
)

func TestNamesFitHelmAtTheirLongest(t *testing.T) {
	endpoint := strings.Repeat("x", MaxEndpointName)
	for _, name := range []string{ReleaseName(endpoint, 99999), EvaluationReleaseName(endpoint, 99999, 99999)} {
		if len(name) > MaxReleaseName {
			t.Errorf("%s has %d characters, at most %d may", name, len(name), MaxReleaseName)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{ReleaseName("triage", 3), "slm-triage-v3"},
		{EvaluationReleaseName("triage", 3, 2), "slm-triage-v3-e2"},
		{JobName("0198c0de-0000-7000-8000-000000000001", 1), "0198c0de-0000-7000-8000-000000000001-1"},
		{Model{Endpoint: "triage", Version: 3}.Name(), "triage-v3"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestEndpointsThatMakeNoSenseAreRefusedWithWhatToDo(t *testing.T) {
	good := func() Endpoint { return NewEndpoint("triage", "openai", "gpt-4o-mini", DefaultThreshold) }
	if err := good().Validate(); err != nil {
		t.Fatalf("a new endpoint: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*Endpoint)
		says   string
	}{
		{"upper case", func(e *Endpoint) { e.Name = "Triage" }, "lower-case"},
		{"a hyphen at the end", func(e *Endpoint) { e.Name = "triage-" }, "hyphen"},
		{"a name that is too long", func(e *Endpoint) { e.Name = strings.Repeat("x", 33) }, "1 to 32"},
		{"no name", func(e *Endpoint) { e.Name = "" }, "1 to 32"},
		{"no upstream", func(e *Endpoint) { e.Upstream = "" }, "upstream is missing"},
		{"no model of the upstream", func(e *Endpoint) { e.UpstreamModel = "" }, "upstreamModel is missing"},
		{"an unknown metric", func(e *Endpoint) { e.Metric = "bleu" }, "auto, similarity or exact"},
		{"a threshold in percent", func(e *Endpoint) { e.Threshold = 85 }, "from 0 to 1"},
		{"a negative share", func(e *Endpoint) { e.SLMShare = -0.1 }, "from 0 to 1"},
		{"more needed than kept", func(e *Endpoint) { e.MinTrainPairs = e.MaxTrainPairs + 1 }, "1 ≤ min ≤ max"},
		{"no eval pairs", func(e *Endpoint) { e.MinEvalPairs = 0 }, "1 ≤ min ≤ max"},
		{"no time for the first token", func(e *Endpoint) { e.SLMFirstTokenTimeout = 0 }, "0 < first ≤ total"},
		{"an unknown base", func(e *Endpoint) { e.Base = "GPT-7" }, "SmolLM2-135M-Instruct"},
		{"kept for no time", func(e *Endpoint) { e.RetentionDays = 0 }, "at least 1"},
		{"an unknown provider", func(e *Endpoint) { e.Provider = "moon" }, "local, static, runpod"},
		{"a negative budget", func(e *Endpoint) { e.MaxCostUSD = -1 }, "maxCostUSD"},
		{"a deadline of milliseconds", func(e *Endpoint) { e.TrainingDeadline = 3600000 * time.Second }, "deadlineSeconds"},
		{"a GPU without a name", func(e *Endpoint) { e.GPUCandidates = []string{""} }, "gpuCandidates"},
		{"half a dropout too much", func(e *Endpoint) { e.Hyperparameters.LoRADropout = 1 }, "loraDropout"},
	} {
		e := good()
		c.change(&e)
		if err := e.Validate(); CodeOf(err) != Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an invalid error that says %q", c.name, err, c.says)
		}
	}
}
