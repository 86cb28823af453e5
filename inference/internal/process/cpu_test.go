package process

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestAStatLineTellsGroupAndTimes(t *testing.T) {
	line := "4711 (odd ) name (x) S 1 4700 4700 0 -1 4194304 1 2 3 4 150 50 7 3 20 0 9 0 1 2 3"
	group, used, err := parseStat([]byte(line))
	if err != nil || group != 4700 || used != 2100*time.Millisecond {
		t.Errorf("group %d, used %s, %v", group, used, err)
	}
	if _, _, err := parseStat([]byte("1 (x) S 1")); err == nil {
		t.Error("a short line passes")
	}
}

func TestTheTimeOfAChildsGroupCountsWhileItRunsAndAfter(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	// A shell that works in a child of its own.
	cmd := exec.Command("sh", "-c", `sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; echo done; read _`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{})
	before, ok := s.CPU()
	if !ok {
		t.Fatal("the system does not tell")
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid.Store(int64(cmd.Process.Pid))
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	running, _ := s.CPU()
	if running < before+50*time.Millisecond {
		t.Errorf("%s before, %s after the work", before, running)
	}
	in.Close()
	_ = cmd.Wait() // read fails
	s.pid.Store(0)
	if after, _ := s.CPU(); after < running || after > running+2*time.Second {
		t.Errorf("%s while it ran, %s after", running, after)
	}
}
