package localnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"understudy.dev/service/child"
)

// backoffReset is how long a container must have run for its next restart to
// come quickly again.
const backoffReset = time.Minute

// pod runs one container again and again until it is told to end; one with
// restartPolicy Never runs it once.
type pod struct {
	node      *Server
	name      string
	namespace string
	uid       string
	dir       string
	template  corev1.PodTemplateSpec
	hash      string // of the template
	changed   func() // called without a lock held, after every change of status
	log       *logFile
	began     time.Time

	ctx context.Context // ends when the pod shall end
	end context.CancelFunc

	mu     sync.Mutex
	status podStatus
}

type podStatus struct {
	pid      int
	restarts int
	ready    bool
	address  string // base URL while it listens
	reason   string // why it is not ready
	finished bool   // nothing runs any more and nothing will
	err      error  // of a finished pod
}

// launch starts a pod. The caller holds the server's lock and has seen that
// the server is not closing.
func (s *Server) launch(name, namespace, hash string, t corev1.PodTemplateSpec, changed func()) *pod {
	p := &pod{node: s, name: name, namespace: namespace, uid: newUID(), dir: filepath.Join(s.cfg.DataDir, "pods", name),
		template: t, hash: hash, changed: changed, log: newLog(filepath.Join(s.cfg.LogDir, name+".log")), began: time.Now(),
		status: podStatus{reason: "it is starting"}}
	p.ctx, p.end = context.WithCancel(context.Background())
	s.pods.Add(1)
	go p.run()
	return p
}

func (p *pod) get() podStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// set changes the status and tells, if there is something to tell.
func (p *pod) set(change func(*podStatus)) {
	p.mu.Lock()
	before := p.status
	change(&p.status)
	same := before == p.status
	p.mu.Unlock()
	if !same {
		p.changed()
	}
}

func (p *pod) ending() bool { return p.ctx.Err() != nil }

func (p *pod) run() {
	defer p.node.pods.Done()
	err := p.loop()
	p.end()
	p.log.close()
	if err := os.RemoveAll(p.dir); err != nil {
		p.node.log.Warn("a pod's directory cannot be removed", "pod", p.name, "error", err)
	}
	p.node.log.Info("pod ended", "pod", p.name, "error", err)
	p.set(func(s *podStatus) { *s = podStatus{restarts: s.restarts, reason: s.reason, finished: true, err: err} })
}

// loop returns the container's error where it is not to run again.
func (p *pod) loop() error {
	wait := p.node.cfg.Backoff
	for !p.ending() {
		began := time.Now()
		ran, err := p.once()
		switch {
		case p.ending():
			return nil
		case ran && p.template.Spec.RestartPolicy == corev1.RestartPolicyNever:
			return err
		case ran && time.Since(began) > backoffReset:
			wait = p.node.cfg.Backoff
		}
		reason := "CreateContainerError: " + fmt.Sprint(err)
		if ran {
			if err == nil {
				err = errors.New("it ended with status 0")
			}
			reason = "CrashLoopBackOff: " + err.Error()
		}
		p.node.log.Warn("container is started again", "pod", p.name, "wait", wait, "reason", reason)
		p.set(func(s *podStatus) {
			*s = podStatus{restarts: s.restarts, reason: reason}
			if ran {
				s.restarts++
			}
		})
		timer := time.NewTimer(wait)
		select {
		case <-p.ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		wait = min(2*wait, p.node.cfg.MaxBackoff)
	}
	return nil
}

// once runs the container to its end. ran is false where it could not start.
func (p *pod) once() (ran bool, err error) {
	c := p.template.Spec.Containers[0]
	proc, port, err := p.start(c)
	if err != nil {
		return false, err
	}
	defer p.node.freePort(port)
	p.set(func(s *podStatus) {
		s.pid = proc.PID()
		if s.restarts == 0 { // else the reason of the last restart still says more
			s.reason = "it is starting"
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	unhealthy := make(chan error, 2)
	probes := make(chan struct{})
	go func() {
		defer close(probes)
		probing{container: c, port: port, unhealthy: func(err error) { unhealthy <- err }, ready: p.readiness(port)}.run(ctx)
	}()
	quiet := func() {
		stop()
		<-probes
		p.set(func(s *podStatus) { s.ready, s.address = false, "" })
	}
	select {
	case <-proc.Done():
		quiet()
		err = p.exit(proc)
	case <-p.ctx.Done():
		quiet()
		p.stop(proc, true)
	case err = <-unhealthy:
		quiet()
		p.stop(proc, false)
	}
	return true, err
}

// readiness takes the results of the readiness probe.
func (p *pod) readiness(port int) func(bool, string) {
	address := ""
	if port != 0 {
		address = fmt.Sprintf("http://127.0.0.1:%d", port)
	}
	return func(ready bool, reason string) {
		p.set(func(s *podStatus) {
			switch {
			case ready:
				s.ready, s.address, s.reason = true, address, ""
			case reason != "":
				s.ready, s.address, s.reason = false, "", reason
			}
		})
	}
}

// exit says how a process ended, with the last line that it wrote.
func (p *pod) exit(proc *child.Process) error {
	err := proc.Wait()
	if err == nil {
		return nil
	}
	lines := 1
	if p.template.Spec.RestartPolicy == corev1.RestartPolicyNever {
		lines = tailLines
	}
	if last := p.log.last(lines); last != "" {
		return fmt.Errorf("it ended with %w: %s", err, last)
	}
	return fmt.Errorf("it ended with %w and wrote nothing", err)
}
