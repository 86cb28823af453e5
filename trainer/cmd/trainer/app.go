package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"understudy.dev/service/fetch"
	"understudy.dev/service/serve"
	"understudy.dev/trainer/internal/api"
	"understudy.dev/trainer/internal/drive"
	"understudy.dev/trainer/internal/local"
	"understudy.dev/trainer/internal/static"
	"understudy.dev/trainer/internal/store"
)

// app is the whole program, wired.
type app struct {
	store    *store.Store
	local    *local.Provider
	driver   *drive.Driver
	listener net.Listener
	handler  http.Handler
}

const drain = 10 * time.Second

func open(c config) (*app, error) {
	listener, err := serve.Listen(c.listen)
	if err != nil {
		return nil, fmt.Errorf("%w; set LISTEN_ADDR to a free port", err)
	}
	st, err := store.Open(c.dir)
	if err != nil {
		listener.Close()
		return nil, err
	}
	a := &app{store: st, listener: listener}
	providers := map[string]drive.Provider{}
	if len(c.command) > 0 {
		a.local = &local.Provider{Command: c.command, Env: c.agentEnv}
		providers["local"] = a.local
	}
	if c.agentURL != "" {
		providers["static"] = static.Provider{URL: c.agentURL, Token: c.agentToken}
	}
	missing := map[string]string{}
	if why := c.runpod.lacks(); why != "" {
		missing["runpod"] = why
		if c.provider == "runpod" {
			slog.Warn("jobs that name no provider will be refused", "TRAINING_PROVIDER", c.provider, "why", why)
		}
	}
	if c.runpod.key != "" { // whatever else it lacks: what was rented before is looked after
		install := c.runpod.install
		if install == "" {
			if install, err = st.InstallID(); err != nil {
				a.Close()
				return nil, err
			}
		}
		providers["runpod"] = c.runpod.rent(install)
		slog.Info("RunPod is at hand: pods are rented where a job asks for it, and ended", "api", c.runpod.url, "prefix", "understudy-"+install+"-")
	}
	a.driver, err = drive.New(drive.Config{
		Store: st, Providers: providers, Missing: missing, Slots: map[string]int{"runpod": c.runpod.maxPods}, DatasetToken: c.token,
		Poll: c.poll, Silence: c.silence, Stall: c.stall, Grace: c.grace, Reap: c.runpod.reap,
		Downloads: fetch.NewLimit(c.downloads),
	})
	if err != nil {
		a.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	(&api.API{Driver: a.driver, Token: c.token, Default: c.provider}).Routes(mux)
	serve.Observe(mux, func(context.Context) error { return nil })
	a.handler = mux
	return a, nil
}

// Run works until ctx ends; then requests are drained, workers let go of their
// jobs, and the agents of this machine are ended.
func (a *app) Run(ctx context.Context) error {
	slog.Info("listening", "addr", a.listener.Addr().String())
	metrics := api.Metrics{Jobs: a.driver}
	if prometheus.Register(metrics) == nil { // one app in a process, but in tests
		defer prometheus.Unregister(metrics)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var driving sync.WaitGroup
	driving.Go(func() { a.driver.Run(ctx) })
	err := serve.HTTP(ctx, a.listener, a.handler, drain)
	stop()
	driving.Wait()
	return err
}

// Close ends the agents of this machine and gives the store back.
func (a *app) Close() {
	if a.local != nil {
		a.local.Close()
	}
	if err := errors.Join(a.listener.Close(), a.store.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
		slog.Warn("not closed cleanly", "error", err)
	}
}
