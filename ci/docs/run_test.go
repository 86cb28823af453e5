package docs

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// TestCommands runs the blocks of each document in their order, in one shell,
// in a copy of the checkout in which `make run` has been played.
func TestCommands(t *testing.T) {
	root, list := documents(t)
	dir := scratch(t, root)
	for _, d := range list {
		if !slices.ContainsFunc(d.blocks, block.run) {
			continue
		}
		t.Run(d.path, func(t *testing.T) {
			afresh(t, root, dir)
			s := begin(t, dir)
			for _, b := range d.blocks {
				if !b.run() {
					continue
				}
				began := time.Now()
				if !s.block(b) {
					t.Fatalf("%s:%d: this failed after %.1f s:\n%s\n%s", d.path, b.line, time.Since(began).Seconds(), b.text, s.said())
				}
				t.Logf("%s:%d ran in %.1f s:\n%.2000s", d.path, b.line, time.Since(began).Seconds(), s.said())
			}
		})
	}
}

// scratch is a copy of the checkout: its files, and what `make setup` made.
func scratch(t *testing.T, root string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".understudy", "made-by-run")); err != nil {
		t.Fatalf("nothing was played yet, and the documentation begins with it: run `make run` first (%v)", err)
	}
	dir := filepath.Join(t.TempDir(), "understudy")
	command(t, root, "sh", "-ec", `
		mkdir -p "$1/.cache"
		git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$1"
		cp -R bin "$1"
		cp -R frontend/cmd/frontend/dashboard/. "$1/frontend/cmd/frontend/dashboard"
		cp .cache/dashboard.stamp "$1/.cache" 2>/dev/null || true # where there is no Node.js
		ln -s "$PWD/.cache/python" "$1/.cache/python" # read only: no document writes there
		cd "$1"
		git init -q
		git add -A
		git -c user.name=docs -c user.email=docs@localhost -c commit.gpgsign=false commit -qm docs
	`, "sh", dir)
	return dir
}

// afresh takes away what the last document left and brings back what
// `make run` made.
func afresh(t *testing.T, root, dir string) {
	t.Helper()
	command(t, dir, "sh", "-ec", `git clean -dfq; rm -rf .understudy; cp -R "$1/.understudy" .`, "sh", root)
}

func command(t *testing.T, dir string, words ...string) {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

// session is the shell of somebody who reads a document and types what it says.
type session struct {
	t          *testing.T
	dir        string
	env        []string
	shell      *exec.Cmd
	in         io.WriteCloser
	answers    *bufio.Reader // a line after each block
	background []*exec.Cmd

	mu  sync.Mutex
	out bytes.Buffer
}

func begin(t *testing.T, dir string) *session {
	t.Helper()
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	goCache, _ := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	dirs := strings.Fields(string(goCache))
	s := &session{t: t, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"XDG_CACHE_HOME=" + cache, "TERM=dumb", "LANG=C.UTF-8", "OPENAI_API_KEY=",
	}}
	if len(dirs) == 2 {
		s.env = append(s.env, "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1])
	}
	answers, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-s")
	s.shell = cmd
	cmd.Dir, cmd.Env, cmd.ExtraFiles = dir, s.env, []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = s, s
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if s.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	s.answers = bufio.NewReader(answers)
	t.Cleanup(func() {
		s.end()
		s.in.Close()
		_ = cmd.Wait()
		answers.Close()
		if left := platform.Below(os.Getpid()); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
	return s
}

// Write keeps what is printed.
func (s *session) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

// said returns what was printed since it was asked last.
func (s *session) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.out.String()
	s.out.Reset()
	return out
}

// block runs one block and reports whether it ended well.
func (s *session) block(b block) bool {
	if _, ok := b.tags["background"]; ok {
		return s.start(b.text)
	}
	text := b.text
	switch b.language {
	case "python":
		// The one that has the clients which the examples import.
		text = heredoc(".cache/python/bin/python -", text)
	case "js":
		text = heredoc("node --input-type=module -", text)
	}
	// A subshell would forget variables and folders. set -e ends the shell,
	// and with it the pipe of answers.
	fmt.Fprintf(s.in, "set -euo pipefail\n%s\nset +e\necho done >&3\n", text)
	answer := make(chan bool, 1)
	go func() {
		line, err := s.answers.ReadString('\n')
		answer <- err == nil && line == "done\n"
	}()
	select {
	case ok := <-answer:
		return ok
	case <-time.After(patience):
		_ = s.shell.Process.Kill()
		return false
	}
}

// patience is for one block: nobody reads on that long.
const patience = 4 * time.Minute

func heredoc(program, text string) string {
	return program + " <<'END_OF_BLOCK'\n" + text + "END_OF_BLOCK"
}

// start runs a block that goes on, and returns when the platform says that it
// is up.
func (s *session) start(text string) bool {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", text)
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, s.env, s
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a terminal of its own
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	up := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = s.Write(append(lines.Bytes(), '\n'))
			if strings.Contains(lines.Text(), "Ctrl-C ends it") {
				up <- true
			}
		}
		close(up)
	}()
	s.background = append(s.background, cmd)
	select {
	case ok := <-up:
		return ok
	case <-time.After(patience):
		return false
	}
}

// end presses Ctrl-C in every terminal that still runs something.
func (s *session) end() {
	for _, cmd := range s.background {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			s.t.Logf("%s: %v", strings.Join(cmd.Args, " "), err) // make's own word about Ctrl-C
		}
	}
	s.background = nil
}
