package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"understudy.dev/ci/fakerunpod"
)

// scenario is a way through the trainer. Each is walked once to learn which
// side effects are on it, and then once for every side effect and either side
// of it, with the trainer killed there.
type scenario struct {
	name  string
	setup func(t *testing.T) setup
	// walk goes through it, however often the trainer dies and comes back.
	walk func(w *world) job
	want string
}

func usual(*testing.T) setup { return setup{} }

var scenarios = []scenario{
	{"a job from order to removal", usual, func(w *world) job {
		w.put()
		w.result()
		j := w.settled()
		w.remove()
		return j
	}, "succeeded"},
	{"a job that fails", usual, func(w *world) job {
		w.sim.Break(fakerunpod.Fault{Method: "POST", Path: onOrder, Times: -1, Status: 422, Detail: "architecture bert cannot be tuned: use llama"})
		w.put()
		w.result()
		return w.settled()
	}, "failed"},
	{"a job that is cancelled", usual, func(w *world) job {
		w.hold("training", true)
		w.put()
		w.until("training")
		w.await("it is cancelled", func() bool {
			if !w.get().finished() {
				w.do("DELETE", "/v1/jobs/"+jobID, nil)
			}
			return w.get().State == "cancelled"
		})
		w.hold("training", false)
		return w.settled()
	}, "cancelled"},
	{"a pod that is replaced", usual, func(w *world) job {
		w.hold("training", true)
		w.put()
		w.until("training")
		w.sim.Evict("", "EXITED")
		w.await("another pod is rented", func() bool { return len(w.sim.State().Pods) == 2 })
		w.hold("training", false)
		w.result()
		return w.settled()
	}, "succeeded"},
	{"a store with left-overs", func(t *testing.T) setup {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "artifacts"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "artifacts", strings.Repeat("0", 64)+".part"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		return setup{env: []string{"UNDERSTUDY_DATA_DIR=" + dir}}
	}, func(w *world) job {
		w.put()
		w.result()
		return w.settled()
	}, "succeeded"},
	{"an agent of somebody's own, and a cancelled job", func(t *testing.T) setup {
		return setup{env: []string{"AGENT_TOKEN=fixed", "AGENT_URL=" + ownAgent(t)}}
	}, func(w *world) job {
		w.spec["provider"] = "static"
		w.put()
		w.until("training")
		w.await("it is cancelled", func() bool {
			if !w.get().finished() {
				w.do("DELETE", "/v1/jobs/"+jobID, nil)
			}
			return w.get().State == "cancelled"
		})
		return w.settled()
	}, "cancelled"},
}

// remove removes the finished job.
func (w *world) remove() {
	w.Helper()
	w.await("the job is gone", func() bool {
		if status, _ := w.do("GET", "/v1/jobs/"+jobID, nil); status == 404 {
			return true
		}
		w.do("DELETE", "/v1/jobs/"+jobID, nil)
		return false
	})
	for _, folder := range []string{"jobs", "artifacts", "work"} {
		w.await("the folder "+folder+" is empty", func() bool {
			entries, err := os.ReadDir(filepath.Join(w.store(), folder))
			if len(entries) > 0 { // a crash between record and files: the next start sweeps
				w.kill()
			}
			return err == nil && len(entries) == 0
		})
	}
}

// store is the folder that the trainer works in.
func (w *world) store() string {
	dir := w.dir
	for _, kv := range w.env {
		if v, ok := strings.CutPrefix(kv, "UNDERSTUDY_DATA_DIR="); ok {
			dir = v
		}
	}
	return dir
}

// ownAgent runs an agent that no trainer started, held in its training.
func ownAgent(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	address := filepath.Join(dir, "url")
	if err := os.WriteFile(filepath.Join(dir, "hold-training"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(agentProgram)
	cmd.Env = []string{"AGENT_DIR=" + filepath.Join(dir, "agent"), "AGENT_TOKEN=fixed", "LISTEN_ADDR=127.0.0.1:0", "AGENT_PORT_FILE=" + address, "FAKE_CONTROL=" + dir}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(address); err == nil {
			return string(b)
		}
	}
	t.Fatal("the agent does not come up")
	return ""
}

// visits is how many visits of one point in one scenario are tried: progress is
// saved over and over, and the third time is as good as the second.
const visits = 6

// TestEverySideEffect kills the trainer before and after each of its side
// effects.
func TestEverySideEffect(t *testing.T) {
	visited := map[string]bool{}
	for _, s := range scenarios {
		moments := learn(t, s)
		for _, moment := range moments {
			point, _, _ := strings.Cut(moment, "#")
			visited[point] = true
			t.Run(s.name+": "+moment, func(t *testing.T) {
				t.Parallel()
				s.die(t, moment)
			})
		}
	}
	for _, point := range points(t) {
		if !visited[point] {
			t.Errorf("the side effect %s is on no scenario: add one to ci/faults", point)
		}
	}
}

// points lists every side effect that the trainer's code declares.
func points(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command(trainerProgram, "crashpoints")
	cmd.Env = []string{"UNDERSTUDY_DATA_DIR=" + t.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// learn walks a scenario and returns its moments, such as "runpod.create#1
// before", each once.
func learn(t *testing.T, s scenario) []string {
	t.Helper()
	var moments []string
	t.Run(s.name, func(t *testing.T) {
		w := newWorld(t, s.setup(t))
		var j job
		w.tell(crash, s.name+", not killed", time.Now(), &j)
		log := filepath.Join(t.TempDir(), "log")
		w.start("CRASH_LOG=" + log)
		if j = s.walk(w); j.State != s.want {
			t.Fatalf("the job is %s: %s", j.State, j.Error)
		}
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			var n int
			point, rest, _ := strings.Cut(m, "#")
			fmt.Sscanf(rest, "%d", &n)
			if n <= visits && !(point == "store.save.training" && n > 2) && !slices.Contains(moments, m) {
				moments = append(moments, m)
			}
		}
	})
	return moments
}

// die walks a scenario with the trainer killed at a moment.
func (s scenario) die(t *testing.T, moment string) {
	w := newWorld(t, s.setup(t))
	var j job
	w.tell(crash, moment+", in "+s.name, time.Now(), &j)
	w.start("CRASH_AT=" + moment)
	if j = s.walk(w); j.State != s.want {
		t.Errorf("the job is %s: %s\n%s", j.State, j.Error, w.printed())
	}
	// How often a record is saved differs from run to run; its first visit is
	// on every way.
	if w.crashes == 0 && strings.Contains(moment, "#1 ") {
		t.Errorf("%s was never reached\n%s", moment, w.printed())
	}
	if n := w.sim.State().Alive; n != 0 {
		t.Errorf("%d pods are left", n)
	}
}
