// Package gateway is the OpenAI-compatible hot path: it routes each request to
// the LLM or to the SLM on stage, falls back where the SLM does not do, and
// captures the pairs that teach. It never waits for the database, for Redis or
// for Kubernetes.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"understudy.dev/backend/internal/gateway/capture"
)

// Gateway serves /v1/*. It records from New until Close; Run keeps its route
// fresh meanwhile.
type Gateway struct {
	cfg       Config
	log       *slog.Logger
	metrics   *registry
	meter     *meter
	upstreams map[string]*upstream
	fallback  *upstream // takes models that are no endpoint, nil if none does
	slm       *http.Transport
	recorder  *capture.Recorder

	state    atomic.Pointer[state]
	refresh  sync.Mutex
	refused  atomic.Bool // the source did not answer last time
	bypassed atomic.Bool // the switch file is there

	activity *activity
	pods     *pods
	breakers *breakers
	shadows  chan struct{} // slots for answering samples off the path
	running  sync.WaitGroup
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
}

// shadowSlots is how many samples the SLM answers at a time; more are dropped.
const shadowSlots = 2

// New checks the configuration, loads the last snapshot from disk and starts
// recording. The caller must Close the gateway.
func New(cfg Config) (*Gateway, error) {
	if cfg.DataDir == "" || cfg.Source == nil || cfg.Pairs == nil {
		return nil, errors.New("the gateway needs DataDir, Source and Pairs")
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.MaxCapture <= 0 {
		cfg.MaxCapture = 1 << 20
	}
	if cfg.UpstreamTimeout <= 0 {
		cfg.UpstreamTimeout = 10 * time.Minute
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	reg := &registry{Registerer: cfg.Metrics}
	g := &Gateway{
		cfg: cfg, log: cfg.Logger, slm: newTransport(nil), pods: newPods(), breakers: newBreakers(),
		metrics: reg, meter: newMeter(reg), activity: newActivity(), shadows: make(chan struct{}, shadowSlots), upstreams: map[string]*upstream{},
	}
	for name, u := range cfg.Upstreams {
		up, err := newUpstream(u, cfg.UpstreamTimeout)
		if err != nil {
			reg.close()
			return nil, fmt.Errorf("upstream %s: %w", name, err)
		}
		up.proxy = g.newProxy(up)
		g.upstreams[name] = up
		if u.Default && (g.fallback == nil || name < g.fallback.Name) {
			g.fallback = up
		}
	}
	var err error
	g.recorder, err = capture.New(capture.Config{
		Store: cfg.Pairs, Sink: cfg.SpoolSink, Dir: filepath.Join(cfg.DataDir, "spool"), SpoolLimit: cfg.SpoolLimit,
		Metrics: reg, Logger: cfg.Logger,
	})
	if err != nil {
		reg.close()
		return nil, err
	}
	reg.MustRegister(seen{g})
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.lookForSwitch()
	g.loadSaved()
	return g, nil
}

// Ready returns nil once the gateway has a snapshot to route by.
func (g *Gateway) Ready() error {
	if g.state.Load() == nil {
		return errors.New("the gateway has no routes yet: the database has not answered, and no earlier snapshot was saved")
	}
	return nil
}

// Close flushes what was captured. Call it when no request runs any more; ctx
// bounds the wait for the database.
func (g *Gateway) Close(ctx context.Context) error {
	g.cancel()
	g.running.Wait()
	err := g.recorder.Close(ctx)
	g.metrics.close()
	for _, u := range g.upstreams {
		u.transport.CloseIdleConnections()
	}
	g.slm.CloseIdleConnections()
	return err
}

// ServeHTTP answers /v1/*.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	st := g.state.Load()
	if st == nil {
		w.Header().Set("Retry-After", "1")
		g.fail(w, problem{503, "not_ready", "Understudy is starting and has no routes yet. Try again in a second.", ""})
		return
	}
	key, ok := st.key(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		g.fail(w, problem{401, "invalid_api_key", "The API key is missing or wrong. Send a client key of Understudy as \"Authorization: Bearer …\"; `understudy keys create` makes one.", ""})
		return
	}
	if !strings.HasPrefix(path.Clean(r.URL.Path), "/v1/") {
		g.fail(w, problem{404, "not_found", "There is nothing at this path; the API lies under /v1/.", ""})
		return
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.URL.Path == "/v1/chat/completions" && r.Method == http.MethodPost:
		g.complete(w, r, st, key)
	case r.URL.Path == "/v1/models" && read:
		g.listModels(w, st)
	case strings.HasPrefix(r.URL.Path, "/v1/models/") && read:
		g.showModel(w, st, strings.TrimPrefix(r.URL.Path, "/v1/models/"))
	default:
		g.passThrough(w, r, st, key)
	}
}
