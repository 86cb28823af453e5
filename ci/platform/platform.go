// Package platform starts the real platform for tests across services:
// `understudy up` with a replay teacher, in a data directory of its own.
package platform

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	Data    string
	Backend string
	Client  string // client key
	admin   string
	cmd     *exec.Cmd
	ended   chan struct{}
	t       testing.TB
}

var anyPorts = []string{"--backend-port=0", "--evaluator-port=0", "--trainer-port=0", "--frontend-port=0"}

// Up starts the platform and returns when it is ready. It is ended with the
// test at the latest.
func Up(t testing.TB, data string) *Platform {
	t.Helper()
	cmd := exec.Command(filepath.Join(Root(t), "bin", "understudy"), append([]string{"up", "--data-dir", data}, anyPorts...)...)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
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
	p.Backend, p.admin, p.Client = state.Backend, key(t, data, "admin-key"), key(t, data, "client-key")
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

// API calls the management API and reads the answer into out, if not nil. It
// tries again while the backend is being restarted.
func (p *Platform) API(method, path string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		status, answer, err := p.call(method, path, raw)
		switch {
		case err == nil && status < 300:
			if out == nil {
				return nil
			}
			return json.Unmarshal(answer, out)
		case err == nil && status < 500:
			return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
		case time.Now().After(deadline):
			return errors.Join(err, fmt.Errorf("%s %s: %d %s", method, path, status, answer))
		}
		time.Sleep(100 * time.Millisecond) // nothing tells when a killed backend answers again
	}
}

var client = &http.Client{Timeout: 20 * time.Second}

func (p *Platform) call(method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, p.Backend+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.admin)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// Model is what tests read of a model.
type Model struct {
	ID, Name, Phase, Reason, Verdict, Release string
	Revision                                  int
}

// Model returns a model by id or name.
func (p *Platform) Model(id string) (Model, error) {
	var m Model
	err := p.API("GET", "/models/"+id, nil, &m)
	return m, err
}

// Completion asks for a completion and returns the answer's text, who gave it
// and its pair's id.
func (p *Platform) Completion(endpoint string, messages []json.RawMessage) (text string, header http.Header, err error) {
	body, err := json.Marshal(map[string]any{"model": endpoint, "messages": messages, "temperature": 0})
	if err != nil {
		return "", nil, err
	}
	req, err := http.NewRequest("POST", p.Backend+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.Client)
	res, err := client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", nil, err
	}
	if res.StatusCode != http.StatusOK {
		return "", res.Header, fmt.Errorf("status %d: %s", res.StatusCode, b)
	}
	var out struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(b, &out); err != nil || len(out.Choices) == 0 {
		return "", res.Header, fmt.Errorf("no completion: %s", b)
	}
	return out.Choices[0].Message.Content, res.Header, nil
}
