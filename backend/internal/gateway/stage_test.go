package gateway

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	understudy "understudy.dev/backend"
)

func TestASecondPodIsTriedBeforeTheLLM(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"refused":       nil,
		"full":          func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", 429) },
		"still loading": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "loading", 503) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.stage()
			bad := newServer(t, first)
			if first == nil {
				bad.Close()
			}
			h.pods.set(bad.URL, h.slm.URL)
			for i := range 12 { // the order is random where both are idle
				more := ""
				if i%2 == 1 {
					more = `,"stream":true`
				}
				h.want(h.ask(more), understudy.SourceSLM, understudy.ReasonNormal)
			}
			if first != nil && len(bad.requests()) == 0 {
				t.Error("the first pod was never tried")
			}
		})
	}
}

func TestTheLeastBusyPodIsAsked(t *testing.T) {
	h := open(t)
	h.stage()
	free := make(chan struct{})
	entered := make(chan struct{}, 2)
	h.slm.use(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-free
		says("triage-v1", "slow")(w, r)
	})
	done := make(chan reply)
	go func() { done <- h.ask("") }()
	<-entered
	idle := newServer(t, says("triage-v1", "quick"))
	h.pods.set(h.slm.URL, idle.URL)
	for range 5 {
		if r := h.ask(""); !strings.Contains(r.body, "quick") {
			t.Errorf("%s", r.body)
		}
	}
	close(free)
	h.want(<-done, understudy.SourceSLM, understudy.ReasonNormal)
}

func TestAnSLMThatFailsAgainAndAgainIsLeftAlone(t *testing.T) {
	h := open(t)
	h.stage()
	h.slm.use(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "x", 500) })
	for range breakAfter {
		h.want(h.ask(""), understudy.SourceLLM, understudy.ReasonFallback)
	}
	r := h.ask("")
	h.want(r, understudy.SourceLLM, understudy.ReasonNormal)
	if len(h.slm.requests()) != breakAfter || !h.pair(r).Teaches() {
		t.Errorf("%d requests", len(h.slm.requests()))
	}
	// a new version on stage starts with a clean sheet
	h.slm.use(says("triage-v2", "x"))
	h.stage(func(_ *understudy.Endpoint, tg *understudy.Target) { tg.ModelID = "m2" })
	h.want(h.ask(""), understudy.SourceSLM, understudy.ReasonNormal)
}

func TestAFullSLMIsNotABrokenOne(t *testing.T) {
	h := open(t)
	h.stage()
	h.slm.use(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "full", 429) })
	for range 2 * breakAfter {
		h.want(h.ask(""), understudy.SourceLLM, understudy.ReasonFallback)
	}
}

func TestKillingTheSLMUnderLoadFailsNoRequest(t *testing.T) {
	h := open(t)
	h.stage()
	slow := func(w http.ResponseWriter, r *http.Request) { // several requests are in each state at the kill
		send(w, chunk("triage-v1", `{"role":"assistant","content":null}`, "null"))
		for range 10 {
			time.Sleep(4 * time.Millisecond)
			send(w, chunk("triage-v1", `{"content":"word "}`, "null"))
		}
		send(w, chunk("triage-v1", `{}`, "stop"), "data: [DONE]\n\n")
	}
	h.slm.use(slow)
	const total, killAt, backAt = 240, 80, 160
	var sent, cut, slm, failed atomic.Int64
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16) // in flight at a time
	for i := range total {
		slots <- struct{}{}
		switch i {
		case killAt:
			h.slm.kill(t)
		case backAt:
			h.slm = newServer(t, slow)
			h.pods.set(h.slm.URL)
		}
		wg.Go(func() {
			defer func() { <-slots }()
			more := ""
			if i%2 == 0 {
				more = `,"stream":true`
			}
			r := h.ask(more)
			sent.Add(1)
			if r.header.Get("X-Understudy-Source") == "slm" {
				slm.Add(1)
			}
			switch {
			case r.err != nil || r.status != 200:
				failed.Add(1)
				t.Errorf("request %d: %d %v %s", i, r.status, r.err, r.body)
			case more != "" && strings.Contains(r.body, "slm_broke_off"):
				cut.Add(1)
			case more != "" && !strings.HasSuffix(r.body, "data: [DONE]\n\n"), strings.Contains(r.body, `"error"`):
				failed.Add(1)
				t.Errorf("request %d: %s", i, r.body)
			}
		})
	}
	wg.Wait()
	t.Logf("%d requests, %d by the SLM, %d streams cut after their first content, %d failed", sent.Load(), slm.Load(), cut.Load(), failed.Load())
	if got := testutil.ToFloat64(h.meter.broken.WithLabelValues("triage", "slm")); int64(got) != cut.Load() {
		t.Errorf("%v broken streams were counted, %d were seen", got, cut.Load())
	}
	if slm.Load() < 50 || slm.Load() == total {
		t.Errorf("%d of %d by the SLM: the kill hit nothing", slm.Load(), total)
	}
	h.db.await(t, "every pair is stored", func() bool { return len(h.db.all()) == total })
}

// kill is what kill -9 does to a server: every connection is cut, new ones
// are refused.
func (s *server) kill(t *testing.T) {
	t.Helper()
	s.Listener.Close()
	s.CloseClientConnections()
}

func TestAWishToWakeIsToldOnceAndAtOnce(t *testing.T) {
	woken := make(chan string, 10)
	h := open(t, func(c *Config) { c.Wake = func(e string) { woken <- e } })
	h.stage(func(_ *understudy.Endpoint, tg *understudy.Target) { tg.Asleep = true })
	for range 5 {
		h.want(h.ask(""), understudy.SourceLLM, understudy.ReasonNormal)
	}
	if e := <-woken; e != "triage" {
		t.Error(e)
	}
	h.db.await(t, "the wish is recorded", func() bool {
		h.db.mu.Lock()
		defer h.db.mu.Unlock()
		a := h.db.activity["triage"]
		return a.LastWantedAt != nil && a.LastServedAt == nil && a.Replica == "test"
	})
	select {
	case <-woken:
		t.Error("told twice")
	default:
	}
}

func TestActivityAndHeartbeatAreReported(t *testing.T) {
	h := open(t)
	h.stage()
	h.want(h.ask(""), understudy.SourceSLM, understudy.ReasonNormal)
	h.Gateway.activity.beat()
	h.db.await(t, "the activity is stored", func() bool {
		h.db.mu.Lock()
		defer h.db.mu.Unlock()
		a := h.db.activity["triage"]
		return a.LastServedAt != nil && a.LastWantedAt != nil && a.InFlight == 0 && h.db.heartbeat == h.db.snapshot.Generation
	})
}

func TestBypassSendsEverythingToTheLLM(t *testing.T) {
	for name, on := range map[string]func(*house){
		"by the database": func(h *house) { h.change(func(s *understudy.Snapshot) { s.Bypass = true }) },
		"by a file, with the database down": func(h *house) {
			h.db.setDown(true)
			if err := os.WriteFile(filepath.Join(h.cfg.DataDir, "bypass"), nil, 0o600); err != nil {
				h.t.Fatal(err)
			}
			h.db.await(h.t, "the gateway has seen the file", func() bool { return h.bypassed.Load() })
		},
		"by the environment": func(h *house) { h.stop(); h.cfg.Bypass, h.cfg.Metrics = true, nil; h.start() },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.stage()
			h.want(h.ask(""), understudy.SourceSLM, understudy.ReasonNormal)
			on(h)
			for _, route := range []string{"auto", "slm"} {
				h.want(h.ask("", "X-Understudy-Route", route), understudy.SourceLLM, understudy.ReasonNormal)
			}
		})
	}
}

func TestAChangeIsSeenWithoutWaiting(t *testing.T) {
	changes := make(chan struct{}, 1)
	h := open(t, func(c *Config) { c.Changes = changes })
	h.db.set(func(s *understudy.Snapshot) {
		s.Endpoints["new"] = understudy.EndpointRoute{Endpoint: understudy.NewEndpoint("new", "main", "gpt", 0.8)}
	})
	changes <- struct{}{}
	h.db.await(t, "the endpoint is there", func() bool { return h.state.Load().Endpoints["new"].Endpoint.Name == "new" })
	// and without a message, by polling
	h.db.set(func(s *understudy.Snapshot) { delete(s.Endpoints, "new") })
	h.db.await(t, "the endpoint is gone", func() bool { return h.state.Load().Endpoints["new"].Endpoint.Name == "" })
}

func TestItStartsFromTheSavedSnapshotWhileTheDatabaseIsDown(t *testing.T) {
	h := open(t)
	h.stage()
	h.stop()
	h.db.setDown(true)
	h.cfg.Metrics = nil
	h.start()
	if err := h.Ready(); err != nil {
		t.Fatal(err)
	}
	r := h.ask("")
	h.want(r, understudy.SourceSLM, understudy.ReasonNormal)
	h.db.setDown(false)
	h.pair(r) // what was captured meanwhile comes in afterwards
}

// cached is what another replica has saved.
type cached struct {
	mu  sync.Mutex
	raw []byte
}

func (c *cached) SaveSnapshot(_ context.Context, raw []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
	return nil
}

func (c *cached) LoadSnapshot(context.Context) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw, nil
}

func TestItStartsFromAnotherReplicasSnapshot(t *testing.T) {
	shared := &cached{}
	first := open(t, func(c *Config) { c.Cache = shared })
	h := open(t, func(c *Config) {
		c.Cache, c.Upstreams = shared, first.cfg.Upstreams
		c.Source.(*memory).setDown(true)
	})
	h.db.await(t, "the gateway is ready", func() bool { return h.Ready() == nil })
	h.want(h.ask(""), understudy.SourceLLM, understudy.ReasonNormal)
}

func TestTwoGatewaysAfterOneAnotherShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := open(t, func(c *Config) { c.Metrics = reg })
	h.ask("")
	h.stop()
	h.start()
	h.ask("")
	if n, err := testutil.GatherAndCount(reg, "understudy_gateway_requests_total"); n != 1 || err != nil {
		t.Errorf("%d series: %v", n, err)
	}
}

func TestWithoutAnySnapshotItSaysSo(t *testing.T) {
	h := open(t, func(c *Config) { c.Source.(*memory).setDown(true) })
	if h.Ready() == nil {
		t.Error("ready without routes")
	}
	r := h.ask("")
	if r.status != 503 || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "understudy_error") {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	h.db.setDown(false)
	h.db.await(t, "the gateway is ready", func() bool { return h.Ready() == nil })
	h.want(h.ask(""), understudy.SourceLLM, understudy.ReasonNormal)
}

func TestPodsAreForgottenWhenIdle(t *testing.T) {
	p := newPods()
	for i := range 10 {
		p.enter(fmt.Sprint(i))()
	}
	if len(p.busy) != 0 {
		t.Errorf("%v", p.busy)
	}
}
