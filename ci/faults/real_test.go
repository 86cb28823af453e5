package faults

import (
	"testing"

	"understudy.dev/ci/fakerunpod"
)

// A few of the faults with the agent that really trains, on this machine's CPU.
func TestFaultsWithTheRealAgent(t *testing.T) {
	if testing.Short() {
		t.Skip("real trainings take a while; run without -short")
	}
	stepped := func(w *world) {
		w.await("a first step is done", func() bool {
			j := w.get()
			if j.finished() {
				w.Fatalf("%s: %s", j.State, j.Error)
			}
			return j.Progress.Step >= 1
		})
	}
	vol := []string{"RUNPOD_VOLUME_ID=vol"}
	for _, f := range []fault{
		{name: "an artefact is cut, twice", before: breaks(fakerunpod.Fault{Path: onFile, Times: 2, CutAfter: 200_000}), pods: 1},
		{name: "restarts with its network volume", setup: setup{env: vol}, during: func(w *world) {
			stepped(w)
			w.sim.Crash("")
		}, says: []string{"goes on from its last checkpoint"}, pods: 1},
		{name: "restarts with an empty disk", during: func(w *world) {
			stepped(w)
			w.sim.Crash("")
		}, says: []string{"empty disk; the training begins anew"}, pods: 1},
		{name: "the trainer is killed, the pod vanishes", setup: setup{env: vol}, during: func(w *world) {
			stepped(w)
			w.kill()
			w.sim.Evict("", "TERMINATED")
		}, says: []string{"another one", "goes on from its last checkpoint"}, pods: 2},
	} {
		t.Run(f.name, func(t *testing.T) {
			f.group, f.setup.real = real, true
			j := f.play(t)
			if j.Progress.Step != 4 {
				t.Errorf("trained %d steps", j.Progress.Step)
			}
		})
	}
}
