package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// house is a gateway with everything around it, over loopback.
type house struct {
	*Gateway
	t        *testing.T
	cfg      Config
	url      string
	db       *memory
	llm, slm *server
	pods     *addresses
	random   atomic.Value // func() float64
	stopRun  context.CancelFunc
	ran      chan struct{}
	front    *httptest.Server
}

const (
	clientKey   = "uk-test-key"
	upstreamKey = "sk-upstream-secret"
	system      = "Label the message."
)

func hash(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }

// task is the fingerprint of the requests that ask makes.
func task() string {
	c := understudy.Chat{Messages: []understudy.Message{{Role: "system", Content: []byte(`"` + system + `"`)}}}
	return c.TaskFingerprint(understudy.FingerprintFull, "")
}

// open starts a house: endpoint "triage" on the LLM, no SLM on stage.
func open(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	h := &house{t: t, db: newMemory(), pods: &addresses{}, llm: newServer(t, says("gpt-4o-mini-2024", "the LLM's answer")), slm: newServer(t, says("triage-v1", "the SLM's answer"))}
	h.random.Store(func() float64 { return 0.5 })
	e := understudy.NewEndpoint("triage", "main", "gpt-4o-mini", 0.85)
	e.SLMFirstTokenTimeout, e.SLMTotalTimeout = time.Minute, time.Minute // a busy machine is no failing SLM
	h.db.snapshot = understudy.Snapshot{
		Generation: 1,
		Endpoints:  map[string]understudy.EndpointRoute{"triage": {Endpoint: e}},
		Keys:       map[string]understudy.KeyRoute{hash(clientKey): {ID: "k1"}},
	}
	h.cfg = Config{
		DataDir: t.TempDir(), Replica: "test", Source: h.db, Pairs: h.db, Activity: h.db, Addresses: h.pods,
		Upstreams: map[string]understudy.Upstream{"main": {
			Name: "main", Kind: understudy.UpstreamOpenAI, BaseURL: h.llm.URL + "/v1", Key: upstreamKey,
			Prices: map[string]understudy.Price{"gpt-4o-mini": {Input: 1, Output: 2}},
		}},
		Random: func() float64 { return h.random.Load().(func() float64)() },
	}
	for _, f := range change {
		f(&h.cfg)
	}
	h.start()
	return h
}

func (h *house) start() {
	h.t.Helper()
	g, err := New(h.cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Gateway = g
	h.front = httptest.NewServer(g)
	h.url = h.front.URL
	ctx, stop := context.WithCancel(context.Background())
	h.stopRun, h.ran = stop, make(chan struct{})
	go func() { defer close(h.ran); _ = g.Run(ctx) }()
	h.t.Cleanup(h.stop)
	h.db.mu.Lock()
	down := h.db.down
	h.db.mu.Unlock()
	if !down {
		h.db.await(h.t, "the gateway is ready", func() bool { return g.Ready() == nil })
	}
}

func (h *house) stop() {
	h.front.CloseClientConnections()
	h.front.Close()
	h.stopRun()
	<-h.ran
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Gateway.Close(ctx); err != nil {
		h.t.Errorf("close: %v", err)
	}
}

// change edits the routes and waits until the gateway has them.
func (h *house) change(f func(s *understudy.Snapshot)) {
	h.t.Helper()
	h.db.set(f)
	if err := h.Refresh(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// stage puts the SLM on stage for the task of ask.
func (h *house) stage(f ...func(*understudy.Endpoint, *understudy.Target)) {
	h.t.Helper()
	h.pods.set(h.slm.URL)
	h.change(func(s *understudy.Snapshot) {
		r := s.Endpoints["triage"]
		r.Endpoint.TeacherShare = 0
		r.Target = &understudy.Target{
			ModelID: "m1", Version: 1, Release: "slm-triage-v1", Alias: "triage-v1", ContextLength: 2048,
			Fingerprints: map[string]bool{task(): true}, JSONTasks: map[string]bool{},
		}
		for _, g := range f {
			g(&r.Endpoint, r.Target)
		}
		s.Endpoints["triage"] = r
	})
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// ask sends a chat completion with more fields at its end, e.g. `,"stream":true`.
func (h *house) ask(more string, headers ...string) reply {
	h.t.Helper()
	return h.post(`{"model":"triage","messages":[{"role":"system","content":"`+system+`"},{"role":"user","content":"Where is my parcel 17?"}]`+more+`}`, headers...)
}

func (h *house) post(body string, headers ...string) reply {
	h.t.Helper()
	return h.send(h.t.Context(), "POST", "/v1/chat/completions", body, headers...)
}

func (h *house) send(ctx context.Context, method, path, body string, headers ...string) reply {
	h.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+clientKey)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(raw), err}
}

// pair waits for the pair that a reply told of.
func (h *house) pair(r reply) understudy.Pair {
	h.t.Helper()
	id := r.header.Get("X-Understudy-Pair")
	if id == "" {
		h.t.Fatalf("the reply names no pair: %d %s", r.status, r.body)
	}
	var p understudy.Pair
	h.db.await(h.t, "the pair is stored", func() bool {
		h.db.mu.Lock()
		defer h.db.mu.Unlock()
		var ok bool
		p, ok = h.db.pairs[id]
		return ok
	})
	return p
}

// want compares who answered and why.
func (h *house) want(r reply, source understudy.Source, reason understudy.Reason) {
	h.t.Helper()
	if r.err != nil || r.status != 200 || r.header.Get("X-Understudy-Source") != string(source) || r.header.Get("X-Understudy-Reason") != string(reason) {
		h.t.Errorf("got %d (%v) from %q because %q, want %s because %s: %.300s", r.status, r.err,
			r.header.Get("X-Understudy-Source"), r.header.Get("X-Understudy-Reason"), source, reason, r.body)
	}
}
