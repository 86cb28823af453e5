package child

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"understudy.dev/service/child/childtest"
)

// TestMain lets this test binary play every part: parent, child and guard.
func TestMain(m *testing.M) {
	MaybeGuard()
	switch os.Getenv("CHILD_ROLE") {
	case "parent": // starts a grandchild, prints its id, waits for ever
		os.Setenv("CHILD_ROLE", os.Getenv("GRANDCHILD_ROLE"))
		spec := Spec{Path: os.Args[0], Env: os.Environ(), Stdout: os.Stdout}
		if os.Getenv("GUARDED") != "" {
			spec.Guard, spec.Path, spec.Args = true, "/bin/sh", []string{"-c", "echo $$; exec sleep 600"}
		}
		if _, err := Start(spec); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	case "watches":
		DieWithParent(nil)
		fmt.Println(os.Getpid())
		time.Sleep(10 * time.Minute)
	default:
		os.Exit(m.Run())
	}
}

func TestAChildEndsWhenItsParentIsKilled(t *testing.T) {
	cases := map[string][]string{
		"a child that watches the pipe": {"GRANDCHILD_ROLE=watches"},
		"a guarded child that does not": {"GUARDED=1"},
	}
	for name, env := range cases {
		t.Run(name, func(t *testing.T) {
			out, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(append(os.Environ(), "CHILD_ROLE=parent"), env...)
			cmd.Stdout = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			reader := bufio.NewReader(out)
			line, err := reader.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			awaitEnd := childtest.Watch(t, pid)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			awaitEnd()
			// Only the child and its guard held the pipe's writing end: EOF means
			// that the guard is gone, too.
			if _, err := io.Copy(io.Discard, reader); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestStopKillsAChildThatIgnoresSIGTERM(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Spec{Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; echo ready; while :; do sleep 1; done"}, Env: os.Environ(), Stdout: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.Stop(50 * time.Millisecond)
	if p.Wait() == nil {
		t.Error("a killed child should not report success")
	}
}

func TestStartNamesAMissingProgram(t *testing.T) {
	_, err := Start(Spec{Path: "/does/not/exist", Env: os.Environ()})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}
