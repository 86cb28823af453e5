package supervisor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"understudy.dev/service/child"
	"understudy.dev/service/serve"
)

// spec is one child: what to run, with which environment, on which socket.
type spec struct {
	name   string
	path   string
	args   []string
	env    []string
	socket *os.File
	url    string
}

// service keeps one child running until stop.
type service struct {
	spec     spec
	log      *slog.Logger
	logPath  string
	out      io.WriteCloser
	socket   *os.File
	stopping chan struct{}
	ended    chan struct{}

	mu       sync.Mutex
	process  *child.Process
	started  time.Time
	restarts int
}

func startService(sp spec, dataDir string, log *slog.Logger) (*service, error) {
	if _, err := os.Stat(sp.path); err != nil {
		return nil, fmt.Errorf("%s is not there; run `make build` (or install the whole release): %w", filepath.Base(sp.path), err)
	}
	s := &service{spec: sp, log: log, logPath: filepath.Join(dataDir, "logs", sp.name+".log"), stopping: make(chan struct{}), ended: make(chan struct{})}
	var err error
	if s.out, err = os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	// The caller closes its copy of the socket; restarts need ours.
	if s.socket, err = duplicate(sp.socket); err != nil {
		return nil, err
	}
	if err := s.launch(); err != nil {
		return nil, err
	}
	go s.keep()
	return s, nil
}

func (s *service) launch() error {
	p, err := child.Start(child.Spec{
		Path: s.spec.path, Args: s.spec.args, Stdout: s.out, Stderr: s.out,
		Env:   append(s.spec.env, serve.FDVariable+"=4"),
		Files: []*os.File{s.socket},
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.process != nil {
		s.restarts++
	}
	s.process, s.started = p, time.Now()
	s.mu.Unlock()
	return nil
}

const maxBackoff = 10 * time.Second

// keep restarts the child whenever it ends, at once the first time, then with
// a growing pause; a minute of quiet forgets the past.
func (s *service) keep() {
	defer close(s.ended)
	backoff := time.Duration(0)
	for {
		started := time.Now()
		p := s.current()
		select {
		case <-p.Done():
		case <-s.stopping:
			return
		}
		if time.Since(started) > time.Minute {
			backoff = 0
		}
		s.log.Warn("a service ended and is started again", "service", s.spec.name, "error", fmt.Sprint(p.Wait()), "in", backoff, "log", s.logPath)
		select {
		case <-time.After(backoff):
		case <-s.stopping:
			return
		}
		backoff = min(max(2*backoff, 200*time.Millisecond), maxBackoff)
		if err := s.launch(); err != nil {
			s.log.Error("a service cannot be started", "service", s.spec.name, "error", err)
		}
	}
}

func (s *service) current() *child.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *service) pid() int {
	p := s.current()
	select {
	case <-p.Done():
		return 0
	default:
		return p.PID()
	}
}

func (s *service) stop(grace time.Duration) {
	close(s.stopping)
	<-s.ended
	s.current().Stop(grace)
	s.socket.Close()
	s.out.Close()
}

// awaitReady polls /readyz until it answers 200.
func (s *service) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := "no answer yet"
	for {
		reason, ok := ready(ctx, s.spec.url)
		if ok {
			return nil
		}
		if reason != "" {
			last = reason
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the %s is not ready (%s); its log is %s:\n%s", s.spec.name, last, s.logPath, tail(s.logPath))
		}
	}
}

func ready(ctx context.Context, url string) (reason string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return err.Error(), false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 500))
	return strings.TrimSpace(string(b)), res.StatusCode == http.StatusOK
}

// tail returns a log's last lines.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
