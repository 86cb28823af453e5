package localnode

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"

	"understudy.dev/service/child"
)

// start starts the container's process; port is 0 where it listens nowhere.
func (p *pod) start(c corev1.Container) (proc *child.Process, port int, err error) {
	path, err := p.node.binary(c.Image)
	if err != nil {
		return nil, 0, err
	}
	if err := os.MkdirAll(filepath.Join(p.dir, "volumes"), 0o700); err != nil {
		return nil, 0, err
	}
	mounts, err := p.node.mounts(p.template.Spec, p.dir)
	if err != nil {
		return nil, 0, err
	}
	addr := ""
	if len(c.Ports) > 0 {
		if port, err = p.node.takePort(); err != nil {
			return nil, 0, err
		}
		addr = fmt.Sprintf("127.0.0.1:%d", port)
	}
	env, err := p.node.environment(p, mounts, addr)
	if err == nil {
		var args []string
		for _, a := range c.Args {
			args = append(args, outside(a, mounts))
		}
		p.log.forget()
		proc, err = child.Start(child.Spec{Path: path, Args: args, Env: env, Dir: p.dir, Stdout: p.log, Stderr: p.log})
	}
	if err != nil {
		p.node.freePort(port)
		return nil, 0, err
	}
	p.node.log.Info("container started", "pod", p.name, "pid", proc.PID(), "port", port)
	return proc, port, nil
}

const defaultGrace = 30 * time.Second

// stop ends a process within the pod's grace period, of which preStop's pause
// is a part. The pause gives time until nobody sends requests any more: the
// node that closes needs none.
func (p *pod) stop(proc *child.Process, pause bool) {
	grace := defaultGrace
	if s := p.template.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	began := time.Now()
	if l := p.template.Spec.Containers[0].Lifecycle; pause && l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
		timer := time.NewTimer(min(grace, time.Duration(l.PreStop.Sleep.Seconds)*time.Second))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-proc.Done():
		case <-p.node.closing:
		}
	}
	proc.Stop(max(2*time.Second, grace-time.Since(began)))
}

// takePort returns a port of 127.0.0.1 that is free now and that no other
// container was given.
func (s *Server) takePort() (int, error) {
	for {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		port := ln.Addr().(*net.TCPAddr).Port
		ln.Close()
		s.mu.Lock()
		taken := s.ports[port]
		s.ports[port] = true
		s.mu.Unlock()
		if !taken {
			return port, nil
		}
	}
}

func (s *Server) freePort(port int) {
	s.mu.Lock()
	delete(s.ports, port)
	s.mu.Unlock()
}

const letters = "bcdfghjklmnpqrstvwxz2456789"

// suffix makes pod names unique, like Kubernetes's.
func suffix() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

func newUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
