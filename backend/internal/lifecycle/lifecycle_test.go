package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

func TestAModelGoesFromPairsToTheStageByItself(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	w.must(w.look(endpointKey + "triage")) // autoTrain
	models, err := w.db.Models(w.ctx, understudy.ModelFilter{Endpoint: "triage"})
	w.must(err)
	if len(models) != 1 {
		t.Fatalf("%d models were started, want 1", len(models))
	}
	id := models[0].ID

	var phases []understudy.Phase
	for range enough {
		m := w.model(id)
		if len(phases) == 0 || phases[len(phases)-1] != m.Phase {
			phases = append(phases, m.Phase)
		}
		if m.Phase == understudy.Deployed {
			break
		}
		w.must(w.look(id))
	}
	want := []understudy.Phase{understudy.Training, understudy.Downloading, understudy.LLMEvaluation, understudy.Available, understudy.Deploying, understudy.Deployed}
	if !slices.Equal(phases, want) {
		t.Fatalf("went through %q", phases)
	}
	m := w.model(id)
	if m.Verdict != understudy.VerdictPassed || m.TrainPairs != 100 || m.EvalPairs != 50 || m.Training.Steps != 7 || m.Training.EndedAt == nil || len(m.Artifacts) != 2 {
		t.Errorf("deployed as %+v", m)
	}
	if made := m.Training.Manifest; made.BaseSHA256 != "ba5e" || made.Seed != 7 || made.Seconds != 180.5 || made.Used != 90 || len(m.Training.LossCurve) != 2 || len(m.Training.EvalLossCurve) != 1 {
		t.Errorf("its manifest is %+v", m.Training)
	}
	if made := m.Training.Manifest; made.StopReason != "validation" || made.Exact == nil || *made.Exact != 0.625 || made.Device != "NVIDIA L4" || m.Training.BestStep != 6 || len(m.Training.EvalExactCurve) != 2 || m.Training.GPUUse.Utilization != 87 {
		t.Errorf("its training is %+v", m.Training)
	}
	if usd, billed := m.Training.CostUSD(); usd != 0 || billed {
		t.Errorf("nothing was rented, and it cost $%g", usd)
	}
	if got := w.stage.names(); !slices.Equal(got, []string{"slm-triage-v1"}) {
		t.Errorf("on stage are %q", got)
	}
	if !slices.Equal(w.stage.removed, []string{"slm-triage-v1-e1"}) {
		t.Errorf("removed were %q, want the evaluation's release", w.stage.removed)
	}
	if w.announced == 0 {
		t.Error("no replica was told of the new route")
	}
	all, err := w.db.Evaluations(w.ctx, id)
	w.must(err)
	e := all[0]
	if len(all) != 1 || e.N != 50 || e.Identical != 50 || e.Metric != understudy.MetricExact || e.Score != 1 || e.BaseN != 50 || e.BaseScore != 0 || e.Alpha != 0.05 {
		t.Errorf("evaluated as %+v", e)
	}
	if e.ShuffledScore < 0.1 || e.ShuffledScore > 0.5 || e.LookupScore < e.ShuffledScore+0.3 || e.NearN+e.FarN != 50 {
		t.Errorf("yardsticks: shuffled %.2f (chance is a third), look-up %.2f (the words tell), near %d, far %d", e.ShuffledScore, e.LookupScore, e.NearN, e.FarN)
	}
	if e.Words() != "of 50 unseen requests: 50 identical, 0 close, 0 different" {
		t.Errorf("says %q", e.Words())
	}
	w.sameAfterMoreLooks(id)
}

// sameAfterMoreLooks fails where something acts although nothing has changed.
func (w *world) sameAfterMoreLooks(id string) {
	w.t.Helper()
	before := w.settle(id)
	applies, acts := w.stage.applies, w.crash.acts
	w.takeOver()
	if after := w.settle(id); after.Generation != before.Generation || w.stage.applies != applies || w.crash.acts != acts {
		w.t.Errorf("a new leader acted on what is settled: %d applies, %d acts, generation %d → %d", w.stage.applies-applies, w.crash.acts-acts, before.Generation, after.Generation)
	}
}

func TestTrainingProgressIsStoredAndToldAtMostOnceASecond(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	m := w.train("triage")
	w.until(m.ID, understudy.Downloading)
	events, err := w.db.Events(w.ctx, 0, 100)
	w.must(err)
	var last time.Time
	n := 0
	for _, e := range events {
		if e.Kind != "training.progress" {
			continue
		}
		n++
		if e.At.Sub(last) < time.Second {
			t.Errorf("two within %s", e.At.Sub(last))
		}
		last = e.At
		if e.ModelID != m.ID || e.Data["steps"] == nil || e.Data["loss"] == nil {
			t.Errorf("event without data: %+v", e)
		}
	}
	if n < 2 {
		t.Errorf("%d events of progress", n)
	}
	if curve := w.model(m.ID).Training.LossCurve; len(curve) < 2 {
		t.Errorf("the curve has %d points", len(curve))
	}
	// the same instant again and again: nothing is said twice
	w2 := newWorld(t)
	w2.trainer.forever = true
	w2.endpoint("triage", nil)
	w2.teach("triage", 150)
	m = w2.train("triage")
	for range 20 {
		_, err := w2.lead.model(w2.ctx, m.ID)
		w2.must(err)
	}
	if g := w2.model(m.ID).Generation; g > 4 {
		t.Errorf("%d writes in one instant", g)
	}
}

func TestEveryStepMayBeTakenByANewLeader(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	m := w.train("triage")
	for range enough {
		if w.model(m.ID).Phase == understudy.Deployed {
			break
		}
		w.takeOver()
		w.must(w.look(m.ID))
	}
	w.endsWell(m.ID)
}

// endsWell is the one state in which every story of a good model ends.
func (w *world) endsWell(id string) {
	w.t.Helper()
	m := w.settle(id)
	if m.Phase != understudy.Deployed || m.Verdict != understudy.VerdictPassed || m.VerdictAttempts != 1 || m.Attempt != 1 || m.Revision != 1 {
		w.t.Errorf("ended as %s, %s after %d verdicts, attempt %d, revision %d: %s", m.Phase, m.Verdict, m.VerdictAttempts, m.Attempt, m.Revision, m.Reason)
	}
	if got := w.stage.names(); !slices.Equal(got, []string{"slm-triage-v1"}) {
		w.t.Errorf("on stage are %q", got)
	}
	if got := w.trainer.ordered; !slices.Equal(got, []string{id + "-1"}) {
		w.t.Errorf("ordered were %q", got)
	}
	all, err := w.db.Evaluations(w.ctx, id)
	w.must(err)
	if len(all) != 1 || all[0].N != 50 || all[0].Identical != 50 {
		w.t.Errorf("evaluations: %+v", all)
	}
	if w.stage.applies > 3 { // an evaluation, a deploy, and perhaps one whose objects a kill took
		w.t.Errorf("%d applies", w.stage.applies)
	}
}

func TestAnOldLeaderDoesNothing(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	m := w.train("triage")
	old := w.lead
	for range enough {
		w.takeOver()
		before, applies, removed := w.model(m.ID), w.stage.applies, len(w.stage.removed)
		_, err := old.model(w.ctx, m.ID)
		after := w.model(m.ID)
		if after.Generation != before.Generation || w.stage.applies != applies || len(w.stage.removed) != removed {
			t.Fatalf("the old leader acted in %s, error %v", before.Phase, err)
		}
		w.must(w.look(m.ID))
		if after.Phase == understudy.Deployed {
			break
		}
	}
	w.endsWell(m.ID)
}

func TestARefusedModelStaysAvailableAndAPersonMayForceIt(t *testing.T) {
	w := newWorld(t)
	w.stage.wrong = func(i int) bool { return i%3 == 0 }
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	id := w.train("triage").ID
	w.until(id, understudy.Available)
	m := w.settle(id)
	if m.Phase != understudy.Available || m.Verdict != understudy.VerdictRefused || !strings.Contains(m.Reason, "below the threshold") {
		t.Fatalf("%s, %s: %s", m.Phase, m.Verdict, m.Reason)
	}
	if got := w.stage.names(); len(got) != 0 {
		t.Errorf("on stage are %q", got)
	}
	w.ask(id, understudy.Deploy)
	m = w.until(id, understudy.Deployed)
	if !m.Forced || m.ForcedBy != "pat" {
		t.Errorf("forced %v by %q", m.Forced, m.ForcedBy)
	}
}

func TestASecondVerdictIsHarder(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", func(e *understudy.Endpoint) { e.AutoDeploy = false })
	w.teach("triage", 150)
	id := w.train("triage").ID
	w.until(id, understudy.Available)
	w.ask(id, understudy.Evaluate)
	w.untilTrue(id, "a second verdict", func(m understudy.Model) bool { return m.VerdictAttempts == 2 })
	all, err := w.db.Evaluations(w.ctx, id)
	w.must(err)
	if len(all) != 2 || all[1].Attempt != 2 || all[1].Alpha != 0.025 || all[1].Lower >= all[0].Lower {
		t.Errorf("evaluations: %+v", all)
	}
	if len(w.trainer.ordered) != 1 {
		t.Errorf("trained %d times", len(w.trainer.ordered))
	}
}

func TestTooFewEvalPairsAreRefusedWithHowManyAreMissing(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", func(e *understudy.Endpoint) { e.MinEvalPairs = 60 })
	w.teach("triage", 150)
	id := w.train("triage").ID
	m := w.until(id, understudy.Available)
	if m.Verdict != understudy.VerdictRefused || !strings.Contains(m.Reason, "10 are missing") {
		t.Errorf("%s: %s", m.Verdict, m.Reason)
	}
}

func TestAnswersThatErroredCountAsNothing(t *testing.T) {
	w := newWorld(t)
	w.stage.broken = func(i int) bool { return i%4 < 2 }
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	id := w.train("triage").ID
	m := w.until(id, understudy.Available)
	all, err := w.db.Evaluations(w.ctx, id)
	w.must(err)
	if m.Verdict != understudy.VerdictRefused || all[0].Errors == 0 || all[0].Identical+all[0].Errors != 50 {
		t.Errorf("%s with %+v", m.Verdict, all[0])
	}
}
