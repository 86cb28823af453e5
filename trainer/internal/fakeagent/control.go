package fakeagent

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"understudy.dev/service/child"
)

// Control is a folder through which a test steers agents, also those that are
// processes of their own:
//
//	hold-<point>  an agent that reaches the point waits while the file exists
//	die-<point>   holds how often an agent that reaches the point kills itself
//	events        what agents did, a line each
//	pids/<pid>    every process that ever was an agent
//
// Points: boot, dataset, loading, training (each step), converting, artifact
// (in the middle of the adapter). While hold-status exists, GET /v1/status
// answers 500.
type Control string

var appending sync.Mutex

func (c Control) file(name string) string { return filepath.Join(string(c), name) }

// Event adds a line to the events.
func (c Control) Event(words ...any) {
	appending.Lock()
	defer appending.Unlock()
	f, err := os.OpenFile(c.file("events"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintln(f, words...)
}

// Events returns all lines so far.
func (c Control) Events() []string {
	return strings.Split(strings.TrimSpace(string(read(c.file("events")))), "\n")
}

// Count returns how many events are this one.
func (c Control) Count(event string) int {
	n := 0
	for _, e := range c.Events() {
		if e == event {
			n++
		}
	}
	return n
}

// Hold lets agents wait at a point until Release.
func (c Control) Hold(point string) { os.WriteFile(c.file("hold-"+point), nil, 0o644) }

// Release ends Hold.
func (c Control) Release(point string) { os.Remove(c.file("hold-" + point)) }

// Die lets the next n agents that reach a point kill themselves.
func (c Control) Die(point string, n int) {
	os.WriteFile(c.file("die-"+point), []byte(strconv.Itoa(n)), 0o644)
}

// Waits reports whether an agent would be held or die at a point.
func (c Control) Waits(point string) bool {
	_, held := os.Stat(c.file("hold-" + point))
	return held == nil || len(read(c.file("die-"+point))) > 0
}

// Reach is called by the agent.
func (c Control) Reach(point string) {
	if n, _ := strconv.Atoi(string(read(c.file("die-" + point)))); n > 0 {
		if n == 1 {
			os.Remove(c.file("die-" + point))
		} else {
			c.Die(point, n-1)
		}
		c.Event("die", point)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	c.Event("reach", point)
	for {
		if _, err := os.Stat(c.file("hold-" + point)); err != nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Alive returns the agents' processes that still run.
func (c Control) Alive() []int {
	entries, _ := os.ReadDir(c.file("pids"))
	var alive []int
	for _, e := range entries {
		pid, _ := strconv.Atoi(e.Name())
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			alive = append(alive, pid)
		}
	}
	return alive
}

// Main runs the agent as a process; the folder to steer it by is $FAKE_CONTROL.
func Main() int {
	child.DieWithParent(nil)
	c := Control(os.Getenv("FAKE_CONTROL"))
	os.MkdirAll(c.file("pids"), 0o755)
	os.WriteFile(c.file(filepath.Join("pids", strconv.Itoa(os.Getpid()))), nil, 0o644)
	fmt.Fprintln(os.Stderr, "the fake agent starts")
	c.Reach("boot")
	ln, err := net.Listen("tcp", os.Getenv("LISTEN_ADDR"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	a := New(os.Getenv("AGENT_DIR"), os.Getenv("AGENT_TOKEN"), c)
	if n, err := strconv.Atoi(os.Getenv("FAKE_STEPS")); err == nil {
		a.Steps = n
	}
	a.Pause, _ = time.ParseDuration(os.Getenv("FAKE_PAUSE"))
	if port := os.Getenv("AGENT_PORT_FILE"); port != "" {
		os.WriteFile(port+".new", []byte("http://"+ln.Addr().String()), 0o644)
		os.Rename(port+".new", port)
	}
	go a.endItself()
	fmt.Fprintln(os.Stderr, http.Serve(ln, a))
	return 1
}
