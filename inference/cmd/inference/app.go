package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"understudy.dev/inference/internal/batch"
	"understudy.dev/inference/internal/process"
	"understudy.dev/inference/internal/proxy"
	"understudy.dev/inference/internal/pull"
	"understudy.dev/service/serve"
)

// maxBody is the largest request taken: far beyond any small model's context.
const maxBody = 16 << 20

// App is the wired program.
type App struct {
	cfg    Config
	log    *slog.Logger
	ln     net.Listener
	server *process.Supervisor
}

// Open listens; it starts nothing. output gets the model server's own output
// where the log level is debug.
func Open(cfg Config, log *slog.Logger, output io.Writer) (*App, error) {
	ln, err := serve.Listen(cfg.ListenAddr)
	if err != nil {
		return nil, err
	}
	if cfg.LogLevel > slog.LevelDebug {
		output = nil
	}
	a := &App{cfg: cfg, log: log, ln: ln, server: process.New(process.Options{
		Command: cfg.Command, Log: log, Output: output, StallAfter: cfg.StallTimeout,
	})}
	return a, nil
}

// Close frees the listener where Run did not.
func (a *App) Close() error { return a.ln.Close() }

// Run serves, or answers the batch, until that is done or ctx ends. The model
// server outlives the last request and is gone when Run returns.
func (a *App) Run(ctx context.Context) error {
	a.log.Info("listening", "addr", a.ln.Addr().String(), "mode", a.cfg.Mode)
	registry := prometheus.WrapRegistererWithPrefix(metricsPrefix, prometheus.DefaultRegisterer)
	metrics := &collector{a.server}
	if err := registry.Register(metrics); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	defer registry.Unregister(metrics)

	// What ends first ends the rest: work is over on SIGTERM, when the batch is
	// done or when something failed; only then the model server may go.
	working, stopWork := context.WithCancelCause(ctx)
	defer stopWork(nil)
	running, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	var all errgroup.Group
	all.Go(func() error {
		err := a.model(working, running)
		stopWork(err)
		return err
	})
	all.Go(func() error {
		defer stopServer()
		if a.cfg.Mode == modeServe {
			err := a.serve(working)
			stopWork(err)
			return err
		}
		watched := make(chan struct{})
		go func() { defer close(watched); _ = a.serve(working) }()
		err := a.batch(working)
		stopWork(err)
		<-watched
		return err
	})
	return all.Wait()
}

// model pulls the files and runs the model server on them until running ends.
func (a *App) model(working, running context.Context) error {
	files, err := pull.Pull(working, pull.Spec{
		Dir: a.cfg.ModelDir, BaseFile: a.cfg.BaseFile, BaseURL: a.cfg.BaseURL, BaseSHA256: a.cfg.BaseSHA256,
		AdapterSHA256: a.cfg.AdapterSHA256, ManifestSHA256: a.cfg.ManifestSHA256,
		TrainerURL: a.cfg.TrainerURL, Token: a.cfg.token, Log: a.log,
	})
	if err != nil {
		if working.Err() != nil {
			return nil
		}
		return err
	}
	return a.server.Run(running, process.Model{
		Base: files.Base, Adapter: files.Adapter, Template: files.Template, Alias: a.cfg.Alias,
		Context: a.cfg.ContextLength, Slots: a.cfg.Slots, Threads: a.cfg.Threads,
	})
}

// serve answers HTTP until working ends and running requests are finished. In
// batch mode it shows health and metrics only.
func (a *App) serve(working context.Context) error {
	mux := http.NewServeMux()
	serve.Observe(mux, func(context.Context) error {
		if working.Err() != nil {
			return errors.New("the service is ending")
		}
		_, err := a.server.Address()
		return err
	})
	if a.cfg.Mode == modeServe {
		mux.Handle("/v1/", proxy.New(proxy.Options{
			Slots: a.cfg.Slots, Queue: a.cfg.Queue, QueueWait: a.cfg.QueueWait,
			RequestTime: a.cfg.RequestTimeout, MaxBody: maxBody, Address: a.server.Address, Log: a.log,
		}))
	}
	return serve.HTTP(working, a.ln, mux, a.cfg.DrainTimeout)
}

func (a *App) batch(working context.Context) error {
	runner := &batch.Runner{
		Backend: &batch.Backend{URL: a.cfg.BackendURL, Model: a.cfg.ModelID, Attempt: a.cfg.Attempt, Token: a.cfg.token},
		Await:   a.server.Await, Adapter: a.cfg.AdapterSHA256 != "",
		Slots: a.cfg.Slots, Page: a.cfg.Page, PostEvery: 2 * time.Second,
		RequestTime: a.cfg.RequestTimeout, Tries: 3, Patience: 10 * time.Minute, Log: a.log,
	}
	if err := runner.Run(working); err != nil {
		return fmt.Errorf("answer the evaluation: %w", err)
	}
	return nil
}
