package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	understudy "understudy.dev/backend"
)

// memory is the database of these tests: pairs, routes and activity, with a
// switch that makes it fail.
type memory struct {
	mu        sync.Mutex
	down      bool
	snapshot  understudy.Snapshot
	pairs     map[string]understudy.Pair
	twice     int // inserts of an id that was there
	activity  map[string]understudy.Activity
	heartbeat int64
	changed   chan struct{} // closed and replaced by every change
}

var errDown = errors.New("connection refused by the test")

func newMemory() *memory {
	return &memory{pairs: map[string]understudy.Pair{}, activity: map[string]understudy.Activity{}, changed: make(chan struct{})}
}

func (m *memory) do(f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	defer func() { close(m.changed); m.changed = make(chan struct{}) }()
	return f()
}

func (m *memory) Snapshot(context.Context) (s understudy.Snapshot, err error) {
	return s, m.do(func() error {
		raw, _ := json.Marshal(m.snapshot) // a copy that shares nothing
		s = understudy.Snapshot{}
		return json.Unmarshal(raw, &s)
	})
}

func (m *memory) RouteGeneration(context.Context) (n int64, err error) {
	return n, m.do(func() error { n = m.snapshot.Generation; return nil })
}

func (m *memory) InsertPairs(_ context.Context, pairs []understudy.Pair) error {
	return m.do(func() error {
		for _, p := range pairs {
			if _, ok := m.pairs[p.ID]; ok {
				m.twice++
				continue
			}
			m.pairs[p.ID] = p
		}
		return nil
	})
}

func (m *memory) Ping(context.Context) error { return m.do(func() error { return nil }) }

func (m *memory) UpsertActivity(_ context.Context, list []understudy.Activity) error {
	return m.do(func() error {
		for _, a := range list {
			m.activity[a.Endpoint] = a
		}
		return nil
	})
}

func (m *memory) Heartbeat(_ context.Context, _ string, generation int64, _ time.Time) error {
	return m.do(func() error { m.heartbeat = generation; return nil })
}

func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

func (m *memory) set(f func(s *understudy.Snapshot)) {
	_ = m.do(func() error { f(&m.snapshot); m.snapshot.Generation++; return nil })
}

func (m *memory) all() []understudy.Pair {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]understudy.Pair, 0, len(m.pairs))
	for _, p := range m.pairs {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b understudy.Pair) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// await waits for a condition that may change with every call of the memory.
func (m *memory) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		changed := m.changed
		m.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// server answers with a handler that a test may change, and keeps requests.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.HandlerFunc
	bodies  []string
	headers []http.Header
	paths   []string
}

func newServer(t *testing.T, h http.HandlerFunc) *server {
	s := &server{handler: h}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		s.mu.Lock()
		s.bodies, s.headers, s.paths = append(s.bodies, string(raw)), append(s.headers, r.Header.Clone()), append(s.paths, r.URL.RequestURI())
		h := s.handler
		s.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) use(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// says answers with a text, as a stream where one is asked for. The text comes
// in pieces of four bytes.
func says(model, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if gjson.GetBytes(raw, "stream").Bool() {
			stream(w, model, text, gjson.GetBytes(raw, "stream_options.include_usage").Bool())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`, model, text)
	}
}

func chunk(model, delta, finish string) string {
	if finish != "null" {
		finish = `"` + finish + `"`
	}
	return fmt.Sprintf(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":%q,"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}`+"\n\n", model, delta, finish)
}

func send(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		io.WriteString(w, e)
		w.(http.Flusher).Flush()
	}
}

const usageChunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}` + "\n\n"

func stream(w http.ResponseWriter, model, text string, usage bool) {
	events := []string{chunk(model, `{"role":"assistant","content":null}`, "null")}
	for i := 0; i < len(text); i += 4 {
		piece, _ := json.Marshal(map[string]string{"content": text[i:min(i+4, len(text))]})
		events = append(events, chunk(model, string(piece), "null"))
	}
	events = append(events, chunk(model, `{}`, "stop"))
	if usage {
		events = append(events, usageChunk)
	}
	send(w, append(events, "data: [DONE]\n\n")...)
}

// addresses are the pods of every release.
type addresses struct {
	mu   sync.Mutex
	urls []string
}

func (a *addresses) Ready(string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.urls)
}

func (a *addresses) set(urls ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.urls = urls
}
