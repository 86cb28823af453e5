package lifecycle

import (
	"slices"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

func (w *world) versions(endpoint string) int {
	w.t.Helper()
	models, err := w.db.Models(w.ctx, understudy.ModelFilter{Endpoint: endpoint})
	w.must(err)
	return len(models)
}

func TestAutomaticTrainingBeginsAtTheThresholds(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*understudy.Endpoint)
		pairs  int // 79 of 120 are for training
		want   int
	}{
		{"enough of both", nil, 120, 1},
		{"one train pair short", func(e *understudy.Endpoint) { e.MinTrainPairs = 80 }, 120, 0},
		{"exactly enough to train", func(e *understudy.Endpoint) { e.MinTrainPairs = 79 }, 120, 1},
		{"exactly enough to evaluate", func(e *understudy.Endpoint) { e.MinEvalPairs = 41 }, 120, 1},
		{"one eval pair short", func(e *understudy.Endpoint) { e.MinEvalPairs = 42 }, 120, 0},
		{"switched off", func(e *understudy.Endpoint) { e.AutoTrain = false }, 120, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.endpoint("triage", c.change)
			w.teach("triage", c.pairs)
			for range 3 {
				w.must(w.look(endpointKey + "triage"))
			}
			if got := w.versions("triage"); got != c.want {
				t.Errorf("%d versions, want %d", got, c.want)
			}
		})
	}
}

func TestTheNextVersionNeedsNewPairs(t *testing.T) {
	w := newWorld(t)
	m := w.deploy("triage", nil)
	look := func() int {
		w.must(w.look(endpointKey + "triage"))
		return w.versions("triage")
	}
	if look() != 1 {
		t.Fatal("trained again on the same pairs")
	}
	w.teach("triage", 30) // 20 that train
	if look() != 1 {
		t.Fatal("20 new pairs were enough, want 40")
	}
	w.teach("triage", 60)
	if look() != 2 {
		t.Fatal("60 new pairs were not enough")
	}
	w.teach("triage", 150)
	if look() != 2 {
		t.Fatal("two versions at a time")
	}
	if m := w.model(m.ID); m.Phase != understudy.Deployed {
		t.Errorf("the first is %s meanwhile", m.Phase)
	}
}

func TestPairsThatAreTooOldArePruned(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", func(e *understudy.Endpoint) { e.RetentionDays = 7; e.AutoTrain = false })
	w.teach("triage", 1500)
	w.clock.pass(6 * 24 * time.Hour)
	w.teach("triage", 10)
	w.must(w.look(endpointKey + "triage"))
	count := func() int64 {
		c, err := w.db.Counters(w.ctx, "triage")
		w.must(err)
		return c.Pairs
	}
	if got := count(); got != 1510 {
		t.Fatalf("after six days %d pairs are left", got)
	}
	w.clock.pass(25 * time.Hour)
	for range 3 {
		w.must(w.look(endpointKey + "triage"))
	}
	if got := count(); got != 10 {
		t.Errorf("after seven days %d pairs are left, want 10", got)
	}
}

func TestADeletedEndpointGoesAltogetherWhateverItsModelsDo(t *testing.T) {
	for _, phase := range []understudy.Phase{
		understudy.Training, understudy.Downloading, understudy.LLMEvaluation, understudy.Available, understudy.Deploying, understudy.Deployed, understudy.Failed, understudy.Retired,
	} {
		t.Run(phase.String(), func(t *testing.T) {
			w := newWorld(t)
			w.endpoint("triage", func(e *understudy.Endpoint) { e.AutoDeploy = phase != understudy.Available })
			w.teach("triage", 150)
			id := w.train("triage").ID
			switch phase {
			case understudy.Failed:
				w.stage.jobFails = "it crashed"
				w.until(id, phase)
			case understudy.Retired:
				w.stage.wrong = func(int) bool { return true }
				w.until(id, understudy.Available)
				w.ask(id, understudy.Retire)
			case understudy.Training:
				w.trainer.forever = true
				w.untilTrue(id, "it trains", func(m understudy.Model) bool { return m.Training.Step > 0 })
			default:
				w.until(id, phase)
			}
			w.must(w.look(id))
			w.must(w.db.DeleteEndpoint(w.ctx, "triage"))
			for range enough {
				if _, err := w.db.Endpoint(w.ctx, "triage"); understudy.CodeOf(err) == understudy.NotFound {
					break
				}
				_ = w.look(endpointKey + "triage")
				_ = w.look(id)
			}
			if _, err := w.db.Endpoint(w.ctx, "triage"); understudy.CodeOf(err) != understudy.NotFound {
				t.Fatalf("the endpoint is still there, its model %s: %s", w.model(id).Phase, w.model(id).Reason)
			}
			if got := w.stage.names(); len(got) != 0 {
				t.Errorf("on stage are %q", got)
			}
			for name, j := range w.trainer.jobs {
				if j.ended != "cancelled" && j.ended != "failed" {
					t.Errorf("job %s is left", name)
				}
			}
			if got := w.versions("triage"); got != 0 {
				t.Errorf("%d models are left", got)
			}
			w.endpoint("triage", nil) // the name is free again
		})
	}
}

func TestARetiredModelLeavesNoArtefacts(t *testing.T) {
	w := newWorld(t)
	w.stage.wrong = func(int) bool { return true }
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	id := w.train("triage").ID
	w.until(id, understudy.Available)
	w.ask(id, understudy.Retire)
	m := w.untilTrue(id, "it is buried", buried)
	if len(w.trainer.jobs) != 0 || m.Version != 1 {
		t.Errorf("%d jobs are left", len(w.trainer.jobs))
	}
	if second := w.train("triage"); second.Version != 2 {
		t.Errorf("the next version is %d", second.Version)
	}
	if !slices.Equal(w.stage.names(), nil) {
		t.Errorf("on stage are %q", w.stage.names())
	}
}
