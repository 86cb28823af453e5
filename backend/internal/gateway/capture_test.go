package gateway

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
)

// askMany sends n requests, half of them streamed, and returns the pairs that
// the client was told of.
func (h *house) askMany(n int) map[string]bool {
	told := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			more := ""
			if i%2 == 0 {
				more = `,"stream":true`
			}
			r := h.ask(more)
			h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
			mu.Lock()
			defer mu.Unlock()
			told[r.header.Get("X-Understudy-Pair")] = true
		})
	}
	wg.Wait()
	return told
}

func TestADatabaseOutageCostsNoRequestAndNoPair(t *testing.T) {
	h := open(t)
	told := h.askMany(100)
	h.db.setDown(true)
	for id := range h.askMany(200) {
		told[id] = true
	}
	h.stop() // SIGTERM with the database still down
	h.cfg.Metrics = nil
	h.start()
	for id := range h.askMany(100) {
		told[id] = true
	}
	h.db.setDown(false)
	h.db.await(t, "every pair is stored", func() bool { return len(h.db.all()) == 400 })
	for _, p := range h.db.all() {
		if !told[p.ID] || !p.Complete || p.Answer.Text != "the LLM's answer" {
			t.Fatalf("%+v", p)
		}
	}
}

func TestOnTheRealDatabase(t *testing.T) {
	ctx := t.Context()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "understudy.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateEndpoint(ctx, understudy.NewEndpoint("triage", "main", "gpt-4o-mini", 0.85)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateKey(ctx, understudy.Key{Name: "test", Hash: hash(clientKey), Prefix: "uk-test-"}); err != nil {
		t.Fatal(err)
	}
	h := open(t, func(c *Config) { c.Source, c.Pairs, c.Activity = db, db, db })
	told := h.askMany(60)
	// What no text column takes must not hold up the rest.
	h.llm.use(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"choices":[{"message":{"content":"nul \u0000 and \ud800"},"finish_reason":"stop"}]}`)
	})
	odd := h.ask(`,"user":"a\u0000b","metadata":{"x":"\ud800"},"stop":"\u0000"`)
	told[odd.header.Get("X-Understudy-Pair")] = true
	h.db.await(t, "the counters know them all", func() bool {
		c, err := db.Counters(context.WithoutCancel(ctx), "triage")
		return err == nil && c.Pairs == 61
	})
	for id := range told {
		p, err := db.Pair(ctx, id)
		if err != nil || !p.Complete || p.Endpoint != "triage" {
			t.Errorf("%s: %v %+v", id, err, p)
		}
		if id == odd.header.Get("X-Understudy-Pair") && !strings.HasPrefix(p.Answer.Text, "nul ") {
			t.Errorf("%q", p.Answer.Text)
		}
	}
}
