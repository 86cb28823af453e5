package lifecycle

import (
	"fmt"
	"slices"
	"testing"

	understudy "understudy.dev/backend"
)

// killed tells the story until done, with a kill after the given act (0 =
// none) and a new leader from there on. It returns how many acts there were.
func (w *world) killed(at int, done func() bool, keys ...string) int {
	w.t.Helper()
	w.crash.acts, w.crash.at = 0, at
	for range enough {
		if done() {
			return w.crash.acts
		}
		for _, key := range keys {
			_ = w.look(key)
			if w.crash.dead {
				w.crash.dead, w.crash.at = false, 0
				w.takeOver()
			}
		}
	}
	w.t.Fatalf("killed after act %d, the story does not end", at)
	return 0
}

// everyKill tells a story without a kill, and once for each of its acts with a
// kill after it.
func everyKill(t *testing.T, least int, story func(t *testing.T, at int) int) {
	acts := story(t, 0)
	if acts < least {
		t.Fatalf("only %d acts: is everything counted?", acts)
	}
	for at := 1; at <= acts; at++ {
		t.Run(fmt.Sprintf("after act %d of %d", at, acts), func(t *testing.T) { story(t, at) })
	}
}

func TestAKillAfterAnyActOnTheWayToTheStageChangesNothing(t *testing.T) {
	everyKill(t, 15, func(t *testing.T, at int) int {
		w := newWorld(t)
		w.endpoint("triage", nil)
		w.teach("triage", 150)
		m := w.train("triage")
		acts := w.killed(at, func() bool { return w.model(m.ID).Phase == understudy.Deployed }, m.ID)
		w.endsWell(m.ID)
		return acts
	})
}

func TestAKillAfterAnyActOfAReplacementLeavesOneRelease(t *testing.T) {
	everyKill(t, 6, func(t *testing.T, at int) int {
		w := newWorld(t)
		first := w.deploy("triage", func(e *understudy.Endpoint) { e.AutoDeploy = false }, understudy.Deploy)
		second := w.until(w.train("triage").ID, understudy.Available)
		w.ask(second.ID, understudy.Deploy)
		acts := w.killed(at, func() bool {
			return w.model(second.ID).Phase == understudy.Deployed && w.model(first.ID).Release == ""
		}, second.ID, first.ID)
		if a := w.settle(first.ID); a.Phase != understudy.Available || a.DrainingSince != nil {
			t.Errorf("the first is %s", a.Phase)
		}
		if got := w.stage.names(); !slices.Equal(got, []string{"slm-triage-v2"}) {
			t.Errorf("on stage are %q", got)
		}
		return acts
	})
}

func TestAKillAfterAnyActOfADeletionLeavesNothing(t *testing.T) {
	everyKill(t, 7, func(t *testing.T, at int) int {
		w := newWorld(t)
		m := w.deploy("triage", nil)
		w.must(w.db.DeleteEndpoint(w.ctx, "triage"))
		acts := w.killed(at, func() bool {
			_, err := w.db.Endpoint(w.ctx, "triage")
			return understudy.CodeOf(err) == understudy.NotFound
		}, endpointKey+"triage", m.ID)
		if len(w.stage.names()) != 0 || len(w.trainer.jobs) != 0 || w.versions("triage") != 0 {
			t.Errorf("left: releases %q, %d jobs, %d models", w.stage.names(), len(w.trainer.jobs), w.versions("triage"))
		}
		return acts
	})
}
