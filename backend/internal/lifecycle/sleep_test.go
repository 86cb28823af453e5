package lifecycle

import (
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// active says what a replica knows: when the model was last wanted and served.
func (w *world) active(replica string, wanted, served time.Time, inFlight int) {
	w.t.Helper()
	w.must(w.db.UpsertActivity(w.ctx, []understudy.Activity{{
		Endpoint: "triage", Replica: replica, LastWantedAt: &wanted, LastServedAt: &served, InFlight: inFlight, UpdatedAt: w.clock.Now(),
	}}))
	w.beat(replica, w.generation())
}

func (w *world) replicas() int {
	state, err := w.stage.State(w.ctx, "slm-triage-v1")
	w.must(err)
	return state.Replicas
}

func TestAModelSleepsOnlyWhenEveryReplicaSaysThatItIsIdle(t *testing.T) {
	for _, c := range []struct {
		name   string
		say    func(w *world, long, lately time.Time)
		sleeps bool
	}{
		{"both idle", func(w *world, long, _ time.Time) { w.active("a", long, long, 0); w.active("b", long, long, 0) }, true},
		{"one was asked lately", func(w *world, long, lately time.Time) { w.active("a", long, long, 0); w.active("b", lately, long, 0) }, false},
		{"one served lately", func(w *world, long, lately time.Time) { w.active("a", long, long, 0); w.active("b", long, lately, 0) }, false},
		{"one has a request under way", func(w *world, long, _ time.Time) { w.active("a", long, long, 0); w.active("b", long, long, 1) }, false},
		{"one lives and says nothing", func(w *world, long, _ time.Time) { w.active("a", long, long, 0); w.beat("b", 1) }, false},
		{"one said so long ago", func(w *world, long, _ time.Time) {
			w.active("b", long, long, 0)
			w.clock.pass(time.Minute)
			w.active("a", long, long, 0)
			w.beat("b", 1)
		}, false},
		{"nobody lives", func(*world, time.Time, time.Time) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			m := w.deploy("triage", nil)
			long := w.clock.Now()
			w.clock.pass(20 * time.Minute)
			c.say(w, long, w.clock.Now().Add(-time.Minute))
			w.must(w.look(m.ID))
			w.must(w.look(m.ID))
			got := w.model(m.ID)
			if slept := got.SleptAt != nil && w.replicas() == 0; slept != c.sleeps {
				t.Errorf("slept at %v with %d replicas, want sleeping %v", got.SleptAt, w.replicas(), c.sleeps)
			}
		})
	}
}

func TestAWishWakesAModelAndRepliesAreSentToItOnlyWhenItIsReady(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	long := w.clock.Now()
	w.clock.pass(20 * time.Minute)
	w.active("a", long, long, 0)
	w.must(w.look(m.ID))
	w.must(w.look(m.ID))
	asleep := func() bool {
		s, err := w.db.Snapshot(w.ctx)
		w.must(err)
		return s.Endpoints["triage"].Target.Asleep
	}
	if !asleep() || w.replicas() != 0 {
		t.Fatalf("asleep %v with %d replicas", asleep(), w.replicas())
	}
	w.sameAfterMoreLooks(m.ID)

	w.active("a", w.clock.Now().Add(time.Second), long, 0)
	w.stage.set(func() { w.stage.unready = "loads its weights" })
	w.takeOver() // a crash between the wish and the wake loses nothing
	for range 3 {
		w.must(w.look(m.ID))
	}
	if !asleep() || w.replicas() != 1 {
		t.Fatalf("not ready yet: asleep %v with %d replicas", asleep(), w.replicas())
	}
	w.stage.set(func() { w.stage.unready = "" })
	w.must(w.look(m.ID))
	if asleep() || w.model(m.ID).SleptAt != nil {
		t.Error("it is ready and still asleep")
	}
}

func TestTurningSleepOffWakesAModel(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	long := w.clock.Now()
	w.clock.pass(20 * time.Minute)
	w.active("a", long, long, 0)
	w.must(w.look(m.ID))
	w.must(w.look(m.ID))
	_, err := w.db.UpdateEndpoint(w.ctx, "triage", func(e *understudy.Endpoint) error { e.ScaleToZeroAfter = 0; return nil })
	w.must(err)
	for range 3 {
		w.must(w.look(m.ID))
	}
	if got := w.model(m.ID); got.SleptAt != nil || w.replicas() != 1 {
		t.Errorf("slept at %v with %d replicas", got.SleptAt, w.replicas())
	}
}
