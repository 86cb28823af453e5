package lifecycle

import (
	"context"
	"testing"
	"time"

	understudy "understudy.dev/backend"
)

// The real queue and the real clock, polling fast: wake-ups, changes of
// workloads and surveys together bring a model on stage.
func TestRunBringsAModelOnStageAndEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	ctx, cancel := context.WithCancel(w.ctx)
	config := w.config
	config.Poll, config.Survey = time.Millisecond, 20*time.Millisecond
	wakes := make(chan string, 1)
	config.Wakes = func(context.Context) <-chan string { return wakes }
	announced := make(chan struct{}, 100)
	config.Announce = func(context.Context) { announced <- struct{}{} }

	epoch, err := w.db.RaiseEpoch(w.ctx)
	w.must(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		New(config).Run(ctx, epoch)
	}()
	wakes <- "triage"
	select {
	case <-announced:
	case <-time.After(time.Minute):
		t.Fatal("nothing was deployed")
	}
	models, err := w.db.Models(w.ctx, understudy.ModelFilter{Endpoint: "triage", Phases: []understudy.Phase{understudy.Deployed}})
	w.must(err)
	if len(models) != 1 {
		t.Errorf("%d models are deployed", len(models))
	}
	cancel()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it goes on without its context")
	}
}

func TestRunEndsWhenAnotherLeads(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	w.trainer.forever = true
	config := w.config
	config.Poll, config.Survey = time.Millisecond, 20*time.Millisecond
	old, err := w.db.RaiseEpoch(w.ctx)
	w.must(err)
	_, err = w.db.RaiseEpoch(w.ctx)
	w.must(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		New(config).Run(w.ctx, old)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the old leader goes on")
	}
	if got := w.versions("triage"); got != 0 {
		t.Errorf("the old leader created %d models", got)
	}
}
