package fakerunpod

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"understudy.dev/service/child"
)

// begin brings a pod up, from PROVISIONING to a program that runs. s.mu is held.
func (s *Server) begin(p *pod) {
	p.status, p.started = provisioning, nil
	p.bill(true, time.Now())
	p.life++
	life := p.life
	s.work.Go(func() {
		if p.fate.StaysProvisioning || !s.after(s.Provisioning, p, life, func() { p.status = starting }) {
			return
		}
		s.after(0, p, life, func() {
			now := time.Now()
			p.status, p.started = running, &now
		})
		if !p.fate.NeverAnswers {
			s.after(s.Starting, p, life, func() { s.launch(p, life) })
		}
	})
}

// after does something with a pod later, unless the pod's life changed.
func (s *Server) after(d time.Duration, p *pod, life int, do func()) bool {
	for end := time.Now().Add(d); ; time.Sleep(min(time.Until(end), 20*time.Millisecond)) {
		s.mu.Lock()
		if p.life != life || s.closed {
			s.mu.Unlock()
			return false
		}
		if !time.Now().Before(end) {
			do()
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
	}
}

// launch starts the pod's program on an empty disk. s.mu is held.
func (s *Server) launch(p *pod, life int) {
	disk := filepath.Join(p.dir, "disk")
	_ = os.RemoveAll(disk)
	_ = os.MkdirAll(disk, 0o700)
	address := filepath.Join(p.dir, "url")
	_ = os.Remove(address)
	p.url = ""
	p.starts++
	process, err := child.Start(child.Spec{Path: s.Agent[0], Args: s.Agent[1:], Env: s.environment(p, disk, address), Stdout: &p.log, Stderr: &p.log})
	if err != nil {
		p.log.add("cannot start: " + err.Error())
		p.status = errored
		return
	}
	p.process = process
	s.Log.Info("pod's program started", "pod", p.id, "pid", process.PID(), "start", p.starts)
	s.work.Go(func() { s.follow(p, life, process, address) })
	if p.fate.ExitsAfter > 0 {
		time.AfterFunc(p.fate.ExitsAfter, process.Kill)
	}
}

// follow finds out where the program listens and starts it again when it ends:
// a pod whose program exits goes on, and goes on to cost.
func (s *Server) follow(p *pod, life int, process *child.Process, address string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if b, err := os.ReadFile(address); err == nil && len(b) > 0 {
				tick.Stop()
				s.mu.Lock()
				if p.process == process {
					p.url = strings.TrimSpace(string(b))
				}
				s.mu.Unlock()
			}
			continue
		case <-process.Done():
		}
		break
	}
	s.mu.Lock()
	if p.process == process {
		p.process, p.url = nil, ""
	}
	s.mu.Unlock()
	s.after(s.Restarting, p, life, func() { s.launch(p, life) })
}

// stop ends the pod's program. Where the pod is terminated its disk goes too.
// s.mu is held.
func (s *Server) stop(p *pod, status string) {
	p.life++
	p.status = status
	p.bill(false, time.Now())
	if p.process != nil {
		p.process.Kill()
	}
	p.process, p.url = nil, ""
	if status == terminated {
		_ = os.RemoveAll(p.dir)
	}
	s.Log.Info("pod stopped", "pod", p.id, "status", status)
}

// environment is what RunPod gives to a pod's program, with what has to differ
// on this machine: the address, and where folders are.
func (s *Server) environment(p *pod, disk, address string) []string {
	mount, volume := "", ""
	if len(p.mounts.Network) > 0 {
		mount, volume = p.mounts.Network[0].Path, p.mounts.Network[0].VolumeID
	}
	place := func(path string) string {
		if rest, ok := strings.CutPrefix(path, mount); ok && mount != "" {
			return filepath.Join(s.Dir, "volumes", volume, rest)
		}
		return filepath.Join(disk, path)
	}
	var env []string
	for k, v := range p.env {
		switch k {
		case "AGENT_DIR":
			v = place(v)
		case "LISTEN_ADDR":
			v = "127.0.0.1:0"
		case "MODELS_DIR":
			continue // this machine's
		}
		env = append(env, k+"="+v)
	}
	env = append(env, s.AgentEnv...)
	return append(env, "AGENT_PORT_FILE="+address, "RUNPOD_POD_ID="+p.id, "RUNPOD_API_KEY="+p.key, "RUNPOD_DC_ID="+p.where,
		"RUNPOD_GPU_COUNT=1", "RUNPOD_CPU_COUNT=8", "RUNPOD_PUBLIC_IP=", "RUNPOD_VOLUME_ID="+volume)
}
