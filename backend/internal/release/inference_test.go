package release

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/release/releasetest"
)

// openInference is a stage whose image is the real inference server with a
// stand-in for llama-server behind it.
func openInference(t *testing.T, platform string) *local {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/inference", "./cmd/fakellama")
	build.Dir = "../../../inference"
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the inference server does not build: %v\n%s", err, out)
	}
	return openLocal(t, func(l *local) {
		l.node.Binaries["understudy-slm-inference"] = filepath.Join(bin, "inference")
		l.node.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "FAKELLAMA_LOADING=10ms", "LLAMA_SERVER=" + filepath.Join(bin, "fakellama")}
		l.config.BackendURL, l.config.TrainerURL = platform, platform
		l.base.Serve.SHA256 = releasetest.Sum("weights")
	})
}

// platform is as much of trainer and backend as a pod calls.
type platform struct {
	*httptest.Server
	files map[string]string // by SHA-256

	mu      sync.Mutex
	answers []map[string]any
}

func newPlatform(t *testing.T, token string, files ...string) *platform {
	p := &platform{files: map[string]string{}}
	for _, f := range files {
		p.files[releasetest.Sum(f)] = f
	}
	const evaluation = "/internal/v1/models/0198c0de-0000-7000-8000-000000000001/evaluations/1/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/artifacts/{sum}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, p.files[r.PathValue("sum")]) })
	mux.HandleFunc("GET "+evaluation+"prompts", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{map[string]any{"seq": 1, "id": "p1", "variant": "tuned", "maxTokens": 16,
			"request": map[string]any{"messages": []any{map[string]any{"role": "user", "content": "Where is my parcel?"}}}}}
		items = items[min(len(p.answers), 1):]
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "next": 1, "total": 1, "remaining": len(items)})
	})
	mux.HandleFunc("POST "+evaluation+"answers", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Answers []map[string]any }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		p.answers = append(p.answers, body.Answers...)
		p.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("%s %s with %q", r.Method, r.URL.Path, got)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

const testManifest = `{"base":"tiny","chatTemplate":"{{ messages }}","stopTokens":[]}`

func realRelease(l *local, mode understudy.ReleaseMode) understudy.Release {
	r := l.release("triage", mode)
	r.Adapter.SHA256, r.Manifest.SHA256 = releasetest.Sum("an adapter"), releasetest.Sum(testManifest)
	return r
}

func TestTheRealInferenceServerServesARelease(t *testing.T) {
	p := newPlatform(t, "the-pods-token", "an adapter", testManifest)
	l := openInference(t, p.URL)
	r := realRelease(l, understudy.ModeServe)
	l.apply(t, r)
	l.serving(t, r.Name)
	res, err := http.Post(l.Ready(r.Name)[0]+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"triage-v1","messages":[{"role":"user","content":"Where is my parcel?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"choices"`) {
		t.Errorf("%s: %s", res.Status, body)
	}
	// An adapter that cannot be pulled: the old pod goes on serving.
	address := l.Ready(r.Name)[0]
	r.Adapter.SHA256 = releasetest.Sum("what the trainer does not have")
	l.apply(t, r)
	w := releasetest.Await(t, l, r.Name, "failing", func(w understudy.WorkloadState, _ []string) bool {
		return w.Ready == 0 && (strings.Contains(w.Reason, "not ready") || strings.Contains(w.Reason, "CrashLoopBackOff"))
	})
	if now := l.Ready(r.Name); len(now) != 1 || now[0] != address {
		t.Errorf("%s became %v", address, now)
	}
	t.Log(w.Reason)
}

func TestTheRealInferenceServerAnswersABatch(t *testing.T) {
	p := newPlatform(t, "the-pods-token", "an adapter", testManifest)
	l := openInference(t, p.URL)
	r := realRelease(l, understudy.ModeBatch)
	l.apply(t, r)
	w := releasetest.Await(t, l, r.Name, "done", func(w understudy.WorkloadState, _ []string) bool { return w.Succeeded || w.Failed })
	if !w.Succeeded {
		t.Fatalf("%+v", w)
	}
	if len(p.answers) == 0 || p.answers[0]["id"] != "p1" || p.answers[0]["error"] != "" {
		t.Errorf("answers: %v", p.answers)
	}
}
