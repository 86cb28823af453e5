package trainerclient

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

type contract struct {
	JobID    string          `json:"jobId"`
	Spec     json.RawMessage `json:"spec"`
	Job      json.RawMessage `json:"job"`
	Finished json.RawMessage `json:"finished"`
	Manifest json.RawMessage `json:"manifest"`
	States   []string        `json:"states"`
}

func read(t *testing.T) contract {
	t.Helper()
	b, err := os.ReadFile("../../../ci/contract/trainer.json")
	if err != nil {
		t.Fatal(err)
	}
	var c contract
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPutSendsWhatTheContractSays(t *testing.T) {
	c := read(t)
	var got []byte
	var path, auth string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		path, auth = r.Method+" "+r.URL.Path, r.Header.Get("Authorization")
		w.WriteHeader(http.StatusCreated)
		w.Write(c.Job)
	}))
	defer server.Close()

	job, err := New(server.URL, "secret").Put(context.Background(), order())
	if err != nil {
		t.Fatal(err)
	}
	if path != "PUT /v1/jobs/"+c.JobID || auth != "Bearer secret" {
		t.Errorf("sent %q with %q", path, auth)
	}
	var sent, want map[string]any
	if err := json.Unmarshal(got, &sent); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(c.Spec, &want); err != nil {
		t.Fatal(err)
	}
	// hyperparameters that are zero are left to the agent, so they are not sent
	hyper := want["hyperparameters"].(map[string]any)
	for k, v := range hyper {
		if list, ok := v.([]any); v == 0.0 || ok && len(list) == 0 {
			delete(hyper, k)
		}
	}
	if !reflect.DeepEqual(sent, want) {
		t.Errorf("sent %s\nwant %v", got, want)
	}
	if job.State != understudy.JobTraining || job.Step != 12 || job.Steps != 100 || job.Loss != 0.42 || job.ETASeconds != 120 ||
		job.Provider != "local" || len(job.Artifacts) != 3 || job.Adapter() {
		t.Errorf("read %+v", job)
	}
}

// serve answers every request with body.
func serve(t *testing.T, body []byte) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	t.Cleanup(server.Close)
	return New(server.URL, "secret")
}

func TestAJobTellsHowItGoesAndWhatItCost(t *testing.T) {
	job, err := serve(t, read(t).Job).Get(t.Context(), "x-1")
	if err != nil {
		t.Fatal(err)
	}
	use := understudy.GPUUse{MemoryUsedBytes: 3221225472, MemoryTotalBytes: 24152899584, Utilization: 87}
	if job.EvalExact != 0.75 || job.BestStep != 10 || job.ResumedStep != 4 || job.GPUUse != use || job.Machines != 0 || job.BilledUSD != nil {
		t.Errorf("read %+v", job)
	}
	job, err = serve(t, read(t).Finished).Get(t.Context(), "x-2")
	if err != nil {
		t.Fatal(err)
	}
	if job.State != understudy.JobSucceeded || job.CostUSD != 0.1425 || job.BilledUSD == nil || *job.BilledUSD != 0.1431 || !job.Settled || job.Machines != 2 ||
		job.Rented != 1283400*time.Millisecond || job.Machine != "pod-2" || job.Where != "EU-RO-1" || len(job.Notes) != 1 || !job.Adapter() {
		t.Errorf("read %+v", job)
	}
}

func TestAManifestTellsWhatWasTrained(t *testing.T) {
	got, err := serve(t, read(t).Manifest).Manifest(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	exact := 0.95
	want := understudy.Manifest{
		BaseSHA256: strings.Repeat("0", 64), DatasetSHA256: strings.Repeat("1", 64), Pairs: 800, Used: 790, Skipped: 10, Validation: 40,
		SkippedBecause: map[string]int{"has a prompt that comes again later": 10}, Hyperparameters: got.Hyperparameters, Seed: 1, Seconds: 180.5, Steps: 100, BestStep: 100, Exact: &exact,
		StopReason: "steps", Tokens: 48000, TokensPerSecond: 265.9, Device: "CPU, 2 cores",
		Loss: []understudy.CurvePoint{{Step: 1, Value: 2.1}}, EvalLoss: []understudy.CurvePoint{{Step: 100, Value: 0.1}}, EvalExact: []understudy.CurvePoint{{Step: 100, Value: 0.95}},
	}
	if !reflect.DeepEqual(got, want) || got.Hyperparameters.BatchSize != 8 || len(got.Hyperparameters.TargetModules) != 7 {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
}

func order() understudy.TrainingOrder {
	zeros := strings.Repeat("0", 64)
	return understudy.TrainingOrder{
		ID: "0198c0de-0000-7000-8000-000000000001-1",
		Base: understudy.Base{Name: "SmolLM2-135M-Instruct", Architecture: "llama", Licence: "Apache-2.0", ContextLength: 2048,
			Train: understudy.BaseTrain{GGUF: &understudy.BaseFile{File: "SmolLM2-135M-Instruct.Q4_1.gguf", SHA256: zeros}}},
		DatasetURL:    "http://127.0.0.1:8000/internal/v1/models/0198c0de-0000-7000-8000-000000000001/dataset",
		DatasetSHA256: strings.Repeat("1", 64), Pairs: 800,
		Hyperparameters: understudy.Hyperparameters{Epochs: 1, BatchSize: 8, LearningRate: 0.001, MinLearningRateRatio: 0.02,
			WarmupSteps: 8, GradientClip: 1, LoRARank: 16, LoRAAlpha: 32, MaxSequenceTokens: 1024, Seed: 1, Sampling: "dedup", EvalEverySteps: 20, EarlyStoppingPatience: 5},
		Provider: "local", Deadline: time.Hour,
	}
}

func TestEveryStateOfTheContractIsKnown(t *testing.T) {
	known := []string{
		string(understudy.JobQueued), string(understudy.JobProvisioning), string(understudy.JobTraining), string(understudy.JobDownloading),
		string(understudy.JobSucceeded), string(understudy.JobFailed), string(understudy.JobCancelled),
	}
	if got := read(t).States; !reflect.DeepEqual(got, known) {
		t.Errorf("the contract's states are %v, the domain knows %v", got, known)
	}
}

func TestErrorsSayWhetherTryingAgainHelps(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		want   understudy.Code
	}{
		{"a job that is not there", 404, understudy.NotFound},
		{"another order of this name", 409, understudy.Conflict},
		{"an order that makes no sense", 422, understudy.Invalid},
		{"a wrong token", 401, understudy.Unauthorized},
		{"too many requests", 429, understudy.Unavailable},
		{"a trainer in trouble", 500, understudy.Unavailable},
		{"a proxy without a trainer", 502, understudy.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				io.WriteString(w, `{"title":"Problem","status":0,"detail":"the disk is full"}`)
			}))
			defer server.Close()
			_, err := New(server.URL, "").Get(context.Background(), "x-1")
			if got := understudy.CodeOf(err); got != c.want {
				t.Errorf("code %q of %v, want %q", got, err, c.want)
			}
			if c.want != understudy.Unauthorized && !strings.Contains(err.Error(), "the disk is full") {
				t.Errorf("%q does not say what the trainer said", err)
			}
		})
	}
	_, err := New("http://127.0.0.1:1", "").Get(context.Background(), "x-1")
	if understudy.CodeOf(err) != understudy.Unavailable {
		t.Errorf("nobody listens: %v, want unavailable", err)
	}
}

func TestDeletingAJobThatIsNotThereIsNoError(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if err := New(server.URL, "").Delete(context.Background(), "x-1"); err != nil {
		t.Error(err)
	}
}
