package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"understudy.dev/trainer"
)

// realAgent is the command line of the Python agent, and its base's folder.
func realAgent(t *testing.T) (command, models string) {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	python := os.Getenv("AGENT_PYTHON")
	if python == "" {
		python = filepath.Join(root, ".cache", "python", "bin", "python")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	models = filepath.Join(cache, "understudy", "models")
	for _, file := range []string{python, filepath.Join(models, "SmolLM2-135M-Instruct.Q4_1.gguf")} {
		if _, err := os.Stat(file); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%v; run `make setup`", err)
			}
			t.Skipf("%v; run `make setup` to have this tested", err)
		}
	}
	return python + " -m understudy_agent", models
}

// A tiny training by the real agent, with the trainer killed in its middle and the agent after it.
func TestTheRealAgentTrainsAndGoesOnAfterAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("a real training takes a while; run without -short")
	}
	command, models := realAgent(t)
	source, err := filepath.Abs("../../agent/src")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "AGENT_COMMAND="+command, "PYTHONPATH="+source, "MODELS_DIR="+models)
	var lines []string
	for i := range 8 {
		lines = append(lines, fmt.Sprintf(`{"id":"0198c0de-0000-7000-8000-%012d","messages":[{"role":"system","content":"Label it."},{"role":"user","content":"Parcel %d?"},{"role":"assistant","content":"track"}]}`, i, i))
	}
	w.Data.replace(strings.Join(lines, "\n") + "\n")
	spec := w.spec()
	spec.Base.Name, spec.Base.Train.GGUF.File = "SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct.Q4_1.gguf"
	spec.Dataset.Pairs = len(lines)
	spec.Hyperparameters = json.RawMessage(`{"epochs":1,"maxSteps":4,"batchSize":1,"learningRate":0.001,"loraRank":4,"loraAlpha":8,"targetModules":["q_proj"],"maxSequenceTokens":64,"seed":1}`)
	w.put("m-1", spec)
	var running trainer.Job
	w.slowly(func() {
		w.await("a first step is done", func() bool {
			running = w.get("m-1")
			if running.State.Finished() {
				t.Fatalf("%s: %s", running.State, running.Error)
			}
			return running.Progress.Step >= 1
		})
	})
	w.kill(syscall.SIGKILL)
	w.await("the agent's group is gone", func() bool { return gone(t, running.Provider.ID) })
	w.start()
	// Now the agent dies instead, as soon as the job has another one.
	first := running.Provider.ID
	w.slowly(func() {
		w.await("another agent has the job", func() bool { running = w.get("m-1"); return running.Provider.ID != first })
	})
	pid, err := strconv.Atoi(running.Provider.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var j trainer.Job
	w.slowly(func() { j = w.until("m-1", trainer.Succeeded) })
	w.checkArtifacts(j)
	if j.Progress.Step != 4 || j.Progress.Steps != 4 {
		t.Errorf("progress at the end: %+v", j.Progress)
	}
	w.await("the last agent's group is gone", func() bool { return gone(t, j.Provider.ID) })
}

// gone reports whether no process of a group is left.
func gone(t *testing.T, pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil || n < 2 {
		t.Fatalf("%q is no process id", pid)
	}
	return errors.Is(syscall.Kill(-n, 0), syscall.ESRCH)
}
