package kill

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

// A play that is ended in its middle, while an agent trains, leaves no process.
func TestARunThatIsEndedInItsMiddleLeavesNothing(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "kill -9": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var lines strings.Builder
			for i := range 720 {
				fmt.Fprintf(&lines, `{"messages":[{"role":"user","content":"note %d of %s"},{"role":"assistant","content":"noted"}]}`+"\n", i, strings.Repeat("x", i%50+1))
			}
			data := filepath.Join(dir, "data.jsonl")
			must(t, os.WriteFile(data, []byte(lines.String()), 0o600))
			cmd := exec.Command(filepath.Join(platform.Root(t), "bin", "understudy"), "run", "--data", data, "--data-dir", filepath.Join(dir, "data"),
				"--backend-port=0", "--evaluator-port=0", "--trainer-port=0", "--frontend-port=0")
			cmd.Env = append(os.Environ(), "OPENAI_API_KEY=")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			must(t, cmd.Start())
			ended := make(chan struct{})
			go func() { _ = cmd.Wait(); close(ended) }()
			t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
			deadline := time.Now().Add(3 * time.Minute)
			for find(cmd.Process.Pid, "understudy_agent") == 0 {
				select {
				case <-ended:
					t.Fatalf("it ended by itself: %s", out.String())
				case <-time.After(50 * time.Millisecond): // another process's child is awaited
				}
				if time.Now().After(deadline) {
					t.Fatal("no agent was started")
				}
			}
			family := platform.Below(cmd.Process.Pid)
			must(t, cmd.Process.Signal(signal))
			<-ended
			if signal != syscall.SIGKILL {
				if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(out.String(), "ended before the play did") {
					t.Errorf("exit status %d, said %q", status, out.String())
				}
			}
			deadline = time.Now().Add(20 * time.Second)
			for left := platform.Alive(family); len(left) > 0; left = platform.Alive(family) {
				if time.Now().After(deadline) {
					t.Fatalf("processes are left: %v", left)
				}
				time.Sleep(50 * time.Millisecond) // they are no children of ours to wait for
			}
		})
	}
}
