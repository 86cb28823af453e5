package lifecycle

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	understudy "understudy.dev/backend"
)

func TestWhoLeadsIsMeasured(t *testing.T) {
	w := newWorld(t)
	leads := make(chan struct{})
	config := w.lead.Config
	config.Metrics = prometheus.NewRegistry()
	config.Wakes = func(context.Context) <-chan string { close(leads); return nil }
	l := New(config)
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx, w.lead.epoch) }()
	<-leads
	if got := testutil.ToFloat64(l.meter.leader); got != 1 {
		t.Errorf("the leader's gauge is %g while it leads", got)
	}
	stop()
	<-done
	if got := testutil.ToFloat64(l.meter.leader); got != 0 {
		t.Errorf("the leader's gauge is %g after it has led", got)
	}
}

func TestAMoveCountsOnceItIsDone(t *testing.T) {
	w := newWorld(t)
	w.endpoint("triage", nil)
	w.teach("triage", 150)
	m := w.train("triage")
	meter := newMeter(prometheus.NewRegistry())
	db := measured{w.lead.DB, meter}
	if _, err := db.Move(w.ctx, 0, m, understudy.Progress, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Move(w.ctx, 0, m, understudy.Progress, nil); err == nil {
		t.Fatal("a stale move is done")
	}
	if got := testutil.ToFloat64(meter.moves.WithLabelValues("training", "downloading")); got != 1 {
		t.Errorf("counted %g times", got)
	}
	if n := testutil.CollectAndCount(meter.durations); n != 1 {
		t.Errorf("%d phases have durations", n)
	}
}
