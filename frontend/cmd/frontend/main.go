// Command frontend (binary understudy-frontend) serves the dashboard and passes its requests on to the backend.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"understudy.dev/service/child"
	"understudy.dev/service/env"
	"understudy.dev/service/serve"
)

const usage = `usage: understudy-frontend

Serves the dashboard. Configuration is by environment:
  LISTEN_ADDR  where to listen (:3000)
  BACKEND_URL  the backend (http://127.0.0.1:8000)
  GATEWAY_URL  where applications reach it, if not there: shown in code to paste
  LOG_LEVEL    debug, info, warn or error (info)
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, _, stderr io.Writer) int {
	child.DieWithParent(nil)
	if len(args) > 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := listenAndServe(ctx, stderr); err != nil {
		fmt.Fprintln(stderr, "understudy-frontend:", err)
		return 1
	}
	return 0
}

func listenAndServe(ctx context.Context, stderr io.Writer) error {
	r := env.New(os.LookupEnv)
	addr, backend := r.String("LISTEN_ADDR", ":3000"), r.URL("BACKEND_URL", "http://127.0.0.1:8000")
	gateway := r.URL("GATEWAY_URL", backend)
	level := r.Level("LOG_LEVEL")
	if err := r.Err(); err != nil {
		return err
	}
	ln, err := serve.Listen(addr)
	if err != nil {
		return err
	}
	h, err := newHandler(ctx, backend, gateway)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	log.Info("listening", "address", ln.Addr().String(), "backend", backend)
	return serve.HTTP(ctx, ln, h, 5*time.Second)
}
