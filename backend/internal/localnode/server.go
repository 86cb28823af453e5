// Package localnode runs Kubernetes objects on one machine without
// Kubernetes: the container of a Deployment or a Job becomes a process, other
// kinds are recorded. The Server lives in the process that owns the SLMs (the
// supervisor) and listens on a unix socket; the Client is what the backend
// holds, so a restart of the backend keeps the processes.
//
// There is no isolation: a process runs as the user, sees the machine's files
// and is not held to its limits. A field whose meaning would be lost is
// refused with its name (see check.go).
package localnode

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ServerConfig says what a local node is made of.
type ServerConfig struct {
	Socket   string            // path of the control socket, at most about 100 bytes
	DataDir  string            // pods' volumes; emptied at start
	LogDir   string            // <pod>.log files; DataDir/logs where empty
	Binaries map[string]string // image name, without registry, tag and digest, to executable
	Env      []string          // of every container, before its own
	// Backoff is the wait before a container's first restart; it doubles up to
	// MaxBackoff. 300 ms and 30 s where zero.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// Around tells what runs beside the node, for monitors; nil = nothing.
	Around func() Around
	Log    *slog.Logger
}

// Server is a local node.
type Server struct {
	cfg     ServerConfig
	log     *slog.Logger
	ln      net.Listener
	http    *http.Server
	closing chan struct{} // closed: pods end without their preStop pause
	once    sync.Once
	pods    sync.WaitGroup // every pod's goroutine
	changes broadcast

	mu        sync.Mutex
	version   int64
	objects   map[Ref]*object
	workloads map[string]workload // by name: a Deployment and a Job never share one
	ports     map[int]bool        // given to a container that runs
}

// workload is what runs an applied Deployment or Job. apply and remove are
// called with the server's lock held and do not block.
type workload interface {
	kind() string
	apply(o *object) error
	status() Workload
	remove()
}

// NewServer binds the control socket and serves it until Close.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.LogDir == "" {
		cfg.LogDir = filepath.Join(cfg.DataDir, "logs")
	}
	if cfg.Backoff == 0 {
		cfg.Backoff = 300 * time.Millisecond
	}
	if cfg.MaxBackoff == 0 {
		cfg.MaxBackoff = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	// What a killed predecessor left.
	if err := os.RemoveAll(filepath.Join(cfg.DataDir, "pods")); err != nil {
		return nil, fmt.Errorf("clear the pods' directory: %w", err)
	}
	for _, dir := range []string{filepath.Join(cfg.DataDir, "pods"), cfg.LogDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the local node's directory: %w", err)
		}
	}
	pruneLogs(cfg.LogDir, keptLogs)
	ln, err := listen(cfg.Socket)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Log, ln: ln, closing: make(chan struct{}),
		objects: map[Ref]*object{}, workloads: map[string]workload{}, ports: map[int]bool{}}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the local node's control socket ended", "error", err)
		}
	}()
	return s, nil
}

// Close ends every pod (SIGTERM, its grace period, SIGKILL) and the control
// socket. It returns when no process is left.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		s.mu.Lock()
		for name, w := range s.workloads {
			w.remove()
			delete(s.workloads, name)
		}
		s.mu.Unlock()
		s.pods.Wait()
		err = s.http.Close()
		_ = os.Remove(s.cfg.Socket)
	})
	return err
}

func (s *Server) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}
