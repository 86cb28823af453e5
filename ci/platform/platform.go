// Package platform starts the real platform for tests across services:
// `understudy up` with a replay teacher, in a data directory of its own.
package platform

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Root is the checkout's folder.
func Root(t testing.TB) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
	}
	t.Fatal("no checkout around " + wd)
	return ""
}

// Platform is a running `understudy up`.
type Platform struct {
	Client
	Data  string
	cmd   *exec.Cmd
	ended chan struct{}
	t     testing.TB
}

var anyPorts = []string{"--backend-port=0", "--evaluator-port=0", "--trainer-port=0", "--frontend-port=0"}

// Up starts the platform and returns when it is ready. It is ended with the
// test at the latest. env adds to its environment.
func Up(t testing.TB, data string, env ...string) *Platform {
	t.Helper()
	cmd := exec.Command(filepath.Join(Root(t), "bin", "understudy"), append([]string{"up", "--data-dir", data}, anyPorts...)...)
	cmd.Env = append(append(os.Environ(), "OPENAI_API_KEY="), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start bin/understudy (run `make setup` first): %v", err)
	}
	p := &Platform{Data: data, cmd: cmd, ended: make(chan struct{}), t: t}
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		ready = strings.Contains(lines.Text(), "Ctrl-C")
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.Stop)
	if !ready {
		<-p.ended
		t.Fatalf("understudy up: %s", stderr.String())
	}
	var state struct{ Backend string }
	b, err := os.ReadFile(filepath.Join(data, "platform.json"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Client = Client{Backend: state.Backend, Admin: key(t, data, "admin-key"), Key: key(t, data, "client-key")}
	return p
}

func key(t testing.TB, data, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// PID is the supervisor's.
func (p *Platform) PID() int { return p.cmd.Process.Pid }

// Stop ends the platform as Ctrl-C does and waits for it.
func (p *Platform) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		p.t.Error("the platform does not end; killing it")
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// Kill ends the supervisor as kill -9 does and waits for it.
func (p *Platform) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
