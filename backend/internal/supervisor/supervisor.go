// Package supervisor runs the whole platform on one machine: it starts
// backend, evaluator, trainer and frontend as children on 127.0.0.1, holds
// their sockets, an in-process Redis and the local node's processes, restarts
// what dies, and leaves no process behind.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"understudy.dev/backend/internal/localnode"
)

// Options say what to run and where. Ports of 0 are chosen by the system.
type Options struct {
	DataDir   string
	Home      string // the checkout or installation: bin/, .cache/python, inference/launcher
	ModelsDir string
	Ports     Ports
	// Recording is a file for the replay teacher; "" starts none.
	Recording string
	// Provider trains; "" is TRAINING_PROVIDER's, else local.
	Provider string
	// SimulateRunPod starts a simulation of RunPod for the provider runpod:
	// nothing is rented, and "pods" are processes here.
	SimulateRunPod bool
	// Environment is what children inherit besides the supervisor's own
	// variables.
	Environment []string
	Log         *slog.Logger
}

// inner names the services that only others of this platform call: any port
// does.
func (o Options) inner() []string {
	var names []string
	if o.Recording != "" {
		names = append(names, "replay")
	}
	if o.SimulateRunPod {
		names = append(names, "runpod")
	}
	return names
}

// Ports of the services on 127.0.0.1.
type Ports struct{ Backend, Evaluator, Trainer, Frontend int }

// DefaultPorts are those of the documentation.
var DefaultPorts = Ports{Backend: 8000, Evaluator: 8001, Trainer: 8002, Frontend: 3000}

// Platform is a running platform.
type Platform struct {
	State State

	log   *slog.Logger
	lock  io.Closer
	redis *miniredis.Miniredis
	node  *localnode.Server
	sizes sizes
	began time.Time
	once  sync.Once

	mu       sync.Mutex
	services []*service // in the order of their start
}

// Start starts everything and returns when the processes are started; Ready
// waits until they answer. On an error nothing is left running.
func Start(o Options) (*Platform, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Platform{log: o.Log, began: time.Now()}
	if err := p.start(o); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Platform) start(o Options) error {
	if err := os.MkdirAll(filepath.Join(o.DataDir, "logs"), 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	var err error
	if p.lock, err = lockDir(o.DataDir); err != nil {
		return err
	}
	keys, err := loadKeys(o.DataDir)
	if err != nil {
		return err
	}
	sockets, err := bind(o.Ports, o.inner())
	if err != nil {
		return err
	}
	defer sockets.close()
	p.redis = miniredis.NewMiniRedis()
	if err := p.redis.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start the in-process Redis: %w", err)
	}
	p.State = newState(o, sockets)
	p.sizes.folders = []folder{{"data", o.DataDir}, {"models", o.ModelsDir}}
	if p.node, err = startNode(o, p.State, p.around); err != nil {
		return err
	}
	if err := p.State.save(o.DataDir); err != nil {
		return err
	}
	for _, spec := range specs(o, p.State, keys, p.redis.Addr(), sockets) {
		s, err := startService(spec, o.DataDir, p.log)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.services = append(p.services, s)
		p.mu.Unlock()
	}
	return nil
}

// Ready returns when every service is ready, or with the reason why one is
// not when ctx ends.
func (p *Platform) Ready(ctx context.Context) error {
	for _, s := range p.services {
		if err := s.awaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// PIDs returns the process id of every service that runs, by name.
func (p *Platform) PIDs() map[string]int {
	out := map[string]int{}
	for _, s := range p.services {
		if pid := s.pid(); pid != 0 {
			out[s.spec.name] = pid
		}
	}
	return out
}

// drainGrace is longer than the backend's default of DRAIN_TIME.
const drainGrace = 40 * time.Second

// Close ends everything in the order of the loop: the gateway drains and
// flushes what it captured, then the SLMs, then the rest. It returns when all
// processes have ended.
func (p *Platform) Close() error {
	var err error
	p.once.Do(func() {
		stop := func(back bool) {
			var wg sync.WaitGroup
			for _, s := range p.services {
				if (s.spec.name == "backend") == back {
					wg.Go(func() { s.stop(drainGrace) })
				}
			}
			wg.Wait()
		}
		stop(true)
		if p.node != nil {
			err = errors.Join(err, p.node.Close())
		}
		stop(false)
		if p.redis != nil {
			p.redis.Close()
		}
		if p.lock != nil {
			err = errors.Join(err, p.lock.Close())
		}
	})
	return err
}

// sockets are bound here once, so that a port in use is known at once and a
// restarted service loses no connection.
type sockets map[string]*os.File

func bind(ports Ports, inner []string) (sockets, error) {
	s := sockets{}
	want := []struct {
		name string
		port int
	}{{"backend", ports.Backend}, {"evaluator", ports.Evaluator}, {"trainer", ports.Trainer}, {"frontend", ports.Frontend}}
	for _, name := range inner {
		want = append(want, struct {
			name string
			port int
		}{name, 0})
	}
	for _, w := range want {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", w.port))
		if err != nil {
			s.close()
			return nil, fmt.Errorf("port %d for the %s is in use; end what uses it, or choose another with --%s-port (0 = any): %w", w.port, w.name, w.name, err)
		}
		f, err := ln.(*net.TCPListener).File()
		ln.Close()
		if err != nil {
			s.close()
			return nil, fmt.Errorf("hand the %s's socket over: %w", w.name, err)
		}
		s[w.name] = f
	}
	return s, nil
}

// url of a bound socket.
func (s sockets) url(name string) string {
	ln, err := net.FileListener(s[name])
	if err != nil {
		return ""
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

func (s sockets) close() {
	for _, f := range s {
		f.Close()
	}
}
