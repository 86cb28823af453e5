package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for an event that must come: a real model
// takes a second to load, and on a machine that does much else a minute.
const patience = 4 * time.Minute

var bin string // folder of the built programs

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "inference-test-"); err == nil {
		var out []byte
		if out, err = exec.Command("go", "build", "-o", bin, ".", "../fakellama").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
	}
	os.RemoveAll(bin)
	os.Exit(code)
}

// program is a running understudy-inference.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	done  chan struct{}
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced when a line comes
}

// start runs the real program on a free port with fakellama behind it. env
// entries override the defaults. It is killed when the test ends.
func start(t *testing.T, env ...string) *program {
	t.Helper()
	p := launch(t, env...)
	p.url = "http://" + p.await(`msg=listening addr=(\S+)`)
	return p
}

func launch(t *testing.T, env ...string) *program {
	t.Helper()
	base := filepath.Join(t.TempDir(), "base.gguf")
	if err := os.WriteFile(base, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.Command(filepath.Join(bin, "inference")), done: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LISTEN_ADDR=127.0.0.1:0", "BASE_FILE=" + base,
		"MODEL_ALIAS=triage-v1", "LLAMA_SERVER=" + filepath.Join(bin, "fakellama"), "CPU_LIMIT=1", "FAKELLAMA_LOADING=10ms"}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stderr)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("the program said:\n%s", p.output())
		}
	})
	return p
}

func (p *program) read(stderr io.Reader) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait()
	close(p.done)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// await returns what the first group of pattern matched in the program's
// output, waiting for it.
func (p *program) await(pattern string) string { p.t.Helper(); return p.awaitNth(pattern, 1) }

// awaitNth is await for the nth line that matches.
func (p *program) awaitNth(pattern string, n int) string {
	p.t.Helper()
	re, late := regexp.MustCompile(pattern), time.After(patience)
	for {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		seen := 0
		for _, line := range lines {
			if m := re.FindStringSubmatch(line); m != nil {
				if seen++; seen == n {
					return m[len(m)-1]
				}
			}
		}
		select {
		case <-more:
		case <-p.done:
			p.t.Fatalf("the program ended (%v) without %q", p.cmd.ProcessState, pattern)
		case <-late:
			p.t.Fatalf("%q did not come", pattern)
		}
	}
}

// ready waits for the nth ready model server and returns its process group.
func (p *program) ready(n int) int {
	p.t.Helper()
	pid, err := strconv.Atoi(p.awaitNth(`msg="model server ready".* pid=(\d+)`, n))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// exit waits for the program's end.
func (p *program) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("the program did not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// post sends a chat completion; the caller closes the body.
func (p *program) post(body string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { res.Body.Close() })
	return res
}

// get returns status and body.
func (p *program) get(path string) (int, string) {
	p.t.Helper()
	res, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, text(p.t, res)
}

// metric waits until a metric has a value.
func (p *program) metric(name, value string) {
	p.t.Helper()
	line := "understudy_inference_" + name + " " + value + "\n"
	for late := time.Now().Add(patience); ; {
		_, all := p.get("/metrics")
		if strings.Contains(all, line) {
			return
		}
		if time.Now().After(late) {
			p.t.Fatalf("%q did not come in:\n%s", line, all)
		}
	}
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func say(content string, more string) string {
	return fmt.Sprintf(`{"model":"triage-v1","messages":[{"role":"user","content":%q}]%s}`, content, more)
}

// group returns a handle on every process whose command line names needle.
func group(t *testing.T, needle string) []unix.PollFd {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var fds []unix.PollFd
	for _, path := range all {
		if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), needle) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			t.Cleanup(func() { unix.Close(fd) })
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	return fds
}

// gone waits until all these processes have ended.
func gone(t *testing.T, fds []unix.PollFd) {
	t.Helper()
	for _, fd := range fds {
		for {
			n, err := unix.Poll([]unix.PollFd{fd}, int(patience.Milliseconds()))
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				t.Fatalf("a process is still there (%v)", err)
			}
			break
		}
	}
}
