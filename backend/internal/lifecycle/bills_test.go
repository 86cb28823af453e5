package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// renting is a world whose trainings rent machines.
func renting(t *testing.T) *world {
	w := newWorld(t)
	w.trainer.rent = &rent{}
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	return w
}

func (w *world) billed(usd float64, settled bool) {
	w.trainer.set(func() { w.trainer.rent.bill, w.trainer.rent.settle = &usd, settled })
}

func (w *world) asks() (n int) {
	w.trainer.set(func() { n = w.trainer.asked })
	return n
}

func TestTheCostGrowsWhileItTrainsAndTheBillComesAfterTheModelIsOnStage(t *testing.T) {
	w := renting(t)
	id := w.train("triage").ID
	w.untilTrue(id, "it trains", func(m understudy.Model) bool { return m.Training.Step > 2 })
	before, billed := w.model(id).Training.CostUSD()
	if before == 0 || billed {
		t.Errorf("while it trains: $%g, billed %t", before, billed)
	}
	m := w.until(id, understudy.Deployed)
	reckoned, billed := m.Training.CostUSD()
	r := m.Training.Rental(1)
	if reckoned <= before || billed || r.Settled || r.EndedAt == nil || r.Machine != "pod-1" || r.Where != "EU-RO-1" || r.Time != time.Duration(reckoned*float64(1000*time.Second)) {
		t.Fatalf("on stage: $%g, billed %t, %+v", reckoned, billed, r)
	}

	w.billed(0.1*reckoned, false) // the first of several hours
	m = w.untilTrue(id, "the trainer is asked again", func(m understudy.Model) bool { return m.Training.Rental(1).BilledUSD != nil })
	if usd, billed := m.Training.CostUSD(); usd != reckoned || billed {
		t.Errorf("a tenth of the bill is there: $%g, billed %t", usd, billed)
	}
	w.billed(1.25*reckoned, false)
	w.untilTrue(id, "the bill is in the record", func(m understudy.Model) bool {
		usd, billed := m.Training.CostUSD()
		return billed && usd == 1.25*reckoned
	})
	if said := w.events("training.billed"); len(said) != 1 || !strings.Contains(said[0], "by the bill") {
		t.Errorf("said %q", said)
	}

	// Nothing new: asked ever more seldom, and nothing written.
	generation, asked, began := w.model(id).Generation, w.asks(), w.clock.Now()
	for w.clock.Now().Sub(began) < time.Hour {
		w.must(w.look(id))
	}
	if n := w.asks() - asked; n < 3 || n > 100 {
		t.Errorf("asked %d times in an hour", n)
	}
	if g := w.model(id).Generation; g != generation {
		t.Errorf("generation %d → %d", generation, g)
	}
	w.billed(1.25*reckoned, true)
	w.untilTrue(id, "it is settled", func(m understudy.Model) bool { return m.Training.Rental(1).Settled })
	asked = w.asks()
	w.settle(id)
	if w.asks() != asked {
		t.Error("a bill that is settled is asked for")
	}
}

func TestWhatFailedTrainingsCostIsKept(t *testing.T) {
	w := renting(t)
	w.trainer.breaks["downloading"] = "The sha256 differs"
	id := w.train("triage").ID
	m := w.until(id, understudy.Failed)
	first, _ := m.Training.CostUSD()
	if first == 0 || m.Training.Rental(1).EndedAt == nil {
		t.Fatalf("the training that failed cost $%g: %+v", first, m.Training.Rentals)
	}
	w.trainer.set(func() { delete(w.trainer.breaks, "downloading") })
	w.ask(id, understudy.Retry)
	m = w.until(id, understudy.Deployed)
	if usd, _ := m.Training.CostUSD(); len(m.Training.Rentals) != 2 || m.Training.Rental(1).Reckoned != first || usd <= first || m.Training.Attempt != 2 {
		t.Errorf("after the second: $%g, %+v", usd, m.Training.Rentals)
	}
	if curve := m.Training.LossCurve; len(curve) != 2 { // the manifest's
		t.Errorf("the curve has %d points", len(curve))
	}
}

func TestADeletedPairDoesNotDeleteWhatWasPaid(t *testing.T) {
	w := newWorld(t)
	w.trainer.rent, w.trainer.forever = &rent{}, true
	w.endpoint("triage", nil)
	pairs := w.teach("triage", 150)
	id := w.train("triage").ID
	w.untilTrue(id, "it trains", func(m understudy.Model) bool { return m.Training.Step > 0 })
	gone := pairs[slices.IndexFunc(pairs, func(p understudy.Pair) bool { return p.Split == understudy.SplitTrain })]
	w.must(w.db.DeletePair(w.ctx, gone.ID))
	m := w.untilTrue(id, "a second attempt trains", func(m understudy.Model) bool { return m.Attempt == 2 && m.Training.Step > 0 })
	if len(m.Training.Rentals) != 2 || m.Training.Rental(1).Reckoned == 0 {
		t.Errorf("kept are %+v", m.Training.Rentals)
	}
	w.untilTrue(id, "the first is seen to have ended", func(m understudy.Model) bool { return m.Training.Rental(1).EndedAt != nil })
}

func TestAModelIsRetiredWithTheLastWordOfItsBill(t *testing.T) {
	w := renting(t)
	id := w.until(w.train("triage").ID, understudy.Deployed).ID
	w.ask(id, understudy.Undeploy)
	w.until(id, understudy.Available)
	w.settle(id)
	w.clock.pass(time.Hour)
	w.must(w.look(id)) // asked a moment ago
	w.billed(0.5, false)
	w.ask(id, understudy.Retire)
	m := w.untilTrue(id, "nothing is left of it", buried)
	if bill := m.Training.Rental(1).BilledUSD; bill == nil || *bill != 0.5 {
		t.Errorf("its bill is %v", bill)
	}
	m = w.untilTrue(id, "the job is gone, so nobody knows more", func(m understudy.Model) bool { return m.Training.Rental(1).Settled })
	if usd, billed := m.Training.CostUSD(); usd != 0.5 || !billed {
		t.Errorf("$%g, billed %t", usd, billed)
	}
}

func TestATrainerThatIsAwayDelaysTheBillAndNothingElse(t *testing.T) {
	w := renting(t)
	id := w.train("triage").ID
	w.until(id, understudy.LLMEvaluation)
	w.trainer.set(func() { w.trainer.down = true })
	w.until(id, understudy.Deployed)
	w.trainer.set(func() { w.trainer.down = false })
	w.billed(9, true)
	w.untilTrue(id, "the bill is in the record", func(m understudy.Model) bool { return m.Training.Rental(1).Settled })
}
