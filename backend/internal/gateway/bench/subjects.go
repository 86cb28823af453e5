package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	understudy "understudy.dev/backend"
	"understudy.dev/backend/internal/database"
	"understudy.dev/backend/internal/database/pgtest"
	"understudy.dev/backend/internal/gateway"
)

// subject is something that stands between client and upstream.
type subject struct {
	name    string
	url     string
	stored  func() (int64, error) // pairs in its database, nil where it has none
	asked   int64                 // requests that were answered
	drain   time.Duration         // the longest wait, after a measurement, for the last pair to be stored
	results map[int][]result      // by concurrency
	close   []func()
}

func (s *subject) end() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}

func bare(upstream *url.URL) *subject {
	p := httputil.NewSingleHostReverseProxy(upstream)
	p.Transport = &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}
	front := httptest.NewServer(p)
	return &subject{name: "bare", url: front.URL, results: map[int][]result{}, close: []func(){front.Close}}
}

const clientKey = "uk-bench"

func throughGateway(ctx context.Context, name, databaseURL string, upstream *url.URL) (s *subject, err error) {
	s = &subject{name: name, results: map[int][]result{}}
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	dir, err := os.MkdirTemp("", "understudy-bench")
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, func() { os.RemoveAll(dir) })
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(dir, "understudy.db")
	}
	db, err := database.Open(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, func() { db.Close() })
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := db.CreateEndpoint(ctx, understudy.NewEndpoint("triage", "bench", "gpt-4o-mini", 0.85)); err != nil {
		return nil, err
	}
	if _, err := db.CreateKey(ctx, understudy.Key{Name: "bench", Hash: understudy.HashKey(clientKey), Prefix: clientKey}); err != nil {
		return nil, err
	}
	g, err := gateway.New(gateway.Config{
		DataDir: dir, Replica: "bench", Source: db, Pairs: db, Activity: db,
		Upstreams: map[string]understudy.Upstream{"bench": {Name: "bench", Kind: understudy.UpstreamOpenAI, BaseURL: upstream.String() + "/v1", Key: "sk"}},
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = g.Run(running) }()
	front := httptest.NewServer(g)
	s.url = front.URL
	s.stored = func() (int64, error) {
		c, err := db.Counters(ctx, "triage")
		return c.Pairs, err
	}
	s.close = append(s.close, func() {
		front.Close()
		stop()
		<-ended
		_ = g.Close(ctx)
	})
	return s, g.Refresh(ctx)
}

// postgres starts a server that ends with this process, through the helper of
// the database's tests.
func postgres() (address string, cleanup func(), err error) {
	t := &tb{}
	defer func() {
		if recover() != nil {
			err = errors.New(t.said)
		}
	}()
	return pgtest.URL(t), t.cleanUp, nil
}

// tb is as much of a test as that helper needs.
type tb struct {
	testing.TB
	said     string
	cleanups []func()
}

func (t *tb) Helper()                   {}
func (t *tb) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *tb) Errorf(f string, a ...any) { t.said = fmt.Sprintf(f, a...) }
func (t *tb) Fatal(a ...any)            { t.said = fmt.Sprint(a...); panic(t.said) }
func (t *tb) Fatalf(f string, a ...any) { t.said = fmt.Sprintf(f, a...); panic(t.said) }
func (t *tb) cleanUp() {
	for _, f := range t.cleanups {
		f()
	}
}
