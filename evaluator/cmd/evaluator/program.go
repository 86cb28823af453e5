package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"understudy.dev/evaluator/internal/api"
	"understudy.dev/evaluator/internal/hugot"
	"understudy.dev/service/env"
	"understudy.dev/service/serve"
)

const usage = `usage: understudy-evaluator

Serves POST /v1/score and POST /v1/embed. Configuration is by environment:
  LISTEN_ADDR               where to listen (:8001)
  MODEL_DIR                 folder with model.onnx, tokenizer.json, config.json
                            (understudy/models/all-MiniLM-L6-v2 in the user's cache directory)
  ONNXRUNTIME_DIR           folder with libonnxruntime.so, for the native build only
                            (the folder of this program)
  UNDERSTUDY_SERVICE_TOKEN  what clients send as bearer token; _FILE reads it from a file
  LOG_LEVEL                 debug, info, warn or error (info)
`

// drain is how long running requests may take at the end.
const drain = 20 * time.Second

// program is the evaluator, wired.
type program struct {
	listener net.Listener
	api      *api.API
	options  hugot.Options
	log      *slog.Logger
}

// newProgram reads the configuration and listens; Run serves. The caller ends it with Close.
func newProgram(lookup func(string) (string, bool), stderr io.Writer) (*program, error) {
	r := env.New(lookup)
	addr := r.String("LISTEN_ADDR", ":8001")
	token := r.Secret("UNDERSTUDY_SERVICE_TOKEN")
	if token == "" {
		r.Fail("UNDERSTUDY_SERVICE_TOKEN", "is not set; clients show it as bearer token")
	}
	o := hugot.Options{Dir: r.String("MODEL_DIR", defaultModelDir()), LibraryDir: r.String("ONNXRUNTIME_DIR", besideProgram())}
	level := r.Level("LOG_LEVEL")
	if err := r.Err(); err != nil {
		return nil, err
	}
	ln, err := serve.Listen(addr)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return &program{listener: ln, api: api.New(token.Reveal()), options: o, log: log}, nil
}

// Run serves until ctx ends. It is ready once the model has made a real vector,
// and ends with an error if the model cannot be loaded.
func (p *program) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	loaded := make(chan *hugot.Model, 1)
	go func() {
		m, err := p.load(ctx)
		if err != nil {
			stop(err)
		}
		loaded <- m
	}()
	p.log.Info("listening", "address", p.listener.Addr().String(), "backend", hugot.Backend)
	err := serve.HTTP(ctx, p.listener, p.api, drain)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if m := <-loaded; m != nil {
		err = errors.Join(err, m.Close())
	}
	return err
}

func (p *program) load(ctx context.Context) (*hugot.Model, error) {
	began := time.Now()
	m, err := hugot.Open(ctx, p.options)
	if err != nil {
		return nil, fmt.Errorf("MODEL_DIR: %w", err)
	}
	p.api.SetModel(hugot.ModelName, m)
	p.log.Info("ready", "model", hugot.ModelName, "seconds", time.Since(began).Seconds())
	return m, nil
}

// Close stops listening; Run has done so where it ran.
func (p *program) Close() { p.listener.Close() }

func defaultModelDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "/var/cache"
	}
	return filepath.Join(cache, "understudy", "models", hugot.ModelName)
}

func besideProgram() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Dir(self)
}
