package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"understudy.dev/evaluator/internal/hugot"
)

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

// awaitReady polls /readyz, whose answer is the event: it is 200 after the first real vector.
func awaitReady(t *testing.T, base string) {
	t.Helper()
	for t.Context().Err() == nil {
		res, err := http.Get(base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
}

func TestTheProgramScoresWithTheRealModel(t *testing.T) {
	dir := os.Getenv("MODEL_DIR")
	if dir == "" {
		dir = defaultModelDir()
	}
	if _, err := os.Stat(filepath.Join(dir, "model.onnx")); err != nil {
		t.Skipf("no sentence model in %s: run make setup, or set MODEL_DIR", dir)
	}
	p, err := newProgram(lookup(map[string]string{
		"LISTEN_ADDR": "127.0.0.1:0", "MODEL_DIR": dir, "UNDERSTUDY_SERVICE_TOKEN": "token", "ONNXRUNTIME_DIR": os.Getenv("ONNXRUNTIME_DIR"),
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	base := "http://" + p.listener.Addr().String()
	awaitReady(t, base)

	var contract struct {
		Score struct{ Request json.RawMessage }
	}
	raw, err := os.ReadFile("../../../ci/contract/evaluator.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &contract); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodPost, base+"/v1/score", strings.NewReader(string(contract.Score.Request)))
	req.Header.Set("Authorization", "Bearer token")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Model  string
		Scores []struct {
			ID         string
			Similarity float64
			Exact      bool
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	if got.Model != hugot.ModelName || len(got.Scores) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		exact    bool
		from, to float64
	}{{true, 0.9, 1}, {true, 0.95, 1}, {false, 0.3, 0.9}} {
		if s := got.Scores[i]; s.Exact != want.exact || s.Similarity < want.from || s.Similarity > want.to {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMistakesInTheConfigurationAreToldTogether(t *testing.T) {
	_, err := newProgram(lookup(map[string]string{"LOG_LEVEL": "loud"}), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "UNDERSTUDY_SERVICE_TOKEN") || !strings.Contains(err.Error(), "LOG_LEVEL") {
		t.Error(err)
	}
}

func TestAMissingModelEndsTheProgramWithAReason(t *testing.T) {
	p, err := newProgram(lookup(map[string]string{
		"LISTEN_ADDR": "127.0.0.1:0", "MODEL_DIR": t.TempDir(), "UNDERSTUDY_SERVICE_TOKEN": "token"}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "lacks model.onnx") {
		t.Error(err)
	}
}
