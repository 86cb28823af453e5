package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"understudy.dev/inference/internal/batch"
)

// backend keeps prompts and answers as the real one does, in memory.
type backend struct {
	t       *testing.T
	srv     *httptest.Server
	prompts []batch.Prompt

	mu      sync.Mutex
	answers map[string]batch.Answer // by id/variant
	order   []string                // as answered, repeats included
	posts   int
	faults  map[string]int // method -> how many calls yet to refuse, with
	status  int            // this status
	deaf    bool           // answers are taken and forgotten
	hold    chan struct{}  // not nil: posts after the first wait for it
	first   chan struct{}  // closed at the first post stored
}

func newBackend(t *testing.T, prompts ...batch.Prompt) *backend {
	b := &backend{t: t, answers: map[string]batch.Answer{}, faults: map[string]int{}, first: make(chan struct{})}
	for i, p := range prompts {
		p.Seq = int64(i + 1)
		b.prompts = append(b.prompts, p)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /internal/v1/models/m1/evaluations/3/prompts", b.list)
	mux.HandleFunc("POST /internal/v1/models/m1/evaluations/3/answers", b.store)
	mux.HandleFunc("GET /v1/artifacts/{sum}", func(w http.ResponseWriter, _ *http.Request) { w.Write(adapter) })
	b.srv = httptest.NewServer(mux)
	t.Cleanup(b.srv.Close)
	return b
}

var adapter = []byte("an adapter")

// env is what makes inference answer this backend's prompts.
func (b *backend) env(more ...string) []string {
	dir := b.t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("pod\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256(adapter)
	return append([]string{"MODE=batch", "BACKEND_URL=" + b.srv.URL, "TRAINER_URL=" + b.srv.URL, "TOKEN_FILE=" + token,
		"MODEL_ID=m1", "ATTEMPT=3", "MODEL_DIR=" + dir, "ADAPTER_SHA256=" + hex.EncodeToString(sum[:]), "SLOTS=2"}, more...)
}

// faulty refuses a call as told; it also checks the token.
func (b *backend) faulty(w http.ResponseWriter, r *http.Request) bool {
	if got := r.Header.Get("Authorization"); got != "Bearer pod" {
		b.t.Errorf("Authorization %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.faults[r.Method] == 0 {
		return false
	}
	b.faults[r.Method]--
	http.Error(w, "told to refuse", b.status)
	return true
}

func (b *backend) list(w http.ResponseWriter, r *http.Request) {
	if b.faulty(w, r) {
		return
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	b.mu.Lock()
	defer b.mu.Unlock()
	page := batch.Page{Items: []batch.Prompt{}, Next: after, Total: len(b.prompts), Remaining: len(b.prompts) - len(b.answers)}
	for _, p := range b.prompts {
		if _, done := b.answers[p.ID+"/"+p.Variant]; !done && p.Seq > after && len(page.Items) < limit {
			page.Items = append(page.Items, p)
			page.Next = p.Seq
		}
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (b *backend) store(w http.ResponseWriter, r *http.Request) {
	if b.faulty(w, r) {
		return
	}
	var body struct{ Answers []batch.Answer }
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil || len(body.Answers) > batch.MaxAnswers {
		b.t.Errorf("a post of %d answers: %v", len(body.Answers), err)
	}
	b.mu.Lock()
	b.posts++
	hold := b.hold
	if b.posts == 1 {
		hold = nil
		defer close(b.first)
	}
	b.mu.Unlock()
	if hold != nil {
		<-hold
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range body.Answers {
		if !bytes.HasPrefix(a.ToolCalls, []byte("[")) {
			b.t.Errorf("toolCalls %s", a.ToolCalls)
		}
		b.order = append(b.order, a.ID+"/"+a.Variant)
		if !b.deaf {
			b.answers[a.ID+"/"+a.Variant] = a
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func prompt(id, variant, text string) batch.Prompt {
	return batch.Prompt{ID: id, Variant: variant, MaxTokens: 64,
		Request: json.RawMessage(fmt.Sprintf(`{"messages":[{"role":"system","content":"Label it."},{"role":"user","content":%q}]}`, text))}
}

// mixed is n prompts for the model and for its base, side by side.
func mixed(n int) (all []batch.Prompt) {
	for i := range n {
		id := fmt.Sprintf("p%03d", i)
		all = append(all, prompt(id, batch.Base, "text "+id), prompt(id, batch.Tuned, "text "+id))
	}
	return all
}

func (b *backend) complete() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.prompts {
		want := map[string]string{batch.Tuned: "echo: text ", batch.Base: "base: text "}[p.Variant] + p.ID
		if a := b.answers[p.ID+"/"+p.Variant]; a.Text != want || a.Error != "" || a.FinishReason != "stop" || a.TokensIn == 0 || a.TokensOut != 3 {
			b.t.Errorf("%s/%s got %+v", p.ID, p.Variant, a)
		}
	}
}

func TestABatchAnswersEveryPromptTheTunedOnesFirst(t *testing.T) {
	b := newBackend(t, mixed(130)...)
	p := start(t, b.env("SLOTS=1", "EVALUATION_BATCH_SIZE=50")...)
	model := group(t, baseFile(p))
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	b.complete()
	for i, name := range b.order {
		if want := map[bool]string{true: "/tuned", false: "/base"}[i < 130]; !strings.HasSuffix(name, want) {
			t.Fatalf("answer %d is %s", i, name)
		}
	}
	gone(t, model)
}

func TestABatchThatWasKilledGoesOn(t *testing.T) {
	b := newBackend(t, mixed(120)...)
	b.hold = make(chan struct{})
	env := b.env()
	first := start(t, env...)
	<-b.first // some answers are stored; the next post hangs
	model := group(t, baseFile(first))
	first.signal(syscall.SIGKILL)
	first.exit()
	gone(t, model)
	b.mu.Lock()
	stored := slices.Clone(b.order)
	close(b.hold)
	b.hold = nil
	b.mu.Unlock()
	if len(stored) == 0 || len(stored) == len(b.prompts) {
		t.Fatalf("%d answers of %d were stored before the kill", len(stored), len(b.prompts))
	}
	second := start(t, env...)
	if code := second.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	b.complete()
	for _, name := range b.order[len(stored):] {
		if slices.Contains(stored, name) {
			t.Errorf("%s was answered again", name)
		}
	}
}

func TestABatchOutlivesARestartingBackend(t *testing.T) {
	b := newBackend(t, mixed(5)...)
	b.status, b.faults = http.StatusServiceUnavailable, map[string]int{"GET": 2, "POST": 2}
	if code := start(t, b.env()...).exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	b.complete()
}

func TestABatchEndsWithAReasonWhereItCannotGoOn(t *testing.T) {
	cases := map[string]struct {
		break_ func(*backend)
		env    string
		says   string
	}{
		"the token is refused":       {func(b *backend) { b.status, b.faults = 401, map[string]int{"GET": 99} }, "", "answered 401"},
		"the attempt is over":        {func(b *backend) { b.status, b.faults = 409, map[string]int{"POST": 99} }, "", "answered 409"},
		"answers are never kept":     {func(b *backend) { b.deaf = true }, "", "still waits for 2 answers"},
		"the model does not start":   {func(*backend) {}, "LLAMA_SERVER=/bin/false", "does not start"},
		"the adapter has other sums": {func(*backend) {}, "ADAPTER_SHA256=" + strings.Repeat("ab", 32), "sha256 does not match"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, mixed(1)...)
			c.break_(b)
			p := start(t, b.env(c.env)...)
			if code := p.exit(); code != 1 {
				t.Errorf("exit status %d", code)
			}
			if !strings.Contains(p.output(), c.says) {
				t.Errorf("%q was not said", c.says)
			}
		})
	}
}

func TestAPromptThatFailsIsAnAnswerWithItsError(t *testing.T) {
	cases := map[string]struct {
		text, says string
	}{
		"hangs the model":      {"[[hang]]", "no answer within 3s"},
		"kills the model":      {"[[crash]]", "the model server ended before it answered"},
		"is too long":          {strings.Repeat("word ", 3000), "exceeds the available context"},
		"is answered nonsense": {"[[broken]]", "no completion"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bad := prompt("bad", batch.Tuned, c.text)
			b := newBackend(t, bad, prompt("good", batch.Tuned, "text good"))
			if code := start(t, b.env("REQUEST_TIMEOUT=3s", "SLOTS=1")...).exit(); code != 0 { // what a busy machine may take for the good one
				t.Errorf("exit status %d", code)
			}
			if a := b.answers["bad/tuned"]; !strings.Contains(a.Error, c.says) || a.Text != "" {
				t.Errorf("bad got %+v", a)
			}
			if a := b.answers["good/tuned"]; a.Text != "echo: text good" || a.Error != "" {
				t.Errorf("good got %+v", a)
			}
		})
	}
}

func TestAPromptThatKillsTheModelTakesNoOtherAlong(t *testing.T) {
	prompts := []batch.Prompt{prompt("bad", batch.Tuned, "[[slow:100ms]] one two three four [[die]]")}
	for _, id := range []string{"a", "b", "c"} { // running when the first try kills the model
		prompts = append(prompts, prompt(id, batch.Tuned, "[[slow:200ms]]"))
	}
	b := newBackend(t, prompts...)
	if code := start(t, b.env("SLOTS=4")...).exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	for _, p := range prompts {
		if a := b.answers[p.ID+"/tuned"]; (a.Error == "") == (p.ID == "bad") {
			t.Errorf("%s got %+v", p.ID, a)
		}
	}
}

func TestSIGTERMPostsWhatABatchHas(t *testing.T) {
	b := newBackend(t, prompt("quick", batch.Tuned, "text quick"), prompt("slow", batch.Tuned, "[[slow:1h]]"))
	p := start(t, b.env("SLOTS=1")...)
	// 3 tokens of the question whether it is ready, 8 of the quick prompt, 7 of
	// the slow one, which is asked when the quick one's answer is there.
	p.metric(`tokens_total{kind="prompt"}`, "18")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	if a := b.answers["quick/tuned"]; a.Text == "" {
		t.Error("the answer that was there is lost")
	}
	if _, answered := b.answers["slow/tuned"]; answered {
		t.Error("a prompt that was cut counts as answered")
	}
}

func TestAnEmptyBatchIsDone(t *testing.T) {
	if code := start(t, newBackend(t).env()...).exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}
