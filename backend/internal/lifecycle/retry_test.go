package lifecycle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

func TestRetryTrainsAgainOnlyWhereThereIsNoAdapter(t *testing.T) {
	for _, c := range []struct {
		name    string
		breaks  func(*world)
		mends   func(*world)
		in      understudy.Phase // that failed
		back    understudy.Phase // that retry leads to
		reason  string
		ordered int // trainings in all
	}{
		{"the training fails", func(w *world) { w.trainer.breaks["training"] = "CUDA is out of memory" },
			func(w *world) { delete(w.trainer.breaks, "training") }, understudy.Training, understudy.Training, "out of memory", 2},
		{"the artefacts cannot be pulled", func(w *world) { w.trainer.breaks["downloading"] = "The sha256 differs" },
			func(w *world) { delete(w.trainer.breaks, "downloading") }, understudy.Downloading, understudy.Training, "sha256", 2},
		{"the evaluation run fails", func(w *world) { w.stage.jobFails = "the adapter does not fit the base" },
			func(w *world) { w.stage.jobFails = "" }, understudy.LLMEvaluation, understudy.LLMEvaluation, "does not fit", 1},
		{"the evaluation run ends early", func(w *world) { w.stage.jobStops = true },
			func(w *world) { w.stage.jobStops = false }, understudy.LLMEvaluation, understudy.LLMEvaluation, "unanswered", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, id := learning(t)
			w.trainer.set(func() { w.stage.set(func() { c.breaks(w) }) })
			var before understudy.Phase
			w.untilTrue(id, "it has failed", func(m understudy.Model) bool {
				if m.Phase != understudy.Failed {
					before = m.Phase
				}
				return m.Phase == understudy.Failed
			})
			m := w.settle(id)
			if before != c.in || m.FailedPhase != c.back || !strings.Contains(m.Reason, c.reason) {
				t.Fatalf("failed in %s, retry leads to %s: %s", before, m.FailedPhase, m.Reason)
			}
			if got := w.stage.names(); len(got) != 0 {
				t.Errorf("on stage are %q", got)
			}
			w.trainer.set(func() { w.stage.set(func() { c.mends(w) }) })
			w.ask(id, understudy.Retry)
			m = w.until(id, understudy.Deployed)
			if m.Attempt != 2 || len(w.trainer.ordered) != c.ordered {
				t.Errorf("attempt %d, trained %q", m.Attempt, w.trainer.ordered)
			}
		})
	}
}

func TestATrainingIsOrderedWithTheEndpointsProviderAndLimits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*understudy.Endpoint)
		want   string
	}{
		"the platform's": {nil, "local 7200 1.5 [NVIDIA A40]"},
		"the endpoint's": {func(e *understudy.Endpoint) { e.Provider = "runpod" }, "runpod 7200 1.5 [NVIDIA A40]"},
		"limits of its own": {func(e *understudy.Endpoint) {
			e.MaxCostUSD, e.TrainingDeadline, e.GPUCandidates = 0.25, 10*time.Minute, []string{"NVIDIA L4", "NVIDIA A40"}
		}, "local 600 0.25 [NVIDIA L4 NVIDIA A40]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.config.TrainingDeadline, w.config.MaxCostUSD, w.config.GPUCandidates = 2*time.Hour, 1.5, []string{"NVIDIA A40"}
			w.takeOver()
			w.endpoint("triage", c.change)
			w.teach("triage", 150)
			id := w.train("triage").ID
			w.until(id, understudy.Downloading)
			var spec struct {
				Provider        string
				DeadlineSeconds int
				MaxCostUSD      float64
				GPUCandidates   []string
			}
			w.must(json.Unmarshal(w.trainer.jobs[id+"-1"].spec, &spec))
			if got := fmt.Sprint(spec.Provider, " ", spec.DeadlineSeconds, " ", spec.MaxCostUSD, " ", spec.GPUCandidates); got != c.want {
				t.Errorf("ordered %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnAdapterOfAnEarlierAttemptIsFoundAgain(t *testing.T) {
	w, id := learning(t)
	w.until(id, understudy.Downloading)
	// something outside ended the phase while the trainer finished its work
	_, err := w.db.Move(w.ctx, 0, w.model(id), understudy.Failure, nil)
	w.must(err)
	w.trainer.set(func() { w.trainer.jobs[id+"-1"].state = len(jobStates) - 1 })
	w.ask(id, understudy.Retry)
	w.until(id, understudy.Deployed)
	if !slices.Equal(w.trainer.ordered, []string{id + "-1"}) {
		t.Errorf("trained %q", w.trainer.ordered)
	}
}

func TestDeletingAFrozenPairBeginsTheTrainingAnew(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	pairs := w.teach("triage", 150)
	id := w.train("triage").ID
	w.trainer.set(func() { w.trainer.forever = true })
	w.untilTrue(id, "it trains", func(m understudy.Model) bool { return m.Training.Step > 0 })
	first := w.model(id)
	gone := pairs[slices.IndexFunc(pairs, func(p understudy.Pair) bool { return p.Split == understudy.SplitTrain })]
	w.must(w.db.DeletePair(w.ctx, gone.ID))
	w.untilTrue(id, "a second attempt trains", func(m understudy.Model) bool { return m.Attempt == 2 && m.Training.Step > 0 })
	m := w.model(id)
	if m.TrainPairs != first.TrainPairs-1 || m.DatasetSHA256 == first.DatasetSHA256 {
		t.Errorf("%d pairs before, %d after", first.TrainPairs, m.TrainPairs)
	}
	w.trainer.set(func() {
		if j := w.trainer.jobs[id+"-1"]; j != nil && j.ended != "cancelled" {
			t.Errorf("the first attempt's job goes on")
		}
		w.trainer.forever = false
	})
	w.until(id, understudy.Deployed)
}

func TestAServiceThatIsAwayIsWaitedForAndTheReasonSaysSo(t *testing.T) {
	w, id := learning(t)
	w.trainer.set(func() { w.trainer.down = true })
	for range 10 {
		_ = w.look(id)
	}
	if m := w.model(id); m.Phase != understudy.Training || !strings.Contains(m.Reason, "the store is not mounted") {
		t.Fatalf("%s: %s", m.Phase, m.Reason)
	}
	w.trainer.set(func() { w.trainer.down = false })
	w.evaluator.mu.Lock()
	w.evaluator.down = true
	w.evaluator.mu.Unlock()
	w.untilTrue(id, "it waits for the evaluator", func(m understudy.Model) bool { return strings.Contains(m.Reason, "the evaluator answered 503") })
	w.evaluator.mu.Lock()
	w.evaluator.down = false
	w.evaluator.mu.Unlock()
	w.endsWell(w.until(id, understudy.Deployed).ID)
}

func TestAnEvaluationThatStandsStillFails(t *testing.T) {
	w, id := learning(t)
	w.until(id, understudy.LLMEvaluation)
	w.stage.set(func() { w.stage.stuck = "the image cannot be pulled" })
	m := w.model(id)
	for range enough {
		if m = w.model(id); m.Phase != understudy.LLMEvaluation {
			break
		}
		w.must(w.look(id))
		w.clock.pass(time.Minute)
	}
	if m.Phase != understudy.Failed || !strings.Contains(m.Reason, "No prompt was answered for") || !strings.Contains(m.Reason, "cannot be pulled") {
		t.Errorf("%s: %s", m.Phase, m.Reason)
	}
	// The next attempt has its own patience, whatever the last one used up.
	w.ask(id, understudy.Retry)
	w.until(id, understudy.LLMEvaluation)
	w.looks(id, 5)
	w.stage.set(func() { w.stage.stuck = "" })
	w.until(id, understudy.Deployed)
}

// learning is a world with a model that has begun to train.
func learning(t *testing.T) (w *world, id string) {
	t.Helper()
	w = newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	return w, w.train("triage").ID
}

// looks looks n times, each of which must go well.
func (w *world) looks(id string, n int) {
	w.t.Helper()
	for range n {
		w.must(w.look(id))
	}
}

func TestAnEvaluationThatNobodyLookedAtHasNotStoodStill(t *testing.T) {
	w, id := learning(t)
	w.until(id, understudy.LLMEvaluation)
	w.stage.set(func() { w.stage.stuck = "it loads its model" })
	w.looks(id, 5)
	w.clock.pass(time.Hour) // the database was away
	w.looks(id, 5)
	w.stage.set(func() { w.stage.stuck = "" })
	w.until(id, understudy.Deployed)
}

func TestADeploymentThatNobodyLookedAtHasItsWholeTime(t *testing.T) {
	w, id := learning(t)
	w.until(id, understudy.Deploying)
	w.clock.pass(time.Hour)
	if m := w.settle(id); m.Phase != understudy.Deployed {
		t.Errorf("%s: %s", m.Phase, m.Reason)
	}
}

func TestWithoutATaskOfTenPairsTrainingFailsAndSaysWhatHelps(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 9)
	m := w.until(w.train("triage").ID, understudy.Failed)
	if !strings.Contains(m.Reason, "no task with 10 pairs") || !strings.Contains(m.Reason, "fingerprint") {
		t.Errorf("%s", m.Reason)
	}
}
