package localnode

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"understudy.dev/service/child/childtest"
)

// runServer is a process with a node and nothing else.
func runServer(socket string) {
	s, err := NewServer(config(filepath.Dir(socket)))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	<-s.closing
}

func TestNoProcessOutlivesAServerThatIsKilled(t *testing.T) {
	dir, err := os.MkdirTemp("", "node")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	// The pods inherit this pipe's other end: EOF says that all are gone.
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), "LOCALNODE_TEST_SERVER="+socket)
	server.Stdout = in
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if line := make([]byte, 6); true {
		if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
			rest, _ := io.ReadAll(out)
			t.Fatalf("the server says %q %s", line, rest)
		}
	}
	c := NewClient(socket, nil)
	defer c.Close()
	mustApply(t, c, deploymentObject("slm", container(m{"FAKEPOD_STUBBORN": "1"}), nil))
	mustApply(t, c, jobObject("eval", m{"MODE": "batch", "FAKEPOD_HANG": "1"}, nil))
	var pids []int
	pids = append(pids, await(t, c, "slm", "ready", ready).Pods[0].PID)
	pids = append(pids, await(t, c, "eval", "running", func(w Workload) bool { return len(w.Pods) == 1 && w.Pods[0].PID != 0 }).Pods[0].PID)
	base := awaitKnown(t, c, "slm", 1)[0]

	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	for _, pid := range pids {
		childtest.AwaitEnd(t, pid)
	}
	if status, _ := get(t, base+"/healthz"); status != 0 {
		t.Errorf("the pod still answers %d", status)
	}
	// Another server takes the dead one's socket and volumes over, and the
	// client learns that nothing runs.
	s, err := NewServer(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	awaitKnown(t, c, "slm", 0)
	if left, _ := filepath.Glob(filepath.Join(dir, "data", "pods", "*")); len(left) != 0 {
		t.Errorf("volumes are left: %v", left)
	}
}

func TestCloseEndsEveryPodAtOnce(t *testing.T) {
	s, c := start(t)
	box := container(nil)
	box["lifecycle"] = m{"preStop": m{"sleep": m{"seconds": 15}}}
	mustApply(t, c, deploymentObject("slm", box, nil))
	pid := await(t, c, "slm", "ready", ready).Pods[0].PID
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	childtest.AwaitEnd(t, pid)
	if exists(s.cfg.Socket) {
		t.Error("the socket is still there")
	}
	if err := apply(c, deploymentObject("slm", box, nil)); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a closed server takes objects: %v", err)
	}
}

func TestOnlyTheOwnerOpensTheSocketAndOneServerListens(t *testing.T) {
	s, _ := start(t)
	info, err := os.Stat(s.cfg.Socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := NewServer(s.cfg); err == nil || !strings.Contains(err.Error(), "another local node answers") {
		t.Errorf("a second server: %v", err)
	}
	if _, err := NewServer(config("/tmp/" + strings.Repeat("x", 100))); err == nil || !strings.Contains(err.Error(), "shorter data directory") {
		t.Errorf("a long path: %v", err)
	}
}

func TestAPodsLogIsKeptAndRotated(t *testing.T) {
	s, c := start(t)
	mustApply(t, c, deploymentObject("slm", container(nil), nil))
	w := await(t, c, "slm", "ready", ready)
	get(t, awaitKnown(t, c, "slm", 1)[0]+"/exit")
	await(t, c, "slm", "restarted", func(w Workload) bool { return w.Pods[0].Restarts == 1 })
	b, err := os.ReadFile(filepath.Join(s.cfg.LogDir, w.Pods[0].Name+".log"))
	if err != nil || !bytes.Contains(b, []byte("told to exit")) {
		t.Errorf("%q, %v", b, err)
	}

	l := newLog(filepath.Join(t.TempDir(), "big.log"))
	defer l.close()
	for i := range 3 * maxLogSize / 1000 {
		fmt.Fprintf(l, "%0998d\n", i)
	}
	for _, path := range []string{l.path, l.path + ".1"} {
		if info, err := os.Stat(path); err != nil || info.Size() > maxLogSize+1000 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if last := l.last(1); len(last) > 510 {
		t.Errorf("a remembered line has %d bytes", len(last))
	}

	dir := t.TempDir()
	for i := range 5 {
		newLog(filepath.Join(dir, strconv.Itoa(i)+".log")).close()
	}
	pruneLogs(dir, 2)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("%v are left", left)
	}
}
