// Package serve has what every HTTP service of the platform does the same way:
// listen, drain, tell health and metrics, check a bearer token, answer errors.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// FDVariable names the environment variable that hands over a listening
// socket: the supervisor binds a service's port once and keeps it, so that
// connections wait while a restarted service comes back.
const FDVariable = "LISTEN_FD"

// Listen returns the inherited socket, else a new one on addr ("host:port").
func Listen(addr string) (net.Listener, error) {
	if s := os.Getenv(FDVariable); s != "" {
		_ = os.Unsetenv(FDVariable)
		fd, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no file descriptor", FDVariable, s)
		}
		f := os.NewFile(uintptr(fd), "listener")
		defer f.Close()
		ln, err := net.FileListener(f)
		if err != nil {
			return nil, fmt.Errorf("use the inherited socket: %w", err)
		}
		return ln, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return ln, nil
}

// HTTP serves until ctx ends, then stops accepting and waits up to grace for
// running requests. It returns nil after a clean end.
func HTTP(ctx context.Context, ln net.Listener, h http.Handler, grace time.Duration) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		srv.Close()
		return fmt.Errorf("requests still ran after %s: %w", grace, err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Observe adds GET /healthz (the process answers), /readyz (ready returns nil)
// and /metrics (Prometheus, default registry) to mux.
func Observe(mux *http.ServeMux, ready func(context.Context) error) {
	mux.HandleFunc("GET /healthz", Healthz)
	mux.HandleFunc("GET /readyz", Readyz(ready))
	mux.Handle("GET /metrics", promhttp.Handler())
}

// Healthz answers 200: the process can answer.
func Healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// Readyz answers 200, or 503 with the reason why not.
func Readyz(ready func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	}
}
