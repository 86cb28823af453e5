// Package process keeps one llama.cpp server running as a child on loopback:
// started, awaited, watched, restarted when it dies or hangs, ended with us.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"understudy.dev/service/child"
)

// ErrWillNotStart means that the server ended again and again before it was
// ever ready: starting it once more would not help.
var ErrWillNotStart = errors.New("the model server does not start")

// Options are what a Supervisor needs beside the model.
type Options struct {
	Command Command
	Log     *slog.Logger
	Output  io.Writer // the child's stdout and stderr beside its last lines, which are kept; may be nil
	// StallAfter is how long the server's main loop may be silent before it
	// counts as hung and is killed. It must exceed the time one batch of
	// prompt tokens takes.
	StallAfter time.Duration
	// FirstStarts is how many starts in a row may fail before the first that
	// succeeds. 0 means 5.
	FirstStarts int
}

// Supervisor owns the child. All methods are safe for concurrent use.
type Supervisor struct {
	Options
	restarts atomic.Int64
	tokens   tokens
	pid      atomic.Int64 // of the child, which leads its group; 0 = none runs
	cpu      atomic.Int64 // the most that CPU has returned

	mu      sync.Mutex
	base    string // URL while ready
	reason  error  // why not, while not
	changed chan struct{}
}

// New returns a Supervisor that is not ready until Run has a server up.
func New(o Options) *Supervisor {
	if o.FirstStarts == 0 {
		o.FirstStarts = 5
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	return &Supervisor{Options: o, reason: errors.New("the model's files are being fetched"), changed: make(chan struct{})}
}

// Address returns the base URL of the server, or why there is none now.
func (s *Supervisor) Address() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base, s.reason
}

// Await waits until the server is ready and returns its base URL.
func (s *Supervisor) Await(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		base, reason, changed := s.base, s.reason, s.changed
		s.mu.Unlock()
		if reason == nil {
			return base, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %w", context.Cause(ctx), reason)
		}
	}
}

// Restarts is how many times a child was started after the first.
func (s *Supervisor) Restarts() int64 { return s.restarts.Load() }

func (s *Supervisor) set(base string, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.reason = base, reason
	close(s.changed)
	s.changed = make(chan struct{})
}

// Run serves m until ctx ends, and returns nil then, with the child gone. It
// returns ErrWillNotStart, with the child's last words, where the first starts
// all fail; later deaths are answered by restarts for ever.
func (s *Supervisor) Run(ctx context.Context, m Model) error {
	pause := &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, MaxInterval: 30 * time.Second, RandomizationFactor: 0.1}
	pause.Reset()
	served, failures := false, 0
	for {
		s.set("", errors.New("the model is loading"))
		lived, err := s.once(ctx, m)
		if ctx.Err() != nil {
			s.set("", errors.New("the service is ending"))
			return nil
		}
		if lived > 0 {
			served = true
		}
		if failures++; !served && failures >= s.FirstStarts {
			err = fmt.Errorf("%w: %w", ErrWillNotStart, err)
			s.set("", err)
			return err
		}
		if lived > time.Minute {
			pause.Reset()
		}
		wait := pause.NextBackOff()
		s.set("", errors.New("the model server ended and is being restarted"))
		s.Log.Warn("model server ended", "error", err, "lived", lived, "pause", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		s.restarts.Add(1)
	}
}

// once runs one child to its end and tells how long it was ready.
func (s *Supervisor) once(ctx context.Context, m Model) (lived time.Duration, err error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	last := &tail{limit: 8}
	p, err := child.Start(child.Spec{
		Path: s.Command.Path, Args: append(append([]string{}, s.Command.Args...), m.flags(port)...),
		Env: environment(), Stdout: io.MultiWriter(last, s.Output), Stderr: io.MultiWriter(last, s.Output),
		Guard: s.Command.Guarded,
	})
	if err != nil {
		return 0, err
	}
	s.pid.Store(int64(p.PID()))
	defer s.pid.Store(0)
	defer p.Stop(5 * time.Second)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		<-p.Done()
		end := "status 0"
		if err := p.Wait(); err != nil {
			end = err.Error()
		}
		cancel(fmt.Errorf("it ended (%s): %s", end, last))
	}()

	began, base := time.Now(), fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := awaitHealth(ctx, base); err != nil {
		return 0, err
	}
	if err := complete(ctx, base, m.Alias, s.StallAfter); err != nil {
		return 0, fmt.Errorf("its first completion: %w", err)
	}
	ready := time.Now()
	s.tokens.anew(base)
	s.set(base, nil)
	s.Log.Info("model server ready", "alias", m.Alias, "pid", p.PID(), "seconds", ready.Sub(began).Seconds())
	err = s.watch(ctx, base)
	s.set("", err)
	return time.Since(ready), err
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// environment is ours without what is none of the child's business, and with
// a bound on llama.cpp's prompt cache, whose default of 8 GiB is a whole pod.
func environment() []string {
	env := []string{}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "UNDERSTUDY_SERVICE_TOKEN") {
			env = append(env, v)
		}
	}
	if _, set := os.LookupEnv("LLAMA_ARG_CACHE_RAM"); !set {
		env = append(env, "LLAMA_ARG_CACHE_RAM=512")
	}
	return env
}
