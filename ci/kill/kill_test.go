// Package kill ends the platform's processes with SIGKILL, each in every phase
// in which it runs, and looks whether anything was lost or left.
package kill

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"understudy.dev/ci/platform"
)

var phases = []string{"training", "downloading", "llm_evaluation", "available", "deploying", "deployed"}

// victims are found by their command lines among the supervisor's descendants.
// Each must be killed in every phase in which it lives.
var victims = []struct {
	name, command string
	lives         []string
}{
	{"inference", "bin/understudy-inference", []string{"llm_evaluation", "deploying", "deployed"}},
	{"evaluator", "bin/understudy-evaluator", phases},
	{"trainer", "bin/understudy-trainer", phases},
	{"agent", "understudy_agent", []string{"training", "downloading"}},
	{"backend", "bin/understudy serve", phases},
}

// downloadRate makes the phase downloading last for seconds: the adapter's
// thirty megabytes would come in milliseconds.
const downloadRate = "TRAINER_DOWNLOAD_RATE=6000000"

// flushWindow is how much a killed backend may lose: its last group of pairs.
const flushWindow = 250 * time.Millisecond

const killed = "killed, went on"

func TestKillEveryServiceInEveryPhase(t *testing.T) {
	matrix := map[string]map[string]string{}
	for _, v := range victims {
		t.Run(v.name, func(t *testing.T) {
			matrix[v.name] = killThroughARun(t, t.TempDir(), v.command, v.lives)
			for _, phase := range v.lives {
				if matrix[v.name][phase] != killed {
					t.Errorf("it was not killed while %s: %s", phase, cell(matrix[v.name][phase]))
				}
			}
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s", "kill -9 of")
	for _, phase := range phases {
		fmt.Fprintf(&b, " %-15s", phase)
	}
	for _, v := range victims {
		fmt.Fprintf(&b, "\n%-10s", v.name)
		for _, phase := range phases {
			fmt.Fprintf(&b, " %-15s", cell(matrix[v.name][phase]))
		}
	}
	t.Logf("the phase read at the kill, and what was seen:\n%s", b.String())
}

func cell(seen string) string {
	if seen == "" {
		return "over too soon" // never read
	}
	return seen
}

// killThroughARun plays a tiny run and kills the victim once in every phase in
// which it is found. Phases that end by themselves are taken as they come; the
// others are not left before it was killed where it lives.
func killThroughARun(t *testing.T, data, command string, lives []string) map[string]string {
	record(t, data)
	p := platform.Up(t, data, downloadRate)
	must(t, p.API("POST", "/endpoints", map[string]any{
		"name": "tiny", "upstream": "replay", "upstreamModel": "replay-teacher", "threshold": 0.5,
		"minTrainPairs": 20, "minEvalPairs": 8, "autoTrain": false, "autoDeploy": false, "teacherShare": 0, "scaleToZeroAfterSeconds": 0,
		"hyperparameters": map[string]any{"maxSteps": 12, "batchSize": 4},
	}, nil))
	asking := ask(t, p)
	asking.atLeast(platform.TinyConversations)
	var model platform.Model
	must(t, p.API("POST", "/endpoints/tiny/train", nil, &model))

	seen, asked := map[string]string{}, false
	deadline := time.Now().Add(6 * time.Minute)
	for {
		if time.Now().After(deadline) {
			t.Fatalf("%s is still %s (%s) after %v", model.Name, model.Phase, model.Reason, seen)
		}
		var err error
		if model, err = p.Model(model.ID); err != nil {
			t.Fatal(err)
		}
		if model.Phase == "failed" {
			t.Fatalf("failed: %s; killed so far: %v", model.Reason, seen)
		}
		if seen[model.Phase] != killed && asking.recovered() {
			seen[model.Phase] = "not running"
			if pid := find(p.PID(), command); pid != 0 {
				asking.killing(command)
				must(t, syscall.Kill(pid, syscall.SIGKILL))
				seen[model.Phase] = killed
				t.Logf("killed %s (pid %d) while %s", command, pid, model.Phase)
			}
		}
		waits := slices.Contains(lives, model.Phase) && (seen[model.Phase] != killed || !asking.recovered())
		if model.Phase == "available" && !asked && !waits { // it stays there until a person asks
			must(t, p.API("POST", "/models/"+model.ID+"/deploy", map[string]any{}, nil))
			asked = true
		}
		if model.Phase == "deployed" && !waits && asking.servedBySLM() {
			break
		}
		time.Sleep(20 * time.Millisecond) // the phases are watched from outside
	}
	asking.stop(t)
	asking.check(t, p)
	family := platform.Below(p.PID())
	p.Stop()
	if left := platform.Alive(family); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	return seen
}

func TestAFullStopBringsTheDeployedModelBack(t *testing.T) {
	data := t.TempDir()
	killThroughARun(t, data, "no such process", nil)
	p := platform.Up(t, data)
	deadline := time.Now().Add(2 * time.Minute)
	for i := 0; ; i++ {
		_, header, err := p.Completion("tiny", platform.Tiny(i%platform.TinyConversations))
		must(t, err)
		if header.Get("X-Understudy-Source") == "slm" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the LLM still answers: %s", header.Get("X-Understudy-Reason"))
		}
		time.Sleep(50 * time.Millisecond) // what is awaited is another process's start
	}
}

func TestNothingOutlivesAKilledSupervisor(t *testing.T) {
	data := t.TempDir()
	record(t, data)
	p := platform.Up(t, data)
	family := platform.Below(p.PID())
	if len(family) < 5 {
		t.Fatalf("only %d processes run: %v", len(family), family)
	}
	p.Kill()
	deadline := time.Now().Add(20 * time.Second)
	for left := platform.Alive(family); len(left) > 0; left = platform.Alive(family) {
		if time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", left)
		}
		time.Sleep(50 * time.Millisecond) // they are no children of ours to wait for
	}
}

func find(root int, command string) int {
	for _, p := range platform.Below(root) {
		if strings.Contains(p.Command, command) {
			return p.PID
		}
	}
	return 0
}

func record(t *testing.T, data string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(data, "recording.jsonl"), platform.TinyRecording(), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
